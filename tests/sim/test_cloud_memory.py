"""What a replica holds has to fit into its accelerator's memory; what does not is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from served_attempts import profile_text

from sim.cloud.settings import CloudSettings

KV_BYTES = 131072
"""Of a token of the default model, whose weights take 14 GB and leave 58 of 0.9 x 80 GB."""


def refusal(**cloud):
    with pytest.raises(ValidationError) as caught:
        CloudSettings.model_validate(cloud)
    (error,) = caught.value.errors()
    return error["ctx"]["key"], error["msg"]


def roofline(accelerator="a100", **served_model):
    return {"kind": "roofline", "accelerator": accelerator, "served_model": served_model}


LONG = roofline(tokens_per_interaction=10, max_prompt_tokens=1000, output_tokens=0)


def test_a_static_batch_that_does_not_fit_is_refused():
    # 58 GB hold 442,504 tokens, which is 850 requests of 520.
    CloudSettings.model_validate({"batching": {"size": 850}})
    key, message = refusal(batching={"size": 851})
    assert key == "batching.size"
    assert message == (
        "is 851; must be at most 850: so many of the longest requests, 520 tokens, have their keys "
        "and values beside the weights in 0.9 of the accelerator's memory"
    )
    CloudSettings.model_validate({"batching": {"size": 851, "memory_share": 1.0}})


def test_the_longest_request_counts():
    growing = roofline(tokens_per_interaction=10, max_prompt_tokens=2000, output_tokens=0)
    CloudSettings.model_validate({"batching": {"size": 221}, "service_time": growing})
    key, message = refusal(batching={"size": 222}, service_time=growing)
    assert (key, message[:32]) == ("batching.size", "is 222; must be at most 221: so ")


@pytest.mark.parametrize("kind", ["static", "continuous"])
def test_weights_that_do_not_fit_are_refused(kind):
    key, message = refusal(batching={"kind": kind}, service_time=roofline(parameters=70e9))
    assert key == "service_time"
    assert message == (
        "has weights of 140 GB; must be below 72 GB, 0.9 of the accelerator's memory"
    )
    key, _ = refusal(batching={"kind": kind, "memory_share": 0.8}, service_time=roofline("t4"))
    assert key == "service_time"
    by_hand = {"kind": "continuous", "kv_memory_bytes": 10**9}
    key, message = refusal(batching=by_hand, service_time=roofline(parameters=70e9))
    assert key == "service_time"
    assert message.endswith("must be below 80 GB, 1 of the accelerator's memory")


@pytest.mark.parametrize("kind", ["static", "continuous"])
def test_a_request_that_does_not_fit_is_refused(kind):
    # 0.4 GB hold 3,051 tokens.
    CloudSettings.model_validate(
        {"batching": {"kind": kind, "size": 1}, "service_time": roofline("t4", prompt_tokens=3043)}
    )
    key, message = refusal(
        batching={"kind": kind, "size": 1}, service_time=roofline("t4", prompt_tokens=3044)
    )
    assert key == "batching.memory_share"
    assert "leaves room for the keys and values of 3051 tokens" in message
    assert "the longest request has 3052" in message


@pytest.mark.parametrize("kind", ["static", "continuous"])
def test_the_prefix_cache_shares_the_memory(kind):
    most = int(0.9 * 80e9 - 14e9) - 1000 * KV_BYTES
    cloud = {"batching": {"kind": kind, "size": 1}, "service_time": LONG}
    CloudSettings.model_validate({**cloud, "prefix_cache": {"memory_bytes": most}})
    key, message = refusal(**cloud, prefix_cache={"memory_bytes": most + 1})
    assert key == "prefix_cache.memory_bytes"
    assert message == (
        f"is {most + 1}; must be at most {most}, which the weights and a longest request, 1000 "
        "tokens, leave of 0.9 of the accelerator's memory"
    )


def test_a_cache_leaves_less_for_static_batches():
    cache = {"memory_bytes": int(0.9 * 80e9 - 14e9) - 8 * 1000 * KV_BYTES}
    cloud = {"service_time": LONG, "prefix_cache": cache}
    CloudSettings.model_validate({**cloud, "batching": {"size": 8}})
    key, message = refusal(**cloud, batching={"size": 9})
    assert (key, message[:24]) == ("batching.size", "is 9; must be at most 8:")
    assert "beside the weights and the prefix cache" in message


def test_memory_for_keys_and_values_is_no_more_than_there_is():
    most = int(80e9 - 14e9)
    batching = {"kind": "continuous", "kv_memory_bytes": most}
    CloudSettings.model_validate({"batching": batching})
    key, message = refusal(batching={**batching, "kv_memory_bytes": most + 1})
    assert key == "batching.kv_memory_bytes"
    assert message == (
        f"is {most + 1}; must be at most {most}, which the weights leave of the accelerator's "
        "memory"
    )
    growing = roofline(tokens_per_interaction=10)
    key, message = refusal(
        batching=batching, service_time=growing, prefix_cache={"memory_bytes": 1000}
    )
    assert key == "batching.kv_memory_bytes"
    assert f"must be at most {most - 1000}, which the weights and the prefix cache" in message


def test_a_cache_that_leaves_no_room_for_a_request_is_to_blame():
    most = int(80e9 - 14e9) - 1000 * KV_BYTES
    cloud = {"service_time": LONG, "batching": {"kind": "continuous", "kv_memory_bytes": 10**9}}
    key, message = refusal(**cloud, prefix_cache={"memory_bytes": 90 * 10**9})
    assert key == "prefix_cache.memory_bytes"
    assert message.startswith(f"is {90 * 10**9}; must be at most {most}, which the weights and a ")
    key, message = refusal(**cloud, prefix_cache={"memory_bytes": most + 1})
    assert key == "prefix_cache.memory_bytes"
    batching = {"kind": "continuous", "kv_memory_bytes": 1000 * KV_BYTES}
    CloudSettings.model_validate(
        {**cloud, "batching": batching, "prefix_cache": {"memory_bytes": most}}
    )


def test_where_memory_is_not_known_nothing_is_refused(tmp_path):
    path = tmp_path / "profile.yaml"
    profile = {"kind": "profile", "path": str(path), "extrapolate": True}
    cloud = {"batching": {"size": 10**6}, "service_time": profile}
    path.write_text(profile_text(), encoding="utf-8")
    CloudSettings.model_validate(cloud)
    path.write_text(profile_text(kv=0.0, memory=100), encoding="utf-8")
    CloudSettings.model_validate(cloud)
    path.write_text(profile_text(memory=1000), encoding="utf-8")  # 890 tokens beside the weights
    assert "must be at most 1: so many of the longest requests, 520 tokens" in refusal(**cloud)[1]
    for kind in ("fixed", "random"):
        CloudSettings.model_validate({"batching": {"size": 10**6}, "service_time": {"kind": kind}})


@given(
    kind=st.sampled_from(["static", "continuous"]),
    size=st.integers(1, 1000),
    cache_bytes=st.integers(0, 70 * 10**9),
    share=st.floats(0.1, 1.0),
    parameters=st.floats(1e9, 30e9),
)
def test_what_is_accepted_fits(kind, size, cache_bytes, share, parameters):
    request_bytes = 528 * KV_BYTES
    service_time = roofline(parameters=parameters, tokens_per_interaction=1, max_prompt_tokens=520)
    cloud = {
        "batching": {"kind": kind, "size": size, "memory_share": share},
        "service_time": service_time,
        "prefix_cache": {"memory_bytes": cache_bytes},
    }
    together = size if kind == "static" else 1
    fits = 2 * parameters + cache_bytes + together * request_bytes <= share * 80e9
    try:
        CloudSettings.model_validate(cloud)
    except ValidationError:
        assert not fits
    else:
        assert fits
