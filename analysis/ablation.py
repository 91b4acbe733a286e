"""What each part of the models brings: the settings of a sweep, paired on the same users."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from analysis import swept_words
from analysis.intervals import Estimate, Ratios, UserResamples
from analysis.metrics import HEADLINE
from analysis.point_records import of_series
from analysis.sweep_labels import REPLICATES
from analysis.sweep_records import SweepRecords

#: The metrics of an ablation; the first one is drawn.
METRICS = (HEADLINE, "hr@10")

FUSION = "models.fusion"

#: Ways to order items that every run records beside its own.
BASELINES = {
    "popularity": "popularity",
    "llm_full": "LLM, whole catalogue",
    "llm_only": "LLM only",
    "srm_only": "SRM only",
    "srm_full": "SRM, whole catalogue",
}

LLM_ONLY, SRM_ONLY, SRM_FULL = (BASELINES[name] for name in ("llm_only", "srm_only", "srm_full"))


@dataclass(frozen=True)
class Setting:
    """One combination of swept values other than workload, fusion and seeds.

    Attributes:
        levels: for each axis that settings differ in, its value in words.
    """

    levels: tuple[str, ...]

    @property
    def label(self) -> str:
        """All levels as one phrase; empty where nothing but the fusion is swept."""
        return ", ".join(self.levels)


@dataclass(frozen=True)
class Row:
    """One way to order items under one setting: what an accuracy belongs to."""

    setting: Setting
    way: str

    @property
    def label(self) -> str:
        """The row in words, by itself."""
        return ", ".join(part for part in (self.way, self.setting.label) if part)


@dataclass(frozen=True)
class Change:
    """Two rows whose settings differ in one axis, by one level.

    Attributes:
        axis: which one.
        after: the row with the later level.
        before: the row with the earlier level; all else is equal.
    """

    axis: int
    after: Row
    before: Row

    @property
    def step(self) -> str:
        """The change in words: the later level minus the earlier one, or what it adds to it."""
        after, before = (row.setting.levels[self.axis] for row in (self.after, self.before))
        if after.startswith(f"{before}, "):
            return f"+ {after[len(before) + 2 :]}"
        words, others = after.split(), before.split()
        shared = sum(1 for _ in itertools.takewhile(_equal, zip(words, others, strict=False)))
        return f"{after} \u2212 {' '.join(others[min(shared, len(others) - 1) :])}"

    @property
    def elsewhere(self) -> str:
        """The levels of the other axes."""
        levels = self.after.setting.levels
        return ", ".join(level for axis, level in enumerate(levels) if axis != self.axis)


class Ablation:
    """The settings of a sweep on one workload.

    Points that differ in a seed alone are one setting: each user's sums are added over them before
    anything is estimated, so that means are means over seeds.

    Attributes:
        name: of the workload, in words.
        position: of this workload among those of the sweep.
        settings: in the order of the points.
        ways: ways to order items, in the order of tables and figures.
        rows: all settings and ways, in order.
        runs: the rows that are the points' own results, in order; the others are their baselines.
        users: users that all rows share; intervals are over them.
        left_out: users that some row lacks.
        interactions: interactions behind the mean of a row, those of different seeds added.
        replications: seeds of a row, at most.
        unscored: the largest share, over rows that fuse, of interactions at which devices had no
            power or budget to score their list: these kept the order of the LLM.
        points: the ids of the workload's points.
    """

    def __init__(
        self,
        name: str,
        position: int,
        sums: Mapping[Row, pd.DataFrame],
        runs: Iterable[Row],
        points: Sequence[str],
        replications: int,
        unscored: float = 0.0,
    ) -> None:
        self.name = name
        self.position = position
        self.runs = tuple(runs)
        self.points = tuple(points)
        self.replications = replications
        self.unscored = unscored
        self.settings = tuple(dict.fromkeys(row.setting for row in sums))
        self.ways = _ordered({row.way for row in sums})
        self.rows = tuple(
            row
            for setting, way in itertools.product(self.settings, self.ways)
            if (row := Row(setting, way)) in sums
        )
        users = [sums[row].index for row in self.rows]
        shared = users[0]
        for index in users[1:]:
            shared = shared.intersection(index)
        shared = shared.sort_values()
        self.users = len(shared)
        self.left_out = len(set().union(*users)) - len(shared)
        frames = [sums[row].loc[shared] for row in self.rows]
        self._interactions = np.stack([frame["interactions"].to_numpy() for frame in frames], 1)
        self._sums = np.stack([frame[list(METRICS)].to_numpy() for frame in frames], 1)
        self.interactions = int(self._interactions[:, 0].sum())

    @property
    def reference(self) -> Row:
        """The first point: what the other rows are compared with."""
        return self.runs[0]

    @cached_property
    def best(self) -> Row:
        """The most accurate of the points' own results."""
        return max(self.runs, key=lambda row: self.mean(row).value)

    @cached_property
    def constant_ways(self) -> tuple[str, ...]:
        """Ways to order items that give the same under every setting, where there are several."""
        return tuple(way for way in self.ways if self.is_constant(way, self.settings))

    def is_constant(self, way: str, settings: Sequence[Setting]) -> bool:
        """Return whether a way gives every user the same under several settings."""
        rows = [Row(setting, way) for setting in settings]
        if len(rows) < 2 or not all(map(self.has, rows)):
            return False
        sums = self._sums[:, [self._position[row] for row in rows]]
        return bool((sums == sums[:, :1]).all())

    @property
    def fused(self) -> tuple[str, ...]:
        """The ways that fuse both models' scores."""
        return tuple(way for way in self.ways if way not in BASELINES.values())

    def has(self, row: Row) -> bool:
        """Return whether there is such a row."""
        return row in self._position

    def mean(self, row: Row, metric: str = HEADLINE) -> Estimate:
        """Return a row's mean over interactions, with its interval over users."""
        return self._ratios.estimate(self._column(row, metric))

    def difference(self, row: Row, other: Row, metric: str = HEADLINE) -> Estimate:
        """Return the mean of one row minus that of another, its interval paired on users."""
        column, other_column = self._column(row, metric), self._column(other, metric)
        return self._ratios.difference(column, self._ratios, other_column)

    def changes(self) -> tuple[Change, ...]:
        """Return every step from one level of an axis to the next at equal other levels.

        Ways to order items that the step cannot change are left out.
        """
        found = []
        for axis in range(len(self.settings[0].levels)):
            levels = tuple(dict.fromkeys(setting.levels[axis] for setting in self.settings))
            for earlier, later in itertools.pairwise(levels):
                for before in self.rows:
                    if before.setting.levels[axis] != earlier:
                        continue
                    after = Row(_with_level(before.setting, axis, later), before.way)
                    if self.has(after):
                        found.append(Change(axis, after, before))
        moving = {
            (change.step, change.after.way)
            for change in found
            if not self.is_constant(change.after.way, (change.after.setting, change.before.setting))
        }
        return tuple(change for change in found if (change.step, change.after.way) in moving)

    @cached_property
    def _position(self) -> dict[Row, int]:
        return {row: position for position, row in enumerate(self.rows)}

    @cached_property
    def _ratios(self) -> Ratios:
        """One column per row and metric, metrics fastest."""
        interactions = np.repeat(self._interactions, len(METRICS), axis=1)
        return UserResamples(self.users).ratios(
            self._sums.reshape(interactions.shape), interactions
        )

    def _column(self, row: Row, metric: str) -> int:
        return self._position[row] * len(METRICS) + METRICS.index(metric)


