"""Regimes that follow one another by chance: a Markov chain in continuous time."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, FiniteFloat, model_validator
from scipy.sparse.csgraph import connected_components

from workloads import draws
from workloads.settings import Settings, invalid

Probability = FiniteFloat

SHORTEST_MEAN_S = 0.1
"""Every change is drawn for the whole fleet; with shorter stays a run would be nothing else."""


class MarkovSettings(Settings):
    """A device stays in each regime for an exponential time, and then goes to another.

    Its own chain for each device, all with the same law: a continuous-time Markov chain (Ross,
    Introduction to Probability Models, chapter "Continuous-Time Markov Chains").
    """

    mean_s: dict[str, float] = Field(min_length=1)
    """Mean stay in each regime that the chain has, at least 0.1, `none` for no coverage; `.inf`
    never leaves."""
    next: dict[str, dict[str, Probability]] = Field(default={})
    """Where a device goes from a regime, with which probability; a regime that is not given here
    leads to all others alike."""
    initial: dict[str, Probability] | None = None
    """Probability of each regime at time 0; by default the chain's stationary one, so that the
    shares of devices in each regime are the same at all times."""

    @model_validator(mode="after")
    def _is_a_chain(self) -> Self:
        names = list(self.mean_s)
        for name, mean_s in self.mean_s.items():
            if not mean_s >= SHORTEST_MEAN_S:
                raise invalid(
                    f"is {mean_s:g}; must be at least {SHORTEST_MEAN_S:g}", f"mean_s.{name}"
                )
        for name, row in self.next.items():
            if name not in names:
                raise invalid(
                    f"is no regime of mean_s, which has {', '.join(names)}", f"next.{name}"
                )
            if name in row:
                raise invalid("leads to itself; give a longer mean_s instead", f"next.{name}")
            _check_distribution(row, names, f"next.{name}")
        if self.initial is not None:
            _check_distribution(self.initial, names, "initial")
        elif len(names) > 1 and not self._mixes():
            raise invalid(
                "is needed where some regime cannot be reached from another, or is never left",
                "initial",
            )
        if len(names) == 1 and self.mean_s[names[0]] < math.inf:
            raise invalid(f"{names[0]} leads nowhere; give another regime, or .inf", "mean_s")
        return self

    def _mixes(self) -> bool:
        """Whether every regime is reached from every other one, so that there are shares."""
        if math.inf in self.mean_s.values():
            return False
        parts, _ = connected_components(self.transitions() > 0, connection="strong")
        return int(parts) == 1

    def transitions(self) -> NDArray[np.float64]:
        """Return the probabilities of going from one regime to another, as `mean_s` orders them."""
        names = list(self.mean_s)
        alike = 1.0 / max(1, len(names) - 1)
        return np.array(
            [
                [
                    self.next[origin].get(name, 0.0) if origin in self.next else alike * differs
                    for name, differs in ((name, name != origin) for name in names)
                ]
                for origin in names
            ]
        )

    def initial_shares(self) -> NDArray[np.float64]:
        """Return the probabilities at time 0, as `mean_s` orders regimes.

        The stationary ones are those of the jumps, weighted by the mean stays: the limiting
        probabilities of a semi-Markov process (Ross, Introduction to Probability Models, chapter
        "Renewal Theory and Its Applications").
        """
        if self.initial is not None:
            return np.array([self.initial.get(name, 0.0) for name in self.mean_s])
        regimes = len(self.mean_s)
        if regimes == 1:
            return np.ones(1)
        balance = np.vstack([self.transitions().T - np.eye(regimes), np.ones(regimes)])
        jumps = np.linalg.lstsq(balance, np.append(np.zeros(regimes), 1.0))[0]
        weighted = jumps * np.array(list(self.mean_s.values()))
        return np.asarray(weighted / weighted.sum())


def _check_distribution(shares: Mapping[str, float], names: Sequence[str], key: str) -> None:
    for name, share in shares.items():
        if name not in names:
            raise invalid(f"names {name!r}; mean_s has {', '.join(names)}", key)
        if share < 0:
            raise invalid(f"is {share:g}; must be at least 0", f"{key}.{name}")
    if abs(sum(shares.values()) - 1) > 1e-9:
        raise invalid(f"adds up to {sum(shares.values()):g}; must add up to 1", key)


class MarkovChanges:
    """The chains of a fleet, drawn change by change for all devices together.

    Args:
        settings: of the chains.
        names: of all regimes, in the order of their positions.
        seed, devices: of the draws.
    """

    def __init__(
        self, settings: MarkovSettings, names: Sequence[str], seed: int, devices: int
    ) -> None:
        self._position = [names.index(name) for name in settings.mean_s]
        self._mean_s = list(settings.mean_s.values())
        self._initial = np.cumsum(settings.initial_shares())
        self._next = np.cumsum(settings.transitions(), axis=1)
        self._seed, self._devices = seed, devices
        self._start = draws.uniform(seed, "mobility initial", 0, devices)
        self._stays: list[NDArray[np.float64]] = []
        self._choices: list[NDArray[np.float64]] = []

    def of(self, device: int) -> Iterator[tuple[float, int]]:
        """Yield when the device gets into which regime."""
        state, time_s = _chosen(self._initial, float(self._start[device])), 0.0
        yield -math.inf, self._position[state]
        for number in count():
            if self._mean_s[state] == math.inf:
                return
            self._draw(number)
            time_s += self._mean_s[state] * float(self._stays[number][device])
            state = _chosen(self._next[state], float(self._choices[number][device]))
            yield time_s, self._position[state]

    def _draw(self, number: int) -> None:
        if number == len(self._stays):
            uniform = draws.uniform(self._seed, "mobility stay", number, self._devices)
            self._stays.append(-np.log(uniform))
            self._choices.append(draws.uniform(self._seed, "mobility next", number, self._devices))


def _chosen(cumulative: NDArray[np.float64], uniform: float) -> int:
    """Return the position that a uniform draw chooses; never one of probability 0."""
    chosen = int(np.searchsorted(cumulative, uniform * cumulative[-1], side="right"))
    return min(chosen, int(np.searchsorted(cumulative, cumulative[-1])))
