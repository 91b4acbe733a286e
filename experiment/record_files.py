"""The files that hold a run's records, and what they add up to."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.accuracy import UserSums
from analysis.record_totals import RecordTotals
from experiment.cloud_records import cloud_frame, cloud_load_frame
from experiment.compared_worlds import Worlds
from experiment.device_blocks import device_blocks
from experiment.frames import devices_frame, freshness_frame, replay_frame
from experiment.interactions_frame import interactions_frame
from experiment.network_block import coverage_frame
from experiment.preparation import Preparation
from experiment.requests_frame import requests_frame
from experiment.row_groups import RowGroups, write_frame
from sim.world import World


@dataclass(frozen=True)
class RecordSums:
    """What the records of a run add up to.

    Attributes:
        totals: of interactions and requests.
        accuracy: each user's sums of the metrics, for the run and everything it is compared with.
    """

    totals: RecordTotals
    accuracy: pd.DataFrame


def write_records(
    preparation: Preparation,
    world: World,
    worlds: Worlds,
    directory: Path,
    devices_per_block: int | None = None,
) -> RecordSums:
    """Write what happened in a run, and return what it adds up to.

    Args:
        preparation: what the run read.
        world: the world of the run.
        worlds: what came of it, and of those that it is compared with.
        directory: where the files go.
        devices_per_block: how many devices are written at once, for `device_blocks`; the files hold
            the same rows and columns, and add up to the same, whatever it is.
    """
    cloud, coverage = worlds.run.cloud, worlds.run.network.coverage
    write_frame(directory / "devices.parquet", devices_frame(preparation, world))
    write_frame(directory / "cloud.parquet", cloud_frame(cloud))
    write_frame(directory / "cloud_load.parquet", cloud_load_frame(cloud))
    if coverage is not None:
        write_frame(directory / "coverage.parquet", coverage_frame(coverage))
    log_user = preparation.split.device_users[world.sessions.user]
    users, row = np.unique(log_user, return_inverse=True)
    totals, accuracy = RecordTotals(), UserSums(users)
    with (
        RowGroups(directory / "interactions.parquet") as interactions,
        RowGroups(directory / "requests.parquet") as requests,
    ):
        for block in device_blocks(preparation, world, worlds, devices_per_block):
            shown = interactions_frame(preparation, world, block)
            asked = requests_frame(block.result.requests)
            interactions.write(shown)
            requests.write(asked)
            totals.add(shown, asked)
            happened = block.happened
            rows = np.broadcast_to(row[block.first :][: len(happened), None], happened.shape)
            accuracy.add(
                rows[happened], {name: rank[happened] for name, rank in block.ranks.items()}
            )
    return RecordSums(totals, accuracy.frame())


def write_tables(preparation: Preparation, accuracy: pd.DataFrame, directory: Path) -> None:
    """Write what the report tells besides: sums by user, forced list ages, what was replayed."""
    write_frame(directory / "accuracy_by_user.parquet", accuracy)
    write_frame(directory / "freshness.parquet", freshness_frame(preparation))
    write_frame(directory / "replay.parquet", replay_frame(preparation))
