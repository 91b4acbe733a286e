"""Interactions as rows of `interactions.parquet`."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiment.columns import categories, masked, ranks
from experiment.device_blocks import DeviceBlock
from experiment.preparation import Preparation
from sim.records.interactions import InteractionRecords, RankedBy
from sim.world import World

SOURCES = ["fresh", "stale", "popular"]
RANKED_BY = [*(ranked_by.name.lower() for ranked_by in RankedBy), "popularity"]


def interactions_frame(preparation: Preparation, world: World, block: DeviceBlock) -> pd.DataFrame:
    """Return a row for each interaction that happened, in the order of device and step.

    The column `battery_share` is there where devices have batteries.

    Args:
        preparation: the models' outcomes.
        world: the world of the run.
        block: the devices.
    """
    records, table = block.result.interactions, world.table
    devices, steps = records.decision_s.shape
    device = np.arange(block.first, block.first + devices, dtype=np.int32)
    log_user = preparation.split.device_users[block.user]
    row = records.shown_row
    popular = row == steps + 1
    held_age, held_popular = _age_steps(world, records.held_row), records.held_row == steps + 1
    columns = {
        "device": np.repeat(device, steps),
        "user": np.repeat(log_user.astype(np.int32), steps),
        "step": np.tile(np.arange(steps, dtype=np.int16), devices),
        "decision_s": records.decision_s.ravel(),
        "shown_s": records.shown_s.ravel(),
        **_list_shown(world, records, popular),
        "consistency": block.result.consistency(table, block.user).ravel(),
        "wanted": (records.requested | records.held_back).ravel(),
        "suppressed": records.suppressed.ravel(),
        "requested": records.requested.ravel(),
        "ranked_by": categories(
            np.where(popular, RANKED_BY.index("popularity"), records.ranked_by).ravel(), RANKED_BY
        ),
        "rank": ranks(block.ranks["run"]),
        "parameters": records.version.ravel(),
        "held_age_steps": masked(held_age, held_popular),
        **_next_ranks(world, records, block.user),
        **{f"rank_{name}": ranks(block.ranks[name]) for name in ("never", "always")},
    }
    if records.battery_share.size:
        columns["battery_share"] = records.battery_share.ravel()
    frame = pd.DataFrame(columns, copy=False)
    if records.happened.all():
        return frame
    return frame[records.happened.ravel()].reset_index(drop=True)


def _list_shown(
    world: World, records: InteractionRecords, popular: NDArray[np.bool_]
) -> "dict[str, pd.Series[int] | pd.Categorical[str] | NDArray[np.float64]]":
    """Return where the lists shown came from, and how old they were."""
    row, age_steps = records.shown_row, _age_steps(world, records.shown_row)
    asked_for = row < world.table.steps
    asked_s = np.take_along_axis(records.decision_s, np.where(asked_for, row, 0), axis=1)
    source = np.where(popular, np.int8(2), age_steps > 0)
    return {
        "list_source": categories(source.ravel(), SOURCES),
        "list_age_steps": masked(age_steps, popular),
        "list_age_s": np.where(asked_for, records.shown_s - asked_s, np.nan).ravel(),
    }


def _age_steps(world: World, row: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return the ages of lists at each step; the popularity list has none."""
    steps = world.table.steps
    first = np.int16(-world.serving.first_list_age_steps)
    return np.arange(steps, dtype=np.int16) - np.where(row < steps, row, first)


def _next_ranks(
    world: World, records: InteractionRecords, user: NDArray[np.int64]
) -> "dict[str, pd.Series[int]]":
    """Return what a decision was about: the next step's rank with the list held, or a fresh one.

    The list held at step t is row r of the outcome table, so the ranks are those of the cells
    (r, t + 1) and (t, t + 1): as both models order the lists, with the parameters as shipped. They
    are null where no next step happened, or where it had other parameters.
    """
    table = world.table
    step = np.arange(table.steps - 1)
    row: dict[str, NDArray[np.integer]] = {"held": records.held_row[:, :-1], "fresh": step}
    known = np.zeros(records.happened.shape, np.bool_)
    known[:, :-1] = records.happened[:, 1:] & (records.version[:, 1:] == 0)
    columns = {}
    for name, rows in row.items():
        rank = np.zeros(known.shape, np.int16)
        rank[:, :-1] = table.rank[user[:, None], table.cell_offset[rows] + step + 1]
        columns[f"next_rank_if_{name}"] = masked(rank, ~known)
    return columns
