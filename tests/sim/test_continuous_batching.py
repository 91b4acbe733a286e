"""Continuous batching: by hand, against a program with an event an iteration, and in general."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_continuous_batching import serve_plainly
from pydantic import ValidationError
from served_attempts import Arrival, Served, profile_text

from sim.client.request import Answer
from sim.cloud.settings import CloudSettings


@pytest.fixture(scope="module")
def profile_path(tmp_path_factory):
    """A profile in which reading a token takes 1 s, and giving each sequence its next one 10 s."""
    path = tmp_path_factory.mktemp("profiles") / "profile.yaml"
    text = profile_text(prefill={"seconds_per_token": 1.0}, decode={"seconds": 10.0})
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def slow(profile_path):
    """Prompts of 4 tokens and outputs of 2 at the times of that profile."""

    def cloud(tokens_per_interaction=None, **batching):
        request = {
            "prompt_tokens": 4,
            "tokens_per_interaction": tokens_per_interaction,
            "max_prompt_tokens": 14,
            "output_tokens": 2,
        }
        return {
            "service_time": {"kind": "profile", "path": str(profile_path), "request": request},
            "batching": {"kind": "continuous", **batching},
        }

    return cloud


def test_a_lonely_request_is_read_and_decoded(slow):
    served = Served([Arrival(1.0, 0)], **slow())
    assert (served.starts, served.ends) == ([1.0], [1.0 + 4 + 2 * 10])
    assert served.column("batch_size") == [1]


def test_who_comes_during_an_iteration_joins_after_it(slow):
    # The first is read until 4 and decodes until 14; then it decodes while the second is read.
    served = Served([Arrival(0.0, 0), Arrival(5.0, 1)], **slow())
    assert served.starts == [0.0, 14.0]
    assert served.ends == [28.0, 48.0]
    assert served.column("batch_size") == [1, 2]
    assert served.records().busy_s[0] == 48.0


def test_who_comes_at_the_very_end_of_an_iteration_joins_at_once(slow):
    served = Served([Arrival(0.0, 0), Arrival(4.0, 1)], **slow())
    assert served.starts == [0.0, 4.0]
    # Read 0-4; decode and read 4-18; both decode 18-28; the second decodes 28-38.
    assert served.ends == [28.0, 38.0]


def test_those_of_one_instant_are_read_together(slow):
    served = Served([Arrival(0.0, 0), Arrival(0.0, 1)], **slow())
    assert served.starts == [0.0, 0.0]
    assert served.ends == [28.0, 28.0]


def test_a_full_batch_lets_nobody_join_until_somebody_leaves(slow):
    served = Served([Arrival(0.0, 0), Arrival(5.0, 1)], **slow(size=1))
    assert served.starts == [0.0, 24.0]


def test_memory_for_keys_and_values_limits_the_batch(slow):
    # A request has 6 tokens of one byte each: 12 bytes hold two, 11 only one.
    arrivals = [Arrival(0.0, device) for device in range(3)]
    assert Served(arrivals, **slow(kv_memory_bytes=12)).starts == [0.0, 0.0, 28.0]
    assert Served(arrivals, **slow(kv_memory_bytes=11)).starts == [0.0, 24.0, 48.0]


def test_a_limit_of_prompt_tokens_spreads_reading_over_iterations(slow):
    arrivals = [Arrival(0.0, device) for device in range(3)]
    # Read two prompts 0-8; read the third while two decode 8-22.
    assert Served(arrivals, **slow(prefill_tokens=8)).starts == [0.0, 0.0, 8.0]
    # A prompt that is longer than the limit is read alone.
    assert Served(arrivals, **slow(prefill_tokens=1)).starts == [0.0, 4.0, 18.0]


def test_nobody_overtakes_a_request_for_which_there_is_no_room(slow):
    # Requests of 6, 16 and 6 tokens, and memory for 18.
    arrivals = [Arrival(0.0, 0), Arrival(1.0, 1, history=10), Arrival(2.0, 2)]
    served = Served(arrivals, **slow(tokens_per_interaction=1, kv_memory_bytes=18))
    assert served.starts == [0.0, 24.0, 24.0 + 14 + 20]


def test_who_has_no_room_makes_way_when_it_expires(slow):
    arrivals = [Arrival(0.0, 0), Arrival(1.0, 1, history=10, expires_s=6.0), Arrival(2.0, 2)]
    cloud = slow(tokens_per_interaction=1, kv_memory_bytes=18)
    served = Served(arrivals, drop_expired=True, **cloud)
    # The first iteration after the expiry begins at 14.
    assert served.starts == [0.0, math.inf, 14.0]


def test_a_replica_without_room_for_the_first_may_take_the_next_of_that_instant(slow):
    # At 4 the first replica has room for 12 tokens, the other one for 18.
    arrivals = [Arrival(0.0, 0), Arrival(4.0, 1, history=10), Arrival(4.0, 2)]
    cloud = slow(tokens_per_interaction=1, kv_memory_bytes=18)
    assert Served(arrivals, replicas=2, **cloud).starts == [0.0, 4.0, 4.0]


def test_a_request_without_output_is_answered_when_its_prompt_is_read(profile_path):
    request = {"prompt_tokens": 4, "output_tokens": 0}
    service_time = {"kind": "profile", "path": str(profile_path), "request": request}
    served = Served(
        [Arrival(0.0, 0), Arrival(1.0, 1)],
        service_time=service_time,
        batching={"kind": "continuous"},
    )
    assert served.ends == [4.0, 8.0]


def test_a_crash_hands_back_what_runs_and_it_begins_anew(slow):
    faults = {"crashes": ({"at_s": 10.0, "down_s": 5.0},)}
    served = Served([Arrival(0.0, 0), Arrival(4.0, 1)], faults=faults, **slow())
    assert served.starts == [15.0, 15.0]
    assert served.ends == [43.0, 43.0]
    assert served.records().busy_s[0] == 10.0 + 28.0


def test_a_slow_replica_takes_longer_also_for_the_iteration_under_way(slow):
    faults = {"slow_replicas": ({"start_s": 9.0, "duration_s": math.inf, "factor": 2.0},)}
    served = Served([Arrival(0.0, 0)], faults=faults, **slow())
    # Read 0-4; the first decode has 5 of its 10 s left at 9, which take 10; the second takes 20.
    assert served.ends == [39.0]


def test_short_requests_do_not_wait_for_a_batch_to_end():
    # One request each 0.3 s, on an accelerator that decodes a token in 9.8 ms: with static batches
    # a request that just misses one waits for its end.
    arrivals = [Arrival(0.3 * device, device) for device in range(40)]
    model = {"output_tokens": 40}
    roofline = {"kind": "roofline", "served_model": model}
    waiting_s = {
        kind: max(
            start - arrival.time_s
            for start, arrival in zip(
                Served(arrivals, service_time=roofline, batching={"kind": kind}).starts,
                arrivals,
                strict=True,
            )
        )
        for kind in ("static", "continuous")
    }
    assert waiting_s["continuous"] < 0.06 < 0.2 < waiting_s["static"]


ARRIVALS = st.lists(
    st.builds(
        Arrival,
        time_s=st.integers(0, 60).map(lambda quarter: quarter / 4) | st.floats(0, 15),
        device=st.integers(0, 5),
        history=st.integers(0, 12),
        list_age=st.integers(0, 3),
        expires_s=st.sampled_from([2.0, 6.0, 11.0, math.inf]),
    ),
    max_size=30,
    unique_by=lambda arrival: (arrival.time_s, arrival.device),
)


@st.composite
def clouds(draw):
    """Return settings in which memory, sequences or time are short."""
    served_model = {
        "parameters": draw(st.sampled_from([1e9, 7e9])),
        "prompt_tokens": draw(st.sampled_from([16, 200])),
        "tokens_per_interaction": draw(st.sampled_from([None, 7])),
        "max_prompt_tokens": 260,
        "output_tokens": draw(st.integers(0, 12)),
    }
    cloud = {
        "replicas": draw(st.integers(1, 3)),
        "queue_limit": draw(st.sampled_from([1, 3, 100])),
        "order": draw(st.sampled_from(["arrival", "oldest_list"])),
        "drop_expired": draw(st.booleans()),
        "service_time": {
            "kind": "roofline",
            "accelerator": "t4",
            "served_model": served_model,
            "compute_utilisation": draw(st.sampled_from([0.05, 0.5])),
            "memory_utilisation": draw(st.sampled_from([0.02, 0.1])),
        },
        "batching": {
            "kind": "continuous",
            "size": draw(st.integers(1, 6)),
            "kv_memory_bytes": 131072 * draw(st.sampled_from([280, 500, 900, 5000])),
            "prefill_tokens": draw(st.sampled_from([None, 1, 300])),
        },
    }
    if served_model["tokens_per_interaction"] is not None:
        cache_tokens = draw(st.sampled_from([0, 100, 600]))
        cloud["prefix_cache"] = {"memory_bytes": 131072 * cache_tokens}
    return cloud


@given(arrivals=ARRIVALS, cloud=clouds())
@settings(max_examples=300, deadline=None)
def test_it_equals_a_program_with_an_event_for_each_iteration(arrivals, cloud):
    served = Served(arrivals, **cloud)
    plain = serve_plainly(arrivals, CloudSettings.model_validate(cloud))
    assert served.starts == plain.starts_s
    assert served.ends == plain.ends_s
    assert served.column("batch_size") == plain.batch_sizes
    answers = served.column("answer")
    rejected = {index for index, answer in enumerate(answers) if answer == Answer.REJECTION}
    assert rejected == plain.rejected
    silent = {index for index, answer in enumerate(answers) if answer == Answer.NOTHING}
    assert silent == plain.dropped
    assert served.records().busy_s.sum() == pytest.approx(plain.busy_s)


@given(arrivals=ARRIVALS, cloud=clouds(), routing=st.sampled_from(["round_robin", "shared"]))
@settings(max_examples=100, deadline=None)
def test_nobody_is_lost_and_no_replica_does_more_than_it_can(arrivals, cloud, routing):
    cloud = {**cloud, "routing": routing}
    served = Served(arrivals, **cloud)
    records = served.records()
    assert records.unfinished == 0
    assert records.arrived == len(arrivals) == sum(records.ends.values())
    assert len(served.answered) == len({id(attempt) for attempt in served.answered})
    assert (records.busy_s <= records.on_s * (1 + 1e-12)).all()
    # All replicas together never have more sequences, nor set more memory aside, than there is.
    checked = CloudSettings.model_validate(cloud)
    request = checked.service_time.tokens
    cache_bytes = checked.prefix_cache.memory_bytes
    room = checked.replicas * checked.batching.kv_tokens(checked.service_time, cache_bytes)
    for now_s in served.starts:
        tokens = [
            request.prompt_of(each.request.history_interactions) + request.output_tokens
            for each in served.attempts
            if each.service_start_s <= now_s < each.service_end_s < math.inf
        ]
        assert len(tokens) <= checked.replicas * checked.batching.size
        assert sum(tokens) <= room


def test_few_events_for_a_long_output():
    arrivals = [Arrival(100.0 * device, device) for device in range(20)]
    model = {"output_tokens": 1000}
    served = Served(
        arrivals,
        service_time={"kind": "roofline", "served_model": model},
        batching={"kind": "continuous"},
    )
    assert all(answer == Answer.LIST for answer in served.column("answer"))
    assert served.clock.count_events() <= 6 * len(arrivals)


def refusal(**cloud):
    with pytest.raises(ValidationError) as caught:
        CloudSettings.model_validate(cloud)
    return str(caught.value)


def test_settings_that_cannot_work_are_refused():
    continuous = {"kind": "continuous"}
    for service_time in ({"kind": "fixed"}, {"kind": "random"}):
        message = refusal(batching=continuous, service_time=service_time)
        assert "need a service_time that counts tokens: roofline or profile" in message
    message = refusal(batching={**continuous, "kv_memory_bytes": 519 * 131072})
    least_bytes = 520 * 131072
    assert f"must be at least {least_bytes}: the longest request has 520 tokens" in message
    given_both = {**continuous, "kv_memory_bytes": 10**9, "memory_share": 0.5}
    assert "give only one of" in refusal(batching=given_both)


def test_iterations_of_a_stretch_add_up_to_the_last_bit():
    # 131 iterations of slightly growing time: not their number times one of them.
    model = {"output_tokens": 130, "prompt_tokens": 333}
    service_time = {"kind": "roofline", "served_model": model}
    served = Served([Arrival(0.1, 0)], service_time=service_time, batching={"kind": "continuous"})
    service = CloudSettings.model_validate({"service_time": service_time}).service_time
    flops, bytes_per_s = 312e12 * 0.5, 2039e9 * 0.7
    iterations_s = [2 * 7e9 * 333 / flops] + [
        (14e9 + service.kv_bytes_per_token * (333 + step)) / bytes_per_s for step in range(130)
    ]
    (*_, expected_s) = itertools.accumulate(iterations_s, initial=0.1)
    assert served.ends == [expected_s]
