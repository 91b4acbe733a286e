"""The accuracy benchmark on a log of a few users: what it prints, and what it refuses."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.accuracy import main


@pytest.fixture
def log_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LSC_CACHE", str(tmp_path / "cache"))
    random = np.random.default_rng(0)
    lines = []
    for user in range(1, 41):
        taken = 1 + (random.integers(80) + np.arange(random.integers(4, 9))) % 80
        lines.append(" ".join(str(value) for value in (user, *taken)))
    file = tmp_path / "small.txt"
    file.write_text("\n".join(lines) + "\n")
    return file


def table(text: str) -> dict[tuple[str, str, str], list[float]]:
    """Return the metrics by model, seed and ranking."""
    rows = {}
    for line in text.splitlines()[2:]:
        model, seed, ranking = line[:12].strip(), line[13:17].strip(), line[18:35].strip()
        rows[model, seed, ranking] = [float(value) for value in line[35:].split()[:4]]
    return rows


def test_every_model_is_measured_and_averaged_over_seeds(
    log_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--models", "causal_lm", "sasrec", "din", "--epochs", "1", "--seeds", "2"]
    assert main([str(log_file), *options, "--quantised"]) == 0
    rows = table(capsys.readouterr().out)
    rankings = ["history left out", "nothing left out", "LLM's 50, SRM's", "LLM's 50, fused"]
    for seed in ("0", "1", "mean"):
        for ranking in rankings:
            assert ("causal_lm", seed, ranking) in rows or ranking.startswith("LLM")
            for model in ("sasrec", "sasrec int8", "din", "din int8"):
                assert len(rows[model, seed, ranking]) == 4
    for (model, seed, ranking), metrics in rows.items():
        if seed == "mean":
            both = [rows[model, each, ranking] for each in ("0", "1")]
            np.testing.assert_allclose(metrics, np.mean(both, axis=0), atol=1e-4)
    assert len(rows) == 3 * (2 + 4 * 4)


def test_weights_are_trained_once_for_each_loss(
    log_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = []
    for loss in ("softmax", "binary_cross_entropy", "softmax"):
        assert main([str(log_file), "--models", "sasrec", "--epochs", "1", "--loss", loss]) == 0
        seconds.append(capsys.readouterr().out.splitlines()[2].split()[-3])
    assert seconds[2] == "-"
    assert "-" not in seconds[:2]


def test_a_data_set_that_is_not_there_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LSC_CACHE", str(tmp_path))
    assert main([str(tmp_path / "none.csv")]) == 2
    assert capsys.readouterr().err.startswith("error: ")
