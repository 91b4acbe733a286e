"""What the prefix cache keeps, what it spares, and that routing decides whether it is found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from served_attempts import Arrival, Served

from sim.cloud.prefix_cache import PrefixCache
from sim.cloud.settings import CloudSettings

KV_BYTES = 131072


def test_the_prompt_used_longest_ago_goes_first():
    cache = PrefixCache(10)
    cache.keep(1, 4)
    cache.keep(2, 4)
    assert cache.cached_tokens(1, 9) == 4
    cache.keep(3, 4)  # 2 was used longest ago
    assert [cache.cached_tokens(device, 9) for device in (1, 2, 3)] == [4, 0, 4]
    assert cache.tokens == 8


def test_a_longer_prompt_takes_the_place_of_the_last_one():
    cache = PrefixCache(10)
    cache.keep(1, 4)
    cache.keep(1, 7)
    assert cache.tokens == 7
    assert cache.cached_tokens(1, 9) == 7


def test_one_token_is_read_in_any_case():
    cache = PrefixCache(10)
    cache.keep(1, 7)
    assert cache.cached_tokens(1, 7) == 6


def test_a_prompt_that_never_fits_is_not_kept():
    cache = PrefixCache(10)
    cache.keep(1, 4)
    cache.keep(2, 11)
    assert [cache.cached_tokens(device, 20) for device in (1, 2)] == [4, 0]


@given(
    capacity=st.integers(1, 30),
    uses=st.lists(st.tuples(st.integers(0, 4), st.integers(1, 15), st.booleans()), max_size=40),
)
def test_it_equals_a_list_in_the_order_of_use(capacity, uses):
    cache, plain = PrefixCache(capacity), []  # pairs of device and tokens, the latest last
    for device, tokens, keeps in uses:
        own = [entry for entry in plain if entry[0] == device]
        others = [entry for entry in plain if entry[0] != device]
        if keeps:
            cache.keep(device, tokens)
            plain = others if tokens > capacity else [*others, (device, tokens)]
            while sum(kept for _, kept in plain) > capacity:
                plain.pop(0)
        else:
            known = min(own[0][1], tokens - 1) if own else 0
            assert cache.cached_tokens(device, tokens) == known
            plain = others + own
        assert cache.tokens == sum(kept for _, kept in plain) <= capacity


def cloud(batching, cache_tokens=10_000, **values):
    model = {
        "prompt_tokens": 100,
        "tokens_per_interaction": 10,
        "max_prompt_tokens": 1000,
        "output_tokens": 0,
    }
    return {
        "service_time": {"kind": "roofline", "served_model": model},
        "batching": {"kind": batching, "size": 1},
        "prefix_cache": {"memory_bytes": cache_tokens * KV_BYTES},
        **values,
    }


TWICE = [Arrival(0.0, 7, history=40, step=0), Arrival(5.0, 7, history=60, step=1)]


def seconds_to_read(tokens):
    return 2 * 7e9 * tokens / (312e12 * 0.5)


def took_s(served):
    return [end - start for start, end in zip(served.starts, served.ends, strict=True)]


@pytest.mark.parametrize("batching", ["static", "continuous"])
def test_a_devices_next_request_reads_only_what_is_new(batching):
    served = Served(TWICE, **cloud(batching))
    # 500 tokens at first; then 200 more, which take the time of the weights if that is longer.
    new_s = seconds_to_read(200)
    assert took_s(served) == pytest.approx([seconds_to_read(500), new_s])
    records = served.records()
    assert (records.prompt_tokens, records.cached_tokens) == (500 + 700, 500)
    without = Served(TWICE, **cloud(batching, cache_tokens=0))
    assert took_s(without) == pytest.approx([seconds_to_read(500), seconds_to_read(700)])


@pytest.mark.parametrize("batching", ["static", "continuous"])
def test_another_replica_does_not_know_the_device(batching):
    served = Served(TWICE, **cloud(batching, replicas=2, routing="round_robin"))
    assert served.records().cached_tokens == 0
    served = Served(TWICE, **cloud(batching, replicas=2, routing="least_outstanding"))
    assert served.records().cached_tokens == 500


@pytest.mark.parametrize("batching", ["static", "continuous"])
def test_a_crash_forgets(batching):
    faults = {"crashes": ({"at_s": 2.0, "down_s": 1.0},)}
    assert Served(TWICE, faults=faults, **cloud(batching)).records().cached_tokens == 0


def test_other_devices_drive_a_prompt_out():
    between = [Arrival(1.0 + device / 10, device, history=40) for device in range(3)]
    arrivals = [TWICE[0], *between, TWICE[1]]
    assert Served(arrivals, **cloud("static", 2000)).records().cached_tokens == 500
    assert Served(arrivals, **cloud("static", 1999)).records().cached_tokens == 0


def test_a_prompt_that_lost_its_beginning_extends_nothing():
    longer = [TWICE[0], Arrival(5.0, 7, history=91), Arrival(9.0, 7, history=92)]
    records = Served(longer, **cloud("static")).records()
    assert (records.prompt_tokens, records.cached_tokens) == (500 + 1000 + 1000, 0)
    just_fits = [TWICE[0], Arrival(5.0, 7, history=90)]
    assert Served(just_fits, **cloud("static")).records().cached_tokens == 500


def test_a_cache_needs_prompts_that_hold_the_history():
    for service_time in ({"kind": "fixed"}, {"kind": "roofline"}):
        with pytest.raises(ValidationError, match="with tokens_per_interaction"):
            CloudSettings.model_validate(
                {"service_time": service_time, "prefix_cache": {"memory_bytes": 1000}}
            )
