"""Why a sweep's policies do what they do, seen in the records of one of its points a facet."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from analysis import records
from analysis.drawing import Drawing, in_file_name
from analysis.figures import (
    accuracy_by_thirds,
    consistency_between_users,
    consistency_by_age,
    gain_by_consistency,
)
from analysis.numerals import count, percent
from analysis.records import RunRecords
from analysis.sweep_records import SweepRecords

Figures = tuple[Callable[[RunRecords], Drawing | None], ...]

#: The share of requests that the point is chosen for: where policies have room to differ.
FREQUENCY = 0.3

#: Of so many facets the page shows why; the others' points have reports of their own.
MOST_FACETS = 3

#: Figures of forced list ages: the same for all policies and networks.
OF_MODELS: Figures = (
    consistency_by_age.draw,
    consistency_between_users.draw,
)

#: Figures of what happened along the run.
OF_RUN: Figures = (
    gain_by_consistency.draw,
    accuracy_by_thirds.draw,
)


@dataclass(frozen=True)
class Why:
    """What the page shows of one facet.

    Attributes:
        facet: the swept values that are no policy's, in words; empty where there are none.
        point: the id of the point that it is drawn from.
        chosen: which point that is, and why it.
        drawings: the figures.
    """

    facet: str
    point: str
    chosen: str
    drawings: tuple[Drawing, ...]


def of_sweep(sweep: SweepRecords) -> list[Why]:
    """Return what to show of each facet, at most `MOST_FACETS`.

    A facet's point is that of the policy `random` which asks nearest to `FREQUENCY`: its requests
    do not depend on the lists held, so no choice of the policy hides behind what is seen. Where no
    `random` was swept, any policy's but hindsight's. A point whose records were not kept cannot be
    drawn.

    Raises:
        RecordsError: if the records of a point are malformed.
    """
    found: list[Why] = []
    for facet in sweep.facets:
        point = _point(sweep, facet)
        if point is None or len(found) == MOST_FACETS:
            continue
        run = records.read(sweep.directory / "points" / str(point["id"]))
        # Forced list ages are the same in all facets where the models are.
        of_models = facet if sweep.sweeps_models else ""
        drawn = [] if found and not of_models else _drawn(OF_MODELS, run, of_models)
        drawn += _drawn(OF_RUN, run, facet)
        found.append(Why(facet, str(point["id"]), _chosen(sweep, point), tuple(drawn)))
    return found


def _drawn(figures: Figures, run: RunRecords, facet: str) -> list[Drawing]:
    """Return the figures that the run has, as the sweep's of a facet."""
    drawn = [drawing for draw in figures if (drawing := draw(run)) is not None]
    return [_named(drawing, facet, run.directory.name) for drawing in drawn]


def _point(sweep: SweepRecords, facet: str) -> "pd.Series[Any] | None":
    """Return the facet's row of `sweep.points` to draw from; None where no records were kept."""
    rows = sweep.points[sweep.points["facet"] == facet]
    kept = [_is_kept(sweep, str(point)) for point in rows["id"]]
    rows = rows[pd.Series(kept, rows.index, dtype=bool) & ~rows["bound"].astype(bool)]
    if (rows["kind"] == "random").any():
        rows = rows[rows["kind"] == "random"]
    if rows.empty:
        return None
    distance = (rows["request_frequency"] - FREQUENCY).abs().to_numpy(dtype=np.float64)
    return rows.iloc[int(distance.argmin())]


def _is_kept(sweep: SweepRecords, point: str) -> bool:
    """Return whether a point's directory holds the records of a whole run."""
    directory = sweep.directory / "points" / point
    return all((directory / name).is_file() for name in ("summary.json", "freshness.parquet"))


def _chosen(sweep: SweepRecords, point: "pd.Series[Any]") -> str:
    """Say which point the figures are of."""
    name = " ".join(str(part) for part in (point["series"], point["parameters"]) if part)
    seed = f", seed {point['seed']}" if sweep.replications > 1 else ""
    why = (
        "requests at random do not depend on the lists held, so these figures show no policy's "
        "choice"
        if point["kind"] == "random"
        else "no policy that asks at random was swept, so this one's choices are in these figures"
    )
    return (
        f"One run{f' of {point.facet}' if point.facet else ''}: {name}{seed}, which asked in "
        f"{percent(float(point['request_frequency']))} of {count(point['interactions'])} "
        f"interactions, nearest to {100 * FREQUENCY:g}%; {why}."
    )


def _named(drawing: Drawing, facet: str, point: str) -> Drawing:
    """Return a run's figure as one of the sweep's: its name, title and code."""
    return replace(
        drawing,
        name=in_file_name(drawing.name, facet),
        title=f"{drawing.title}: {facet}" if facet else drawing.title,
        made_by=(
            f"from analysis.figures import {drawing.name}; from analysis.records import read; "
            f'{drawing.name}.draw(read("points/{point}"))'
        ),
    )
