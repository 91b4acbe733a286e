"""How long batches and iterations take, by hand; what random times draw; what profiles refuse."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from served_attempts import Arrival, Served, profile_text

from sim.cloud.service_time.profile import ProfileServiceTime
from sim.cloud.service_time.random import RandomServiceTime
from sim.cloud.service_time.request_tokens import RequestTokens
from sim.cloud.service_time.roofline import RooflineServiceTime
from sim.cloud.service_time.service_time import NO_PROMPTS, Prompts
from sim.cloud.settings import CloudSettings

A100 = RooflineServiceTime()
A100_FLOPS = 312e12 * 0.5
A100_BYTES_PER_S = 2039e9 * 0.7
MISTRAL_KV_BYTES = 2 * 32 * 8 * 128 * 2


def test_keys_and_values_of_a_token_of_mistral_7b():
    assert A100.kv_bytes_per_token == MISTRAL_KV_BYTES == 131072
    assert A100.kv_memory_bytes(0.9) == pytest.approx(0.9 * 80e9 - 14e9)


def test_an_iteration_that_reads_prompts_is_bound_by_arithmetic():
    prompts = Prompts(2, 1024, 0, 2 * 512**2)
    assert A100.iteration_s(prompts, 3, 1600) == pytest.approx(2 * 7e9 * 1027 / A100_FLOPS)


def test_an_iteration_that_only_decodes_is_bound_by_memory():
    seconds = (14e9 + MISTRAL_KV_BYTES * 1600) / A100_BYTES_PER_S
    assert A100.iteration_s(NO_PROMPTS, 3, 1600) == pytest.approx(seconds)


def test_cached_tokens_cost_memory_traffic_and_no_arithmetic():
    prompts = Prompts(1, 2, 500, 502**2 - 500**2)
    seconds = (14e9 + MISTRAL_KV_BYTES * (500 + 1600)) / A100_BYTES_PER_S
    assert A100.iteration_s(prompts, 3, 1600) == pytest.approx(seconds)


def decode_s(batch, prompt_tokens, output_tokens=8):
    """Time of the decode steps of equal prompts on the A100, each the longer of its two bounds."""
    arithmetic_s = 2 * 7e9 * batch / A100_FLOPS
    contexts = [batch * (prompt_tokens + step) for step in range(output_tokens)]
    traffic_s = [(14e9 + MISTRAL_KV_BYTES * tokens) / A100_BYTES_PER_S for tokens in contexts]
    return sum(max(arithmetic_s, each) for each in traffic_s)


def test_decode_steps_of_a_static_batch_read_its_keys_and_values():
    for batch in (1, 8, 256):
        prefill_s = 2 * 7e9 * 512 * batch / A100_FLOPS
        assert A100.batch_s(batch) == pytest.approx(prefill_s + decode_s(batch, 512))
    # They are more than the weights at a batch of 256.
    assert decode_s(256, 512) > 2 * 8 * 14e9 / A100_BYTES_PER_S


def test_large_batches_of_short_prompts_decode_as_fast_as_they_compute():
    short = RooflineServiceTime.model_validate({"served_model": {"prompt_tokens": 1}})
    assert short.batch_s(512) == pytest.approx((1 + 8) * 512 * 2 * 7e9 / A100_FLOPS)


def test_a_short_prompt_takes_as_long_as_reading_the_weights():
    short = RooflineServiceTime.model_validate(
        {"served_model": {"prompt_tokens": 10, "output_tokens": 0}}
    )
    assert short.batch_s(1) == pytest.approx(14e9 / A100_BYTES_PER_S)


def test_a_static_batch_reads_the_tokens_that_its_prompts_have():
    eight = Prompts(8, 8 * 512, 0, 8 * 512**2)
    assert A100.static_batch_s(eight) == pytest.approx(A100.batch_s(8))
    half = Prompts(8, 4 * 512, 4 * 512, 0)
    spared_s = 2 * 7e9 * 4 * 512 / A100_FLOPS
    assert A100.static_batch_s(half) == pytest.approx(A100.batch_s(8) - spared_s)


@given(
    histories=st.lists(st.integers(0, 200), min_size=1, max_size=40),
    accelerator=st.sampled_from(["t4", "a100", "h200"]),
    parameters=st.sampled_from([1e6, 1e8, 3e9]),
    output_tokens=st.integers(0, 20),
)
def test_a_static_batch_takes_what_continuous_batching_takes_where_all_join_together(
    histories, accelerator, parameters, output_tokens
):
    arrivals = [Arrival(0.0, device, history=each) for device, each in enumerate(histories)]
    model = {
        "parameters": parameters,
        "prompt_tokens": 30,
        "tokens_per_interaction": 5,
        "max_prompt_tokens": 1000,
        "output_tokens": output_tokens,
    }
    service_time = {"kind": "roofline", "accelerator": accelerator, "served_model": model}
    static, continuous = (
        Served(arrivals, service_time=service_time, batching={"kind": kind, "size": 40, **others})
        for kind, others in (("static", {"wait_s": 0.0}), ("continuous", {}))
    )
    assert static.ends == pytest.approx(continuous.ends, rel=1e-12)


def test_prompts_grow_with_the_history_up_to_a_limit():
    fixed = RequestTokens(prompt_tokens=100)
    assert [fixed.prompt_of(interactions) for interactions in (0, 50)] == [100, 100]
    growing = RequestTokens(prompt_tokens=100, tokens_per_interaction=4, max_prompt_tokens=250)
    lengths = [growing.prompt_of(interactions) for interactions in (0, 10, 37, 38)]
    assert lengths == [100, 140, 248, 250]
    assert growing.longest_prompt_tokens == 250


def test_a_longer_history_takes_longer_to_read():
    model = {"prompt_tokens": 200, "tokens_per_interaction": 10, "output_tokens": 0}
    served = Served(
        [Arrival(0.0, 0, history=0), Arrival(10.0, 1, history=20)],
        batching={"size": 1},
        service_time={"kind": "roofline", "served_model": model},
    )
    took_s = [end - start for start, end in zip(served.starts, served.ends, strict=True)]
    assert took_s == pytest.approx([2 * 7e9 * tokens / A100_FLOPS for tokens in (200, 400)])
    assert served.records().prompt_tokens == 600


@pytest.fixture
def profile(tmp_path):
    def write(request=None, **parts):
        path = tmp_path / "profile.yaml"
        path.write_text(profile_text(**parts), encoding="utf-8")
        return {"kind": "profile", "path": str(path), "request": request or {}}

    return write


def test_a_profile_adds_up_its_terms_above_a_floor(profile):
    service = ProfileServiceTime.model_validate(
        profile(
            request={"prompt_tokens": 10, "output_tokens": 3},
            prefill={
                "seconds": 1.0,
                "seconds_per_sequence": 0.5,
                "seconds_per_token": 0.01,
                "seconds_per_token_pair": 0.001,
            },
            decode={"seconds": 0.1, "seconds_per_token": 0.01, "least_seconds": 0.35},
        )
    )
    prefill_s = 1.0 + 2 * 0.5 + 20 * 0.01 + 200 * 0.001
    assert service.iteration_s(Prompts(2, 20, 0, 200), 0, 0) == pytest.approx(prefill_s)
    assert service.iteration_s(NO_PROMPTS, 2, 20) == pytest.approx(0.35)
    assert service.iteration_s(NO_PROMPTS, 2, 40) == pytest.approx(0.5)
    assert service.iteration_s(Prompts(2, 20, 0, 200), 2, 40) == pytest.approx(prefill_s + 0.5)
    # Two prompts of 10 tokens have 20, 22 and 24 tokens when the three output tokens are made.
    assert service.batch_s(2) == pytest.approx(prefill_s + 3 * 0.35)
    assert service.batch_s(4) == pytest.approx(
        1.0 + 4 * 0.5 + 40 * 0.01 + 400 * 0.001 + 0.5 + 0.54 + 0.58
    )


def refusal(**cloud):
    with pytest.raises(ValidationError) as caught:
        CloudSettings.model_validate(cloud)
    return str(caught.value)


def test_a_profile_is_not_believed_beyond_what_was_measured(profile):
    measured = profile(request={"prompt_tokens": 64}, batch_size=(1, 8), prompt_tokens=(32, 128))
    CloudSettings.model_validate({"service_time": measured, "batching": {"size": 8}})
    message = refusal(service_time=measured, batching={"size": 9})
    assert "is 9; the profile was measured up to 8 requests" in message
    assert "(cloud.service_time.extrapolate: true goes beyond)" in message
    longer = {**measured, "request": {"prompt_tokens": 129}}
    message = refusal(service_time=longer)
    assert "prompts of 129 tokens; the profile was measured from 32 to 128" in message
    growing = {"prompt_tokens": 64, "tokens_per_interaction": 1, "max_prompt_tokens": 200}
    message = refusal(service_time={**measured, "request": growing})
    assert "64 to 200" in message
    assert "(give request.prompt_tokens and request.max_prompt_tokens within that, or " in message
    assert "cloud.service_time.extrapolate: true to go beyond)" in message
    further = {**longer, "extrapolate": True}
    CloudSettings.model_validate({"service_time": further, "batching": {"size": 9}})


def test_what_is_no_profile_is_refused_in_one_line(profile, tmp_path):
    assert "cannot be read (No such file" in refusal(
        service_time={"kind": "profile", "path": str(tmp_path / "missing.yaml")}
    )
    values = profile()
    for text in ("[", "5", "machine: 5"):
        (tmp_path / "profile.yaml").write_text(text, encoding="utf-8")
        assert "is no profile (" in refusal(service_time=values)
    (tmp_path / "profile.yaml").write_text("{}", encoding="utf-8")
    assert "is no profile (machine: is missing)" in refusal(service_time=values)


DISTRIBUTIONS = [
    ("exponential", None, 1.0),
    ("deterministic", None, 0.0),
    ("lognormal", 0.5, 0.5),
    ("lognormal", None, 1.0),
    ("gamma", 0.5, 0.5),
    ("gamma", 2.0, 2.0),
]


@pytest.mark.parametrize(("distribution", "coefficient", "variation"), DISTRIBUTIONS)
def test_random_times_have_the_mean_and_variation_that_they_promise(
    distribution, coefficient, variation
):
    service = RandomServiceTime(
        distribution=distribution,
        mean_s=0.2,
        mean_s_per_request=0.1,
        coefficient_of_variation=coefficient,
    )
    assert service.variation == variation
    assert service.batch_s(3) == pytest.approx(0.5)
    # Midpoints of a million equal shares: the integral of the quantile function is the mean.
    factors = service.quantile((np.arange(1_000_000) + 0.5) / 1_000_000)
    assert factors.mean() == pytest.approx(1.0, rel=1e-3)
    assert factors.std() == pytest.approx(variation, rel=1e-2, abs=1e-12)
    assert (np.diff(factors) >= 0).all()


def test_a_draw_belongs_to_a_seed_a_replica_and_a_batch():
    service = RandomServiceTime(mean_s=1.0)
    few, many = service.timer(5, 1), service.timer(5, 1)
    first = [few(1) for _ in range(20)]
    assert [many(1) for _ in range(1000)][:20] == first
    assert len({many(1) for _ in range(500)}) == 500
    again = service.timer(5, 1)
    assert [again(3) for _ in range(20)] == first  # the draw is the batch's, whatever its size
    assert service.timer(5, 0)(1) != first[0] != service.timer(6, 1)(1)


def test_a_thousand_drawn_times_average_to_their_mean():
    timer = RandomServiceTime(mean_s=2.0).timer(0, 0)
    drawn = np.array([timer(1) for _ in range(4000)])
    assert drawn.mean() == pytest.approx(2.0, abs=4 * 2.0 / np.sqrt(4000))


def test_a_coefficient_is_refused_where_the_distribution_has_its_own():
    message = refusal(service_time={"kind": "random", "coefficient_of_variation": 2.0})
    assert "only lognormal and gamma take one" in message


def test_replicas_draw_their_own_times():
    arrivals = [Arrival(0.0, device) for device in range(2)]
    served = Served(
        arrivals, replicas=2, batching={"size": 1}, service_time={"kind": "random", "mean_s": 1.0}
    )
    expected = [RandomServiceTime(mean_s=1.0).timer(0, replica)(1) for replica in (0, 1)]
    assert served.ends == expected
    assert expected[0] != expected[1]
