"""Records are written in blocks of devices: the files and their sums are those of one block."""

import json

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal
from tiny_scenario import TINY

from analysis.record_totals import DISTRIBUTIONS
from experiment.calibration.request_policy import request_policy
from experiment.compared_worlds import simulate_worlds
from experiment.device_blocks import device_blocks
from experiment.preparation import prepare
from experiment.record_files import write_records
from experiment.row_groups import RowGroups
from experiment.scenario import from_mapping
from workloads.progress import SILENT

DEVICES = 50

WORLDS = {
    "all stay": {},
    "some leave, with batteries": {
        "devices": {
            "churn": {"per_step": 0.2},
            "battery": {"start": {"low": 0.04, "high": 0.25}},
        }
    },
    "nobody asks": {"policy": {"kind": "never"}},
    "some fail": {"serving": {"timeout_s": 0.9}, "network": {"preset": "3g"}},
}


@pytest.fixture(scope="module", params=WORLDS)
def written(request, tmp_path_factory, directories):
    """A run's records and sums, written three devices at a time, and all at once."""
    sections = {**TINY, **WORLDS[request.param]}
    preparation = prepare(from_mapping(sections, "tiny.yaml").scenario, directories, SILENT)
    world = request_policy(preparation, SILENT).world
    worlds = simulate_worlds(preparation, world, None, SILENT)
    found = []
    for size in (3, 10**6):
        directory = tmp_path_factory.mktemp("records")
        sums = write_records(preparation, world, worlds, directory, devices_per_block=size)
        found.append((directory, sums))
    blocks = list(device_blocks(preparation, world, worlds, 3))
    return worlds, blocks, found


def test_files_hold_the_same_rows_and_columns(written):
    _, _, ((blocks, _), (whole, _)) = written
    names = {path.name for path in whole.iterdir()}
    assert names == {path.name for path in blocks.iterdir()}
    assert {"interactions.parquet", "requests.parquet", "devices.parquet"} <= names
    for name in names:
        assert_frame_equal(pd.read_parquet(blocks / name), pd.read_parquet(whole / name))
        assert pq.read_schema(blocks / name).equals(pq.read_schema(whole / name), True)


def test_a_block_is_a_row_group(written):
    _, blocks, ((directory, _), (whole, _)) = written
    assert len(blocks) == -(-DEVICES // 3)
    metadata = pq.read_metadata(directory / "interactions.parquet")
    rows = [metadata.row_group(each).num_rows for each in range(metadata.num_row_groups)]
    assert rows == [int(block.happened.sum()) for block in blocks]
    assert pq.read_metadata(whole / "interactions.parquet").num_row_groups == 1


def test_sums_are_the_same_to_the_last_bit(written):
    _, _, ((_, blocks), (_, whole)) = written
    assert_frame_equal(blocks.accuracy, whole.accuracy, check_exact=True)
    counts = ("devices", "users", "interactions", "requests", "consulted", "wanted", "outcomes")
    for name in (*counts, "bytes_up", "bytes_down"):
        assert getattr(blocks.totals, name) == getattr(whole.totals, name)
    for name in DISTRIBUTIONS:
        assert blocks.totals.distribution(name) == whole.totals.distribution(name)


def test_totals_are_those_of_the_simulated_records(written):
    worlds, _, ((_, sums), _) = written
    interactions, requests = worlds.run.interactions, worlds.run.requests
    happened = interactions.happened
    assert sums.totals.devices == DEVICES
    assert sums.totals.interactions == happened.sum()
    assert sums.totals.requests == len(requests.device) == sum(sums.totals.outcomes.values())
    wait_s = (interactions.shown_s - interactions.decision_s)[happened]
    waited = sums.totals.distribution("display_wait_s")
    assert waited["mean"] == pytest.approx(wait_s.mean())
    assert waited["p95"] == pytest.approx(np.quantile(wait_s, 0.95))
    assert sums.totals.bytes_up == requests.bytes_up.sum()


def test_what_is_kept_of_a_world_is_small(written):
    worlds, _, _ = written
    for world in worlds.compared.values():
        assert world.rank.nbytes <= 2 * world.rank.size
        json.dumps(world.costs)


def test_records_are_at_most_27_bytes_an_interaction(written):
    worlds, _, _ = written
    interactions = worlds.run.interactions
    charge = interactions.battery_share.nbytes
    assert sum(each.nbytes for each in vars(interactions).values()) - charge <= (
        27 * interactions.decision_s.size
    )


def test_a_file_of_no_rows_has_its_columns(tmp_path):
    frame = pd.DataFrame({"sent_s": [1.0, 2.0], "step": pd.array([1, None], dtype="Int16")})
    with RowGroups(tmp_path / "none.parquet") as file:
        file.write(frame.iloc[:0])
    with RowGroups(tmp_path / "two.parquet") as file:
        for row in (0, 1):
            file.write(frame.iloc[row : row + 1])
    assert_frame_equal(pd.read_parquet(tmp_path / "none.parquet"), frame.iloc[:0])
    assert_frame_equal(pd.read_parquet(tmp_path / "two.parquet"), frame)
