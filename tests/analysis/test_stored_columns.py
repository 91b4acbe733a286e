"""Columns of a file read one by one are those of the whole frame; values without a sort."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal
from pandas.testing import assert_frame_equal, assert_series_equal

from analysis import records, run_report
from analysis.categories import distinct
from analysis.metrics import METRICS, per_interaction, values
from analysis.stored_columns import StoredColumns, whole_numbers


def test_a_column_is_that_of_the_frame(run_dir: Path) -> None:
    path = run_dir / "interactions.parquet"
    frame, stored = pd.read_parquet(path), StoredColumns(path)
    assert list(stored.columns) == list(frame.columns)
    assert len(stored) == len(frame)
    assert not stored.empty
    for name in frame.columns:
        assert_series_equal(stored[name], frame[name])
    assert_frame_equal(stored[["rank", "user"]], frame[["rank", "user"]])
    assert_frame_equal(stored.frame(), frame)
    assert "rank" in stored
    assert "no such" not in stored
    with pytest.raises(KeyError, match="no such"):
        stored["no such"]


def test_a_report_never_reads_more_than_a_few_columns_at_once(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = pd.read_parquet
    asked: list[int] = []

    def counted(path: Path, columns: list[str] | None = None) -> pd.DataFrame:
        if Path(path).name in ("interactions.parquet", "requests.parquet"):
            assert columns is not None
            asked.append(len(columns))
        return read(path, columns=columns)

    monkeypatch.setattr(pd, "read_parquet", counted)
    run = records.read(run_dir)
    for draw in run_report.FIGURES:
        draw(run)
    run_report.html(run, {})
    assert asked
    assert max(asked) <= 2


@given(st.lists(st.integers(0, 60)))
def test_distinct_is_what_numpy_finds(values: list[int]) -> None:
    given_values = np.array(values, np.int64)
    found, position = distinct(given_values)
    unique, inverse = np.unique(given_values, return_inverse=True)
    assert_array_equal(found, unique)
    assert_array_equal(position, inverse)


@pytest.mark.parametrize("dtype", ["Int16", "float64", "int32"])
def test_whole_numbers_have_0_for_null(dtype: str) -> None:
    null = None if dtype == "Int16" else np.nan if dtype == "float64" else 0
    column = pd.Series([3, null, 7], dtype=dtype)
    assert whole_numbers(column).tolist() == [3, 0, 7]


@given(st.lists(st.integers(0, 300), min_size=1), st.sampled_from(METRICS))
def test_a_metric_from_a_table_is_that_of_each_interaction(ranks: list[int], metric: str) -> None:
    assert_array_equal(values(np.array(ranks), metric), per_interaction(np.array(ranks))[metric])


def test_a_negative_rank_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        values(np.array([1, -1]))
