"""Labels that do not touch, and files that are written whole."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.drawing import Drawing, frame_values, spread
from analysis.figures import accuracy_baselines
from analysis.records import read


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_labels_keep_their_distance_inside_the_axes(wanted: list[float]) -> None:
    placed = spread(sorted(wanted), 0.1, 0.0, 1.0)
    assert np.all(np.diff(placed) >= 0.1 - 1e-9)
    assert min(placed) >= -1e-9
    assert max(placed) <= 1 + 1e-9


def test_labels_move_as_little_as_possible() -> None:
    assert spread([0.2, 0.5, 0.9], 0.1, 0.0, 1.0) == pytest.approx([0.2, 0.5, 0.9])
    assert spread([0.5, 0.5], 0.1, 0.0, 1.0) == pytest.approx([0.45, 0.55])


def test_axes_start_at_zero_unless_that_squeezes_the_values() -> None:
    limits: list[tuple[float, float]] = []
    assert frame_values(lambda low, high: limits.append((low, high)), [0.1], [0.3])
    assert not frame_values(lambda low, high: limits.append((low, high)), [0.28], [0.30])
    assert limits[0][0] == 0
    assert 0.27 < limits[1][0] < 0.28


def test_saving_leaves_three_whole_files(run_dir: Path, tmp_path: Path) -> None:
    drawing: Drawing = accuracy_baselines.draw(read(run_dir))
    drawing.save(tmp_path)
    drawing.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"accuracy_baselines.{ending}" for ending in ("csv", "png", "svg")
    ]
