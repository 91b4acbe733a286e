"""The service profile: its fit, the file it writes, and what the simulated cloud makes of it."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.service_fit import (
    DECODE_TERMS,
    PREFILL_TERMS,
    Timings,
    error_of,
    fit,
    predicted_s,
)
from benchmarks.service_grid import grid_of
from benchmarks.service_profile import MOST_ERROR, Measured, main, profile_of, warnings, write
from sim.cloud.service_time.profile import (
    ProfiledMachine,
    ProfiledModel,
    ProfileServiceTime,
    StageSeconds,
    read_profile,
)
from sim.cloud.service_time.service_time import NO_PROMPTS, Prompts

BATCHES, TOKENS = (1, 2, 4, 8, 16), (10, 25, 50, 100, 200)
PREFILL = StageSeconds(
    seconds=2e-3,
    seconds_per_sequence=4e-4,
    seconds_per_token=1e-5,
    seconds_per_token_pair=2e-7,
)
DECODE = StageSeconds(seconds=1e-3, seconds_per_sequence=2e-4, seconds_per_token=3e-6)
OUTPUT_TOKENS = 8
MACHINE = ProfiledMachine(processor="abacus", threads=2)
MODEL = ProfiledModel(name="tiny", parameters=1000, kv_bytes_per_token=64.0)


def timings_of(stage: StageSeconds, noise: float = 0.0) -> Timings:
    points = np.array([(b, n) for b in BATCHES for n in TOKENS], np.float64).T
    exact = [stage.pass_s(int(b), int(b * n), int(b * n * n)) for b, n in zip(*points, strict=True)]
    random = np.random.default_rng(5)
    return Timings(*points, np.array(exact) * np.exp(noise * random.standard_normal(len(exact))))


def coefficients(stage: StageSeconds) -> np.ndarray:
    return np.array([getattr(stage, term) for term in PREFILL_TERMS])


def seconds_of(prefill: StageSeconds, decode: StageSeconds) -> np.ndarray:
    """Return what a machine that is exactly as the stages say would show for the grid."""
    grid = grid_of(BATCHES, TOKENS)
    taken = []
    for point in (*grid.fitted, *grid.held_out):
        b, n = point.batch, point.tokens
        if point.stage == "prefill":
            taken.append(prefill.pass_s(b, b * n, b * n * n))
        else:
            steps = range(OUTPUT_TOKENS)
            taken.append(np.mean([decode.pass_s(b, b * (n + step)) for step in steps]))
    return np.array(taken)


def test_terms_without_noise_are_found_exactly() -> None:
    fitted = fit(timings_of(PREFILL), PREFILL_TERMS)
    np.testing.assert_allclose(coefficients(fitted), coefficients(PREFILL), rtol=1e-6)
    assert fitted.least_seconds == 0
    np.testing.assert_allclose(
        predicted_s(fitted, timings_of(PREFILL)), timings_of(PREFILL).seconds
    )


def test_terms_under_noise_are_found_nearly() -> None:
    fitted = fit(timings_of(PREFILL, noise=0.03), PREFILL_TERMS)
    np.testing.assert_allclose(coefficients(fitted), coefficients(PREFILL), rtol=0.5)
    assert np.abs(timings_of(PREFILL).relative_errors(fitted)).max() < 0.06


@pytest.mark.parametrize("missing", ["seconds_per_sequence", "seconds_per_token_pair"])
def test_a_term_that_is_not_there_is_not_fitted(missing: str) -> None:
    truth = PREFILL.model_copy(update={missing: 0.0})
    fitted = fit(timings_of(truth, noise=0.01), PREFILL_TERMS)
    assert getattr(fitted, missing) == 0


def test_a_floor_is_found() -> None:
    truth = StageSeconds(seconds_per_token=2e-5, least_seconds=6e-3)
    fitted = fit(timings_of(truth, noise=0.01), PREFILL_TERMS)
    assert fitted.least_seconds == pytest.approx(6e-3, rel=0.05)
    assert np.abs(timings_of(truth).relative_errors(fitted)).max() < 0.1


def test_what_a_second_sequence_costs_is_found() -> None:
    truth = StageSeconds(seconds=1e-3, seconds_if_batched=2e-3, seconds_per_sequence=1e-4)
    fitted = fit(timings_of(truth, noise=0.01), DECODE_TERMS)
    for sequences in (1, 2, 16):
        assert fitted.pass_s(sequences, 0) == pytest.approx(truth.pass_s(sequences, 0), rel=0.02)
    assert np.abs(timings_of(truth).relative_errors(fitted)).max() < 0.05


def test_no_coefficient_is_negative_whatever_was_measured() -> None:
    shrinking = timings_of(PREFILL)
    shrinking = Timings(shrinking.sequences, shrinking.tokens, 1 / shrinking.seconds)
    for terms in (PREFILL_TERMS, DECODE_TERMS):
        assert (coefficients(fit(shrinking, terms)) >= 0).all()


def test_the_error_is_that_of_sizes() -> None:
    error = error_of(np.array([-0.2, 0.1, 0.0, 0.1]))
    assert error.median == pytest.approx(0.1)
    assert error.p95 == pytest.approx(0.185)  # numpy's linear quantile of 0, 0.1, 0.1, 0.2


@given(
    st.lists(st.integers(1, 300), min_size=1, max_size=6),
    st.lists(st.integers(2, 3000), min_size=1, max_size=6),
)
def test_held_out_points_lie_between_and_share_no_size_and_no_length(
    batches: list[int], tokens: list[int]
) -> None:
    grid = grid_of(batches, tokens)
    for stage in ("prefill", "decode"):
        fitted = [point for point in grid.fitted if point.stage == stage]
        held_out = [point for point in grid.held_out if point.stage == stage]
        for each in ("batch", "tokens"):
            used = {getattr(point, each) for point in fitted}
            tested = {getattr(point, each) for point in held_out}
            assert not used & tested
            assert all(min(used) < size < max(used) for size in tested)
    assert len(set(grid.fitted)) == len(grid.fitted)


def test_the_cloud_takes_from_the_file_what_the_machine_would_take(tmp_path: Path) -> None:
    grid, seconds = grid_of(BATCHES, TOKENS), seconds_of(PREFILL, DECODE)
    profile, tested = profile_of(grid, seconds, OUTPUT_TOKENS, MACHINE, MODEL)
    assert profile.error.p95 < 1e-9
    assert [len(timings.seconds) for timings, _ in tested.values()] == [12, 6]
    path = tmp_path / "profile.yaml"
    write(profile, path)
    assert read_profile(path) == profile
    assert [each.name for each in tmp_path.iterdir()] == ["profile.yaml"]

    request = {"prompt_tokens": 40, "output_tokens": 3}
    cloud = ProfileServiceTime.model_validate(
        {"kind": "profile", "path": str(path), "request": request}
    )
    for batch in (1, 5, 16):
        expected = PREFILL.pass_s(batch, 40 * batch, 1600 * batch)
        expected += sum(DECODE.pass_s(batch, batch * (40 + step)) for step in range(3))
        assert cloud.batch_s(batch) == pytest.approx(expected, rel=1e-6)
        one_step = cloud.iteration_s(NO_PROMPTS, batch, 50 * batch)
        assert one_step == pytest.approx(DECODE.pass_s(batch, 50 * batch), rel=1e-6)
    mixed = cloud.iteration_s(Prompts(2, 60, 0, 30**2 * 2), 3, 120)
    assert mixed == pytest.approx(PREFILL.pass_s(2, 60, 1800) + DECODE.pass_s(3, 120), rel=1e-6)


def warned(seconds: np.ndarray, disturbed: float) -> list[str]:
    grid = grid_of(BATCHES, TOKENS)
    profile, _ = profile_of(grid, seconds, OUTPUT_TOKENS, MACHINE, MODEL)
    return list(warnings(profile, Measured(seconds, np.full(len(seconds), disturbed))))


def test_a_profile_that_should_not_be_relied_on_says_so() -> None:
    seconds = seconds_of(PREFILL, DECODE)
    assert warned(seconds, 0.0) == []
    (line,) = warned(seconds, 0.5)
    assert "50% of the work" in line
    # What is held out takes a quarter longer than what lies around it, so 20% of it are missed.
    fitted = len(grid_of(BATCHES, TOKENS).fitted)
    seconds[fitted:] *= 1.25
    (line,) = warned(seconds, 0.0)
    assert "misses what was held out by 20%, more than 15%" in line


TINY = ["--hidden", "16", "--heads", "2", "--layers", "1", "--intermediate", "16"]
SMALL = ["--items", "60", "--candidates", "5", "--batch-sizes", "1", "4", "--prompt-tokens", "4"]
QUICK = [*TINY, *SMALL, "16", "--output-tokens", "2", "--seconds", "0.2", "--silent"]


@pytest.mark.parametrize("beams", [1, 3])
def test_a_real_model_is_measured_and_its_file_accepted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], beams: int
) -> None:
    path = tmp_path / "profile.yaml"
    assert main([*QUICK, "--beams", str(beams), "--out", str(path)]) == 0
    printed = capsys.readouterr().out
    assert "prefill" in printed
    assert printed.endswith(f"profile: {path}\n")
    profile = read_profile(path)
    assert profile.validity.batch_size == (1, 4)
    assert profile.validity.prompt_tokens == (4, 16)
    # Keys and values of one layer of width 16, in float32, of each beam.
    assert profile.model.kv_bytes_per_token == 2 * 16 * 4 * beams
    # Tied embeddings of 60 items and padding; attention, feed-forward and three norms.
    assert profile.model.parameters == 61 * 16 + 4 * 16**2 + 3 * 16**2 + 3 * 16
    cloud = ProfileServiceTime.model_validate(
        {"kind": "profile", "path": str(path), "request": {"prompt_tokens": 8, "output_tokens": 2}}
    )
    assert 0 < cloud.batch_s(1) <= cloud.batch_s(4)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--batch-sizes", "1", "2"], "--batch-sizes 1 2"),
        (["--prompt-tokens", "1", "8"], "at least 2 tokens"),
        (["--batch-sizes", "none"], "'none' is no whole number"),
        (["--seconds", "0"], "'0' is no number of seconds"),
        (["--hidden", "10"], "hidden (10)"),
        (["--weights", "/nowhere"], "/nowhere"),
        (["--weights", "/nowhere", "--layers", "2"], "only one of"),
        (["--items", "100"], "at least 210"),
        (["--device", "abacus"], "--device"),
        (["--out", "/nowhere/profile.yaml"], "/nowhere"),
        (["--out", "/"], "is a directory"),
        (["--no-such-option"], "--no-such-option"),
    ],
)
def test_a_bad_option_is_one_line(
    options: list[str],
    says: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert main(["--quick", "--silent", *options]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("error: ")
    assert printed.count("\n") == 1
    assert says in printed
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_profile_predicts_what_it_was_not_fitted_to(tmp_path: Path) -> None:
    """The median over three profiles of their median errors: one moment of a busy host is none."""
    path, errors = tmp_path / "profile.yaml", []
    small = ["--hidden", "64", "--heads", "2", "--layers", "2", "--intermediate", "128"]
    sizes = ["--batch-sizes", "1", "4", "16", "--prompt-tokens", "10", "40", "160"]
    others = ["--items", "500", "--output-tokens", "4", "--threads", "1", "--seconds", "5"]
    for _ in range(3):
        assert main([*small, *sizes, *others, "--silent", "--out", str(path)]) == 0
        errors.append(read_profile(path).error.median)
    assert np.median(errors) <= MOST_ERROR
