"""Records as pandas frames, in the columns of the output files."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis.accuracy import by_user
from experiment.preparation import Preparation
from sim.client.request import Answer, Outcome
from sim.device.hardware import HardwareClass
from sim.records.interactions import InteractionRecords, RankedBy
from sim.records.requests import RequestRecords
from sim.records.result import SimulationResult
from sim.world import World

OUTCOME_NAMES = [outcome.name.lower() for outcome in Outcome]
ANSWER_NAMES = [answer.name.lower() for answer in Answer]
SOURCES = ["fresh", "stale", "popular"]
RANKED_BY = [*(ranked_by.name.lower() for ranked_by in RankedBy), "popularity"]


def devices_frame(preparation: Preparation, world: World) -> pd.DataFrame:
    """Return a row for each device: whom it replays, when, and what it belongs to.

    `class` is null where there are no hardware classes, `cell` where the network has no cells, and
    `region` where all devices are of one region.
    """
    kinds = [each.kind for each in world.phones.hardware if isinstance(each, HardwareClass)]
    kind = world.phones.position if kinds else np.full(world.devices, -1)
    cell = world.network.cell_of(world.seed, world.devices)
    region = world.faults.region(world.seed, world.devices) if world.faults.regions > 1 else None
    log_user = preparation.split.device_users[world.sessions.user]
    return pd.DataFrame(
        {
            "device": np.arange(world.devices, dtype=np.int32),
            "user": log_user.astype(np.int32),
            "steps": world.sessions.steps.astype(np.int16),
            "start_s": world.sessions.start_s,
            "class": _categories(kind, kinds),
            "cell": _places(cell, world.devices),
            "region": _places(region, world.devices),
        }
    )


def interactions_frame(
    preparation: Preparation, results: Mapping[str, SimulationResult], world: World
) -> pd.DataFrame:
    """Return a row for each interaction that happened, in the order of device and step.

    The column `battery_share` is there where devices have batteries.

    Args:
        preparation: the models' outcomes.
        results: the simulated worlds `run`, `never` and `always`.
        world: the world of `run`.
    """
    result, llm_table = results["run"], preparation.models.outcomes.table(1)
    records, table, user = result.interactions, world.table, world.sessions.user
    devices, steps = records.decision_s.shape
    step = np.broadcast_to(np.arange(steps), (devices, steps))
    row = records.shown_row
    popular, requested_list = row == steps + 1, row < steps
    age_steps = step - _basis(world, row)
    asked_s = np.take_along_axis(records.decision_s, np.where(requested_list, row, 0), axis=1)
    source = np.where(popular, 2, np.where(age_steps > 0, 1, 0))
    rank = result.rank(table, llm_table, user)
    log_user = preparation.split.device_users[user]
    ranked_by = np.where(popular, RANKED_BY.index("popularity"), records.ranked_by)
    frame = pd.DataFrame(
        {
            "device": np.repeat(np.arange(devices, dtype=np.int32), steps),
            "user": np.repeat(log_user.astype(np.int32), steps),
            "step": step.astype(np.int16).ravel(),
            "decision_s": records.decision_s.ravel(),
            "shown_s": records.shown_s.ravel(),
            "list_source": _categories(source.ravel(), SOURCES),
            "list_age_steps": _masked(age_steps, popular, "Int16"),
            "list_age_s": np.where(requested_list, records.shown_s - asked_s, np.nan).ravel(),
            "consistency": result.consistency(table, user).ravel(),
            "wanted": (records.requested | records.held_back).ravel(),
            "suppressed": records.suppressed.ravel(),
            "requested": records.requested.ravel(),
            "ranked_by": _categories(ranked_by.ravel(), RANKED_BY),
            "rank": _ranks(rank),
            "parameters": records.version.ravel(),
            "held_age_steps": _masked(
                step - _basis(world, records.held_row), records.held_row == steps + 1, "Int16"
            ),
            **_next_ranks(world, records),
            **{
                f"rank_{name}": _ranks(results[name].rank(table, llm_table, user))
                for name in ("never", "always")
            },
        }
    )
    if records.battery_share.size:
        frame["battery_share"] = records.battery_share.ravel()
    if records.happened.all():
        return frame
    return frame[records.happened.ravel()].reset_index(drop=True)


def requests_frame(records: RequestRecords) -> pd.DataFrame:
    """Return a row for each request, by device and step; times that never came are NaN."""

    def time(time_s: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(np.isfinite(time_s), time_s, np.nan)

    return pd.DataFrame(
        {
            "device": records.device,
            "step": records.step,
            "sent_s": records.sent_s,
            "arrived_cloud_s": time(records.arrived_cloud_s),
            "service_start_s": time(records.service_start_s),
            "service_end_s": time(records.service_end_s),
            "received_s": time(records.received_s),
            "bytes_up": records.bytes_up,
            "bytes_down": records.bytes_down,
            "batch_size": records.batch_size,
            "attempts": records.attempts,
            "retry_wait_s": records.retry_wait_s.astype(np.float64),
            "answer": _categories(records.answer, ANSWER_NAMES),
            "outcome": _categories(records.outcome, OUTCOME_NAMES),
        }
    )


def accuracy_frame(
    preparation: Preparation, results: Mapping[str, SimulationResult], world: World
) -> pd.DataFrame:
    """Return every user's sums of the metrics, for the run and everything it is compared with.

    `srm_only` and `llm_only` rank the lists that the run showed; `srm_full` and `llm_full` rank the
    whole catalogue with the newest history and show as many items as a list has. Where weights
    change along the run, `srm_full` is the SRM as it was shipped.

    Args:
        preparation: the models' outcomes.
        results: the simulated worlds `run`, `never` and `always`; also `always_ideal` where weights
            change along the run.
        world: the world of `run`.
    """
    outcomes, user = preparation.models.outcomes, world.sessions.user
    table, steps = world.table, np.arange(world.table.steps)
    run, llm_table = results["run"], outcomes.table(1)

    def cut(full_rank: NDArray[np.int32]) -> NDArray[np.int32]:
        rank = full_rank[user]
        return np.where(rank > table.candidate_count, 0, rank)

    rank_by_series = {
        "run": run.rank(table, llm_table, user),
        "popularity": table.rank[user[:, None], table.cell_offset[-1] + steps],
        "srm_full": cut(outcomes.full_rank_srm),
        "llm_full": cut(outcomes.full_rank_llm),
        "srm_only": run.srm_rank(outcomes.table(5), user),
        "llm_only": run.interactions.rank(llm_table, user),
        "never": results["never"].rank(table, llm_table, user),
        "always": results["always"].rank(table, llm_table, user),
        "always_ideal": table.rank[user[:, None], table.cell_offset[steps] + steps],
    }
    if "always_ideal" in results:
        rank_by_series["always_ideal"] = results["always_ideal"].rank(table, llm_table, user)
    log_user, happened = preparation.split.device_users[user], run.interactions.happened
    return by_user(
        np.repeat(log_user.astype(np.int32), table.steps)[happened.ravel()],
        {series: rank[happened].astype(np.int32) for series, rank in rank_by_series.items()},
    )


def freshness_frame(preparation: Preparation) -> pd.DataFrame:
    """Return every cell with a forced list age, of the users that the run replays, each once."""
    outcomes = preparation.models.outcomes
    users = np.unique(preparation.sessions.user)
    valid = outcomes.freshness_valid[users]
    position, age, step = np.nonzero(valid)
    rank = outcomes.freshness_rank(preparation.scenario.models.fusion)[users][valid]
    return pd.DataFrame(
        {
            "user": preparation.split.device_users[users[position]].astype(np.int32),
            "step": step.astype(np.int16),
            "age_steps": outcomes.freshness_ages[age].astype(np.int16),
            "consistency": outcomes.freshness_consistency[users][valid],
            "rank": _ranks(rank),
        }
    )


def replay_frame(preparation: Preparation) -> pd.DataFrame:
    """Return a row for each user that the run replays and each step: what was taken, and by whom.

    `item` is a position in the catalogue, `item_count` how often it was taken in the part of the
    log that trains, and `history_interactions` how many interactions the user had before the step.
    """
    log, split = preparation.log, preparation.split
    user = split.device_users[np.unique(preparation.sessions.user)]
    step = np.arange(split.replay_steps)
    before = split.replay_start[user][:, None] + step
    item = log.items[log.offsets[user][:, None] + before].ravel()
    # Where in its user's history each logged interaction is.
    place = np.arange(log.interactions) - np.repeat(log.offsets[:-1], log.lengths)
    trains = place < np.repeat(split.train_stop, log.lengths)
    count = np.bincount(log.items[trains], minlength=len(log.catalogue))
    return pd.DataFrame(
        {
            "user": np.repeat(user.astype(np.int32), len(step)),
            "step": np.tile(step.astype(np.int16), len(user)),
            "item": item.astype(np.int32),
            "item_count": count[item].astype(np.int32),
            "history_interactions": before.ravel().astype(np.int32),
        }
    )


def _basis(world: World, row: NDArray[np.int16]) -> NDArray[np.int64]:
    """Return the step of the history that each list was made from; the popularity list has none."""
    basis: NDArray[np.int64] = np.where(
        row < world.table.steps, row, -world.serving.first_list_age_steps
    )
    return basis


def _next_ranks(world: World, records: InteractionRecords) -> "dict[str, pd.Series[int]]":
    """Return what a decision was about: the next step's rank with the list held, or a fresh one.

    The list held at step t is row r of the outcome table, so the ranks are those of the cells
    (r, t + 1) and (t, t + 1): as both models order the lists, with the parameters as shipped. They
    are null where no next step happened, or where it had other parameters.
    """
    table, user = world.table, world.sessions.user[:, None]
    step = np.arange(table.steps - 1)
    row: dict[str, NDArray[np.integer]] = {"held": records.held_row[:, :-1], "fresh": step}
    known = np.zeros(records.happened.shape, np.bool_)
    known[:, :-1] = records.happened[:, 1:] & (records.version[:, 1:] == 0)
    columns = {}
    for name, rows in row.items():
        rank = np.zeros(known.shape, np.int64)
        rank[:, :-1] = table.rank[user, table.cell_offset[rows] + step + 1]
        columns[f"next_rank_if_{name}"] = _masked(rank, ~known, "Int16")
    return columns


def _categories(codes: NDArray[np.integer], names: list[str]) -> "pd.Categorical[str]":
    categories = pd.Index(names, dtype="str")
    named: pd.Categorical[str] = pd.Categorical.from_codes(codes.astype(np.int8), categories)
    return named


def _places(place: NDArray[np.int64] | None, devices: int) -> "pd.Series[int]":
    """Return where each device is as a column that is null where there are no such places."""
    return pd.Series(np.full(devices, None) if place is None else place, dtype="Int32")


def _ranks(rank: NDArray[Any]) -> "pd.Series[int]":
    """Return ranks as a column that is null for a miss."""
    return _masked(rank, rank == 0, "Int16")


def _masked(values: NDArray, missing: NDArray[np.bool_], dtype: str) -> pd.Series:  # type: ignore[type-arg]
    series = pd.Series(values.ravel().astype(np.int16), dtype=dtype)
    series[missing.ravel()] = pd.NA
    return series
