"""Plans of requests made in hindsight: the most accuracy that any policy could have reached."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim.outcome_table import OutcomeTable
from sim.policies.ndcg import CUTOFF, ndcg_by_rank

UNIT = 2.0**-40
"""Accuracy is counted in whole units of this size, so that sums have no rounding and equal plans
are equal: a step is at most 1, and thousands of steps fit 64 bits."""


@dataclass(frozen=True)
class HindsightPlan:
    """When each device asks.

    Attributes:
        requests: bool, shape [devices, T].
        price: what a request had to bring, in NDCG. Negative where more requests were wanted than
            are of use: then they are those that do the least harm.
        frequency: requests per interaction. Up to T - 1 requests less than wanted, where the last
            that are missing bring something only together with others of their device.
    """

    requests: NDArray[np.bool_]
    price: float
    frequency: float


class HindsightPlanner:
    """Finds request plans that maximise total NDCG@k less a price for each request.

    It knows what every list would have shown at every step, luck included, so it is a bound for
    policies and none itself. Holds for a world without delays and failures, in which a list is
    shown `delay_steps` after it was asked for.

    With V(r, t) the best that is left at step t for a device that holds row r, g the NDCG of a
    cell, p the price, and no delay:
    V(r, t) = max(g(r, t) + V(r, t + 1), g(t, t) + V(t, t + 1) - p);
    with a delay of one step the first term is g(r, t) in both. This is dynamic programming over
    (row, step), O(devices x T^2) for a price (Bellman 1957, chapter 3).

    Args:
        table: the outcome table.
        user: int64, shape [devices]: whose window each device replays.
        steps: int64, shape [devices]: how many of the T steps each device lives, at least 1.
        first_row: the row that devices hold at first.
        delay_steps: 0: the list asked for at step t is shown at t (`wait`); 1: from t + 1 on
            (`stale`).
        cutoff: k of NDCG@k.
    """

    def __init__(
        self,
        table: OutcomeTable,
        user: NDArray[np.int64],
        steps: NDArray[np.int64],
        first_row: int,
        delay_steps: int,
        cutoff: int = CUTOFF,
    ) -> None:
        self._offset = table.cell_offset
        self._user = user
        self._window = table.steps
        self._first_row = first_row
        self._delayed = delay_steps > 0
        self._alive = np.arange(table.steps) < steps[:, None]
        units = np.rint(ndcg_by_rank(table.candidate_count, cutoff) / UNIT).astype(np.int64)
        self._gain: NDArray[np.int64] = units[table.rank]

    def plan(self, price: float) -> NDArray[np.bool_]:
        """Return the best plan at a price of a request, the one of fewer requests if two are.

        Args:
            price: in NDCG; infinite: no requests, minus infinity: one at every step.

        Returns:
            bool, shape [devices, T].
        """
        return self._plan(round(min(max(price / UNIT, -self._dearest), self._dearest)))

    def plan_of_frequency(self, frequency: float) -> HindsightPlan:
        """Return the best plan of all with a given number of requests per interaction.

        One price for all devices, found by bisection, is where the wanted number lies between the
        plans of two neighbouring prices; as many devices follow that of the lower one as are
        needed. Both are best at that price, so the total lies on the concave hull of what is
        possible (Everett 1963, Operations Research 11).

        Args:
            frequency: in [0, 1].
        """
        interactions = int(self._alive.sum())
        wanted = round(frequency * interactions)
        low, high = -self._dearest, self._dearest  # more than wanted; at most as many
        while high - low > 1:
            middle = (low + high) // 2
            if self._plan(middle).sum() > wanted:
                low = middle
            else:
                high = middle
        requests, richer = self._plan(high), self._plan(low)
        missing = wanted - int(requests.sum())
        more = richer.sum(axis=1) - requests.sum(axis=1)
        requests = np.where(_devices_to_enrich(more, missing)[:, None], richer, requests)
        return HindsightPlan(requests, high * UNIT, int(requests.sum()) / interactions)

    @property
    def _dearest(self) -> int:
        """A price that no request can bring, and that all bring if it is paid to them."""
        return int((self._window + 1) / UNIT)

    def _plan(self, price: int) -> NDArray[np.bool_]:
        """Return the best plan at a price in units."""
        devices = np.arange(len(self._user))
        asks = self._decisions(price)
        requests = np.zeros(self._alive.shape, np.bool_)
        held = np.zeros(len(devices), np.int64)
        for step, ask in enumerate(asks):
            requests[:, step] = ask[devices, held]
            held = np.where(requests[:, step], step + 1, held)
        return requests

    def _decisions(self, price: int) -> list[NDArray[np.bool_]]:
        """Return for each step whether to ask, given what is held.

        Returns:
            T arrays, bool, shape [devices, 1 + step]: position 0 is the first list, 1 + s the list
            of step s.
        """
        asks = []
        left = np.zeros((len(self._user), self._window + 1), np.int64)
        for step in reversed(range(self._window)):
            rows = np.concatenate(([self._first_row], np.arange(step + 1)))
            alive = self._alive[:, step, None]
            gain = np.where(alive, self._gain_of(rows, step), 0)
            held, fresh = gain[:, :-1], gain[:, -1:]
            keep = held + left[:, :-1]
            ask = (held if self._delayed else fresh) + left[:, -1:] - price
            asks.append((ask > keep) & alive)
            left = np.where(asks[-1], ask, keep)
        return asks[::-1]

    def _gain_of(self, rows: NDArray[np.int64], step: int) -> NDArray[np.int64]:
        """Return what rows show at a step: int64, shape [devices, rows]."""
        gain: NDArray[np.int64] = self._gain[self._user[:, None], self._offset[rows] + step]
        return gain


def _devices_to_enrich(more: NDArray[np.int64], missing: int) -> NDArray[np.bool_]:
    """Choose devices whose further requests add up to what is missing, or to just below.

    In the order of the devices, those with fewer further requests last: they fill what is left.
    """
    chosen = np.zeros(len(more), np.bool_)
    for device in np.argsort(-more, kind="stable"):
        if 0 < more[device] <= missing:
            chosen[device] = True
            missing -= int(more[device])
    return chosen
