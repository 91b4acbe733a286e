"""At which step each device asks next, for every list that it may hold and every step: a table.

What a policy answers does not depend on the portions in which it is consulted, so it is consulted
once for all devices (or users, where all devices of a user answer alike) and all steps of a list.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.compiled.code import compiled
from sim.policies import Policy, PolicyView
from sim.world import World
from workloads import disk_tables

ENTRIES_AT_ONCE = 2_000_000
"""Answers that are worked on together, which bounds the memory that they take meanwhile."""


@dataclass(frozen=True)
class NextAsking:
    """When devices ask next.

    Attributes:
        row: int32, shape [devices]; row of each device in the table.
        step: int16, shape [rows, cells]: the first step at or after that of a cell at which
            a device asks that holds the cell's list, as far as the window goes; T if there is none.
    """

    row: NDArray[np.int32]
    step: NDArray[np.int16]

    @classmethod
    def of(cls, world: World, draws: NDArray[np.float64]) -> "NextAsking":
        """Consult the policies of a world.

        Args:
            world: whose policies all answer from what the table and `draws` tell.
            draws: float64, shape [devices, T + 1], or [devices, 0] if no policy reads any.
        """
        user, policies, table = world.sessions.user, world.policies, world.table
        if len(policies.policies) == 1 and not draws.size:
            users = np.arange(len(table.fresh_consistency))
            return cls(user.astype(np.int32), _table(world, policies.policies[0], users))
        step = disk_tables.zeros((world.devices, _cells(world)), np.int16)
        for position, policy in enumerate(policies.policies):
            devices = np.flatnonzero(policies.of_device == position)
            step[devices] = _table(world, policy, user[devices], draws[devices])
        return cls(np.arange(world.devices, dtype=np.int32), step)


def _cells(world: World) -> int:
    return int(world.table.cell_offset[-1]) + world.table.steps


def _table(
    world: World,
    policy: Policy,
    user: NDArray[np.int64],
    draws: NDArray[np.float64] | None = None,
) -> NDArray[np.int16]:
    """Return the next asking steps of one policy for entities that replay these users."""
    steps = world.table.steps
    next_step = np.zeros((len(user), _cells(world)), np.int16)
    at_once = max(1, ENTRIES_AT_ONCE // steps)
    for start in range(0, len(user), at_once):
        part = slice(start, start + at_once)
        drawn = None if draws is None or not draws.size else draws[part]
        for first, cells, asks in _answers(world, policy, user[part], drawn):
            _fill(next_step, start, cells.start, asks, first)
    return next_step


def _answers(
    world: World,
    policy: Policy,
    user: NDArray[np.int64],
    draws: NDArray[np.float64] | None,
) -> Iterator[tuple[int, slice, NDArray[np.bool_]]]:
    """Give for each list the first step of its cells, its cells, and where the policy asks."""
    table, steps = world.table, world.table.steps
    columns = {name: world.signals[name] for name in policy.signals}
    for row in range(steps + 2):
        first = row if row < steps else 0
        offset = int(table.cell_offset[row])
        cells, step = slice(offset + first, offset + steps), np.arange(first, steps)
        view = PolicyView(
            first_step=first,
            list_age_steps=step - world.basis_step(row),
            signals={name: column[user, cells] for name, (column, _) in columns.items()},
            fresh_signals={name: fresh[user, row][:, None] for name, (_, fresh) in columns.items()},
            candidate_count=table.candidate_count,
            draws=np.zeros(0) if draws is None else draws[:, first:steps],
            session_draw=np.nan if draws is None else draws[:, -1:],
        )
        asks = np.broadcast_to(policy.asks(view), (len(user), len(step))).copy()
        yield first, cells, asks


@compiled
def _fill(
    next_step: NDArray[np.int16], start: int, cell: int, asks: NDArray[np.bool_], first: int
) -> None:
    """Fill the cells of one list, which begin at step `first`, from a row and a cell on."""
    entities, steps = asks.shape
    for entity in range(entities):
        asking = first + steps
        for place in range(steps - 1, -1, -1):
            if asks[entity, place]:
                asking = first + place
            next_step[start + entity, cell + place] = asking