def of_sweep(sweep: SweepRecords) -> tuple[Ablation, ...]:
    """Return the ablations of a sweep, one for each workload, in the order of its points.

    Raises:
        RecordsError: a point's files are missing or malformed.
    """
    points = [
        _Point(str(row["id"]), _dotted(row, sweep.swept), sweep.scenario(str(row["id"])))
        for row in sweep.points.to_dict("records")
    ]
    keys = [key for key in points[0].values if key.startswith("workload.")]
    keys = _telling(["workload.dataset", *keys], points)
    axes = [_setting_keys(axis, points) for axis in sweep.axes]
    by_workload: dict[str, list[_Point]] = {}
    for point in points:
        values = {key: point.value(key) for key in ("workload.dataset", *keys)}
        by_workload.setdefault(swept_words.of_values(values), []).append(point)
    return tuple(
        _of_workload(sweep, name, position, part, [axis for axis in axes if axis])
        for position, (name, part) in enumerate(by_workload.items())
    )


@dataclass(frozen=True)
class _Point:
    """A point: its id, its swept values (those of a swept workload by dotted key), its scenario."""

    id: str
    values: Mapping[str, Any]
    scenario: Mapping[str, Any]

    def value(self, key: str) -> Any:
        """Return what a key is here, swept or not."""
        if key in self.values:
            return self.values[key]
        value: Any = self.scenario
        for part in key.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return value

    @property
    def way(self) -> str:
        """How the point itself orders items."""
        fusion = self.value(FUSION)
        return swept_words.fusion(3 if fusion is None else fusion)


