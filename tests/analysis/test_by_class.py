"""What a run's report says of each hardware class, against the plain sums over its devices."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from run_directory import write_run

from analysis import accuracy, by_class, records, run_report
from analysis.errors import RecordsError
from analysis.numerals import with_interval
from analysis.records import RunRecords

DEVICES = 90


def classes(directory: Path, names: list[str | None]) -> Path:
    """Say of which class each device of a constructed run is; `idle` is a class of none."""
    kinds = [*dict.fromkeys(name for name in names if name), "idle"]
    devices = pd.read_parquet(directory / "interactions.parquet").groupby("device")
    frame = pd.DataFrame(
        {
            "device": np.arange(DEVICES, dtype=np.int32),
            "user": devices["user"].first().to_numpy(),
            "steps": devices["step"].count().to_numpy(),
            "start_s": devices["decision_s"].first().to_numpy(),
            "class": pd.Categorical(names, pd.Index(kinds, dtype="str")),
            "cell": pd.array([None] * DEVICES, "Int32"),
            "region": pd.array([None] * DEVICES, "Int32"),
        }
    )
    frame.to_parquet(directory / "devices.parquet", index=False)
    return directory


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunRecords:
    """Users of devices 60 to 89 are those of 0 to 29 again: many have phones of two classes."""
    directory = write_run(tmp_path_factory.mktemp("classes") / "run")
    interactions = pd.read_parquet(directory / "interactions.parquet")
    own_order = (interactions["device"] % 2 == 1) & (interactions["step"] > 4)
    interactions["ranked_by"] = own_order.map({True: "llm", False: "fusion"})
    interactions.to_parquet(directory / "interactions.parquet")
    names = ["old" if device < 9 else "mid" if device % 2 else "new" for device in range(DEVICES)]
    return records.read(classes(directory, names))


def test_each_class_has_the_sums_of_its_devices(run: RunRecords) -> None:
    assert run.devices is not None
    told = by_class.estimates(run)
    assert [each.name for each in told] == ["old", "mid", "new"]
    for each in told:
        mine = run.devices.loc[run.devices["class"] == each.name, "device"]
        assert each.devices == len(mine)
        shown = run.interactions.frame()[run.interactions["device"].isin(mine)]
        sent = run.requests.frame()[run.requests["device"].isin(mine)]
        assert each.interactions == len(shown)
        assert each.request_frequency.value == pytest.approx(len(sent) / len(shown))
        gain = [0.0 if pd.isna(r) or r > 10 else 1 / math.log2(1 + r) for r in shown["rank"]]
        assert each.accuracy.value == pytest.approx(sum(gain) / len(shown))
        assert each.own_order.value == pytest.approx((shown["ranked_by"] == "llm").mean())
        took = [
            row.received_s - row.sent_s
            for row in sent.itertuples()
            if row.outcome in ("delivered", "superseded")
        ]
        assert each.response_s.value == pytest.approx(np.median(took))


def test_intervals_resample_the_users_of_the_run(run: RunRecords) -> None:
    assert run.devices is not None
    old, *others = by_class.estimates(run)
    # Nine users are too few for an interval.
    assert old.accuracy.low is old.request_frequency.low is old.response_s.low is None
    for each in others:
        mine = run.devices.loc[run.devices["class"] == each.name, "device"]
        shown = run.interactions.frame()[run.interactions["device"].isin(mine)]
        rank = shown["rank"].fillna(0).to_numpy(np.int64)
        sums = accuracy.by_user(shown["user"].to_numpy(), {"run": rank}).set_index("user")
        sums = sums[["ndcg@10", "interactions"]].reindex(run.users, fill_value=0)
        totals = run.resamples.totals(sums.to_numpy(np.float64))
        low, high = np.quantile(totals[:, 0] / totals[:, 1], [0.025, 0.975])
        assert each.accuracy.low == pytest.approx(low)
        assert each.accuracy.high == pytest.approx(high)
        assert low < each.accuracy.value < high


def test_the_report_shows_a_column_for_each_class(run: RunRecords) -> None:
    table = by_class.table(run)
    assert table is not None
    assert table.columns == ("", "old", "mid", "new")
    row = {row[0].text: [cell.text for cell in row[1:]] for row in table.rows}
    assert row["Devices"] == ["9", "41", "40"]
    assert row["Part of the interactions"] == ["10.0%", "45.6%", "44.4%"]
    told = by_class.estimates(run)
    assert row["NDCG@10"] == [with_interval(each.accuracy) for each in told]
    assert [text.count("[") for text in row["NDCG@10"]] == [0, 1, 1]
    page = run_report.html(run, {})
    assert page.count(table.label) == 1


@pytest.mark.parametrize("names", [None, [None] * DEVICES, ["mid"] * DEVICES])
def test_without_two_classes_there_is_no_table(
    names: list[str | None] | None, tmp_path: Path
) -> None:
    directory = write_run(tmp_path / "run")
    if names:
        classes(directory, names)
    run = records.read(directory)
    assert by_class.table(run) is None
    assert "hardware class" not in run_report.html(run, {})


def test_devices_without_a_column_are_refused(tmp_path: Path) -> None:
    directory = classes(write_run(tmp_path / "run"), ["mid"] * DEVICES)
    path = directory / "devices.parquet"
    pd.read_parquet(path).drop(columns="class").to_parquet(path)
    with pytest.raises(RecordsError, match=r"devices.parquet: lacks the column 'class'"):
        records.read(directory)
