"""A run's records, some devices at a time: so that of millions little is held at once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiment.compared_worlds import Worlds
from experiment.preparation import Preparation
from sim.records.result import SimulationResult
from sim.world import World

ROWS = 2**20
"""Interactions in a block, and rows in a row group of `interactions.parquet`: at most so many."""


@dataclass(frozen=True)
class DeviceBlock:
    """What a run left behind of devices that follow each other.

    Attributes:
        first: the first of them.
        result: what it left behind, of these devices alone.
        user: int64, shape [devices]; whom they replay, as positions in the split's `device_users`.
        ranks: the next item's rank at each step, for the run and everything it is compared with:
            integer, shape [devices, steps]; 0 is a miss.
    """

    first: int
    result: SimulationResult
    user: NDArray[np.int64]
    ranks: Mapping[str, NDArray[Any]]

    @property
    def happened(self) -> NDArray[np.bool_]:
        """Which steps happened: bool, shape [devices, steps]."""
        return self.result.interactions.happened


def device_blocks(
    preparation: Preparation, world: World, worlds: Worlds, devices: int | None = None
) -> Iterator[DeviceBlock]:
    """Yield all devices of a run in their order.

    Args:
        preparation: the models' outcomes.
        world: the world of the run.
        worlds: what came of it, and of those that it is compared with.
        devices: how many a block has; by default as many as make `ROWS` interactions.
    """
    size = devices or max(1, ROWS // world.table.steps)
    for first in range(0, world.devices, size):
        end = min(first + size, world.devices)
        result, user = worlds.run.of_devices(first, end), world.sessions.user[first:end]
        compared = {name: each.rank[first:end] for name, each in worlds.compared.items()}
        ranks = _ranks(preparation, world, result, user, compared)
        yield DeviceBlock(first, result, user, ranks)


def _ranks(
    preparation: Preparation,
    world: World,
    result: SimulationResult,
    user: NDArray[np.int64],
    compared: Mapping[str, NDArray[Any]],
) -> dict[str, NDArray[Any]]:
    """Return the ranks in a run, and in everything that it is compared with.

    `srm_only` and `llm_only` rank the lists that the run showed; `srm_full` and `llm_full` rank the
    whole catalogue with the newest history and show as many items as a list has. Where weights
    change along the run, `srm_full` is the SRM as it was shipped, and `always_ideal` a simulated
    world; else a table says what came of that.
    """
    outcomes = preparation.models.outcomes
    table, steps = world.table, np.arange(world.table.steps)
    llm_table = outcomes.table(1)

    def cut(full_rank: NDArray[np.int32]) -> NDArray[np.int32]:
        rank = full_rank[user]
        return np.where(rank > table.candidate_count, 0, rank)

    return {
        "run": result.rank(table, llm_table, user),
        "popularity": table.rank[user[:, None], table.cell_offset[-1] + steps],
        "srm_full": cut(outcomes.full_rank_srm),
        "llm_full": cut(outcomes.full_rank_llm),
        "srm_only": result.srm_rank(outcomes.table(5), user),
        "llm_only": result.interactions.rank(llm_table, user),
        "never": compared["never"],
        "always": compared["always"],
        "always_ideal": compared["always_ideal"]
        if "always_ideal" in compared
        else table.rank[user[:, None], table.cell_offset[steps] + steps],
    }