def _dotted(row: Mapping[Any, Any], swept: Iterable[str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key in swept:
        value = swept_words.plain(row[key])
        if key == "workload" and isinstance(value, Mapping):
            values |= {f"workload.{name}": inner for name, inner in value.items()}
        else:
            values[key] = value
    return values


def _telling(keys: Iterable[str], points: Sequence[_Point]) -> list[str]:
    """Return the keys without those that vary only together with earlier ones."""
    kept: list[str] = []
    groups = 1
    for key in keys:
        split = len({str([point.value(name) for name in (*kept, key)]) for point in points})
        if split > groups and key not in kept:
            kept.append(key)
            groups = split
    return kept


def _setting_keys(axis: Iterable[str], points: Sequence[_Point]) -> list[str]:
    """Return the keys of an axis that make a setting: neither workload nor fusion nor seed."""
    own = (key for key in axis if key not in (*REPLICATES, FUSION))
    return [
        key
        for key in own
        if key.partition(".")[0] != "workload" and len({str(p.value(key)) for p in points}) > 1
    ]


def _of_workload(
    sweep: SweepRecords,
    name: str,
    position: int,
    points: Sequence[_Point],
    axes: Sequence[Sequence[str]],
) -> Ablation:
    by_row: dict[Row, list[_Point]] = {}
    for point in points:
        levels = (_level({key: point.value(key) for key in axis}) for axis in axes)
        by_row.setdefault(Row(Setting(tuple(levels)), point.way), []).append(point)
    baselines: dict[Row, pd.DataFrame] = {}
    results: dict[Row, pd.DataFrame] = {}
    for row, replications in by_row.items():
        sums = sweep.sums(point.id for point in replications)
        results[row] = of_series(sums, "run")
        for series, way in BASELINES.items():
            if len(frame := of_series(sums, series)):
                baselines.setdefault(Row(row.setting, way), frame)
    return Ablation(
        name,
        position,
        baselines | results,
        results,
        [point.id for point in points],
        max(map(len, by_row.values())),
        max(
            (
                sweep.share_ranked_by_llm(point.id for point in replications)
                for row, replications in by_row.items()
                if row.way not in BASELINES.values()
            ),
            default=0.0,
        ),
    )


def _level(values: Mapping[str, Any]) -> str:
    """Return the value of an axis in words; what goes without saying beside others is named."""
    return swept_words.of_values(values) or "not re-trained"


def _equal(pair: tuple[str, str]) -> bool:
    return pair[0] == pair[1]


def _with_level(setting: Setting, axis: int, level: str) -> Setting:
    return Setting((*setting.levels[:axis], level, *setting.levels[axis + 1 :]))


def _ordered(ways: set[str]) -> tuple[str, ...]:
    """Return ways in the order of tables: fusions stand before the SRM on the whole catalogue."""
    known = list(BASELINES.values())
    fusions = sorted(ways.difference(known), key=lambda way: (way == "learned fusion", way))
    order = [*known[:-1], *fusions, known[-1]]
    return tuple(way for way in order if way in ways)
