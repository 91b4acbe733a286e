"""What a fresh list would gain is learned once for the same tables and teachers."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from models import kept_gains
from models.kept_gains import kept_gain
from models.outcomes import Outcomes, OutcomeShape, OutcomeWriter
from models.request_gain import Known, predicted_gain

USERS, STEPS, COUNT = 40, 6, 10
KNOWN = Known(np.full(USERS, 50), first_list_age_steps=1)
HALVES = np.arange(USERS) % 2


@pytest.fixture
def outcomes(tmp_path):
    generator = np.random.default_rng(0)
    shape = OutcomeShape(USERS, STEPS, COUNT)
    columns = {
        name: (generator.random(size) * COUNT).astype(dtype)
        for name, (size, dtype) in shape.columns().items()
    }
    directory = tmp_path / "outcomes"
    directory.mkdir()
    writer = OutcomeWriter(directory, shape)
    writer.write(np.arange(USERS), columns)
    writer.close()
    return Outcomes(directory, shape)


@pytest.fixture
def learned(monkeypatch):
    """What was learned, one entry a time."""
    calls = []

    def counting(*arguments):
        calls.append(predicted_gain(*arguments))
        return calls[-1]

    monkeypatch.setattr(kept_gains, "predicted_gain", counting)
    return calls


def test_the_same_is_learned_once(tmp_path, outcomes, learned):
    first, second = (kept_gain(tmp_path, outcomes, "hash", 3, HALVES, KNOWN) for _ in range(2))
    assert len(learned) == 1
    assert first.dtype == np.float32
    np.testing.assert_array_equal(first, learned[0])
    np.testing.assert_array_equal(second, learned[0])


@pytest.mark.parametrize(
    "change",
    [
        {"outcomes_hash": "another"},
        {"fusion": 2},
        {"part_of_user": 1 - HALVES},
        {"known": replace(KNOWN, first_list_age_steps=2)},
        {"known": replace(KNOWN, context_interactions=np.arange(USERS))},
    ],
    ids=["tables", "fusion", "teachers", "first list", "contexts"],
)
def test_anything_else_is_learned_anew(tmp_path, outcomes, learned, change):
    arguments = {"outcomes_hash": "hash", "fusion": 3, "part_of_user": HALVES, "known": KNOWN}
    kept_gain(tmp_path, outcomes, **arguments)
    kept_gain(tmp_path, outcomes, **{**arguments, **change})
    assert len(learned) == 2


def test_what_is_kept_is_read_without_the_library_that_learns(tmp_path, outcomes):
    kept_gain(tmp_path, outcomes, "hash", 3, HALVES, KNOWN)
    program = (
        "import sys, numpy as np, pathlib; from models.kept_gains import kept_gain;"
        "from models.outcomes import Outcomes, OutcomeShape; from models.request_gain import Known;"
        f"here = pathlib.Path({str(tmp_path)!r}); shape = OutcomeShape({USERS}, {STEPS}, {COUNT});"
        f"kept_gain(here, Outcomes(here / 'outcomes', shape), 'hash', 3, np.arange({USERS}) % 2,"
        f"Known(np.full({USERS}, 50), 1)); assert 'sklearn' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
