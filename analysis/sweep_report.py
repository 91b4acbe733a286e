"""The report of a sweep: what each part of the models brings, and what accuracy is paid with.

A sweep of models or workloads leads with an ablation, one of request policies or of the world
around them with the trade-off; one of both has both.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis import (
    ablation,
    ablation_tables,
    page,
    policy_contest,
    simulated,
    sweep_findings,
    sweep_records,
    tables,
)
from analysis.ablation import Ablation
from analysis.drawing import Drawing
from analysis.figures import ablation_accuracy, ablation_changes, trade_off
from analysis.figures.trade_off import ACCURACY, ENERGY, FREQUENCY, FURTHER
from analysis.intervals import Estimate
from analysis.metrics import HEADLINE
from analysis.numerals import (
    NOTHING,
    count,
    percent,
    scaled,
    seconds,
    significant,
    with_interval,
)
from analysis.policy_contest import FREQUENCIES
from analysis.sweep_records import SweepRecords
from analysis.tables import Table

#: Settings that are tied at the top are named up to this number.
MOST_NAMED = 3


@dataclass(frozen=True)
class Part:
    """What the page says of one ablation.

    Attributes:
        ablation: the settings of one workload.
        sentence: the answer.
        facts: what was simulated, (what, in one line) each.
        accuracy: the figure of every setting.
        changes: the figure of every change; None where the settings differ in the fusion alone.
        tally: each change, and in how many comparisons it helps.
        accuracy_table: every setting.
        ordering_table: whether the ordering of the paper holds; None without a fusion.
        changes_table: every change for one way to order items; None where there is none.
        headline_way: that way.
    """

    ablation: Ablation
    sentence: str
    facts: list[tuple[str, str]]
    accuracy: Drawing
    changes: Drawing | None
    tally: list[tuple[str, str]]
    accuracy_table: Table
    ordering_table: Table | None
    changes_table: Table | None
    headline_way: str


def write(directory: Path) -> Path:
    """Write `report.html` and `figures/` of the sweep in `directory`; return the page's path.

    Raises:
        RecordsError: if the directory's files are not those of a sweep.
    """
    sweep = sweep_records.read(directory)
    parts = [_part(sweep, each) for each in ablation.of_sweep(sweep)] if sweep.sweeps_models else []
    costs = (FREQUENCY, *FURTHER) if sweep.sweeps_policies or not parts else ()
    drawn = [trade_off.draw(sweep, cost) for cost in costs]
    drawings = {drawing.name: drawing for drawing in drawn if drawing is not None}
    figures = directory / "figures"
    figures.mkdir(exist_ok=True)
    of_parts = [drawing for part in parts for drawing in (part.accuracy, part.changes)]
    for drawing in (*drawings.values(), *of_parts):
        if drawing is not None:
            drawing.save(figures)
    path = directory / "report.html"
    page.write_whole(path, html(sweep, drawings, parts))
    return path


def html(sweep: SweepRecords, drawings: Mapping[str, Drawing], parts: Sequence[Part]) -> str:
    """Return the page of a sweep, given the trade-off's figures by name and the ablations."""
    trades = sweep.sweeps_policies or not parts
    contests = policy_contest.contests(sweep) if trades else []
    found = sweep_findings.of_ablations([part.ablation for part in parts])
    if trades and not any(finding.headline.startswith(sweep_findings.ALONE) for finding in found):
        found += sweep_findings.of_policies(sweep)
    if ENERGY.name in drawings:
        found += sweep_findings.of_energy(sweep)
    return page.render(
        "sweep.html.j2",
        sweep=sweep,
        title=sweep.name,
        found=found,
        parts=parts,
        world=_world(sweep, parts),
        trades=trades,
        sentence=_sentence(sweep, contests) if trades else "",
        main=drawings.get(FREQUENCY.name),
        further=[drawings[cost.name] for cost in FURTHER if cost.name in drawings],
        contests=_contest_table(contests),
        compared=any(contest.accuracy for contest in contests),
        points=_points(sweep),
    )


def _part(sweep: SweepRecords, compared: Ablation) -> Part:
    return Part(
        ablation=compared,
        sentence=ablation_tables.sentence(compared),
        facts=_facts(sweep, compared),
        accuracy=ablation_accuracy.draw(compared),
        changes=ablation_changes.draw(compared),
        tally=ablation_tables.tally(compared),
        accuracy_table=ablation_tables.accuracy(compared),
        ordering_table=ablation_tables.ordering(compared),
        changes_table=ablation_tables.changes(compared),
        headline_way=ablation_tables.headline_way(compared),
    )


def _facts(sweep: SweepRecords, compared: Ablation) -> list[tuple[str, str]]:
    """Return what all points on one workload have in common, (what, in one line) each."""
    manifest = sweep.manifest(compared.points[0])
    lines = [simulated.data(manifest["workload"]), simulated.models(manifest["models"])]
    rows = sweep.points[sweep.points["id"].astype(str).isin(compared.points)]
    ages = rows.get("list_age_steps.mean")
    if ages is not None and ages.notna().any():
        span = list(dict.fromkeys(f"{age:.3g}" for age in (ages.min(), ages.max())))
        steps = "step" if span == ["1"] else "steps"
        lines.append(("Lists shown", f"{' to '.join(span)} {steps} old in the mean"))
    adapted = rows.get("adaptation.adapted_interactions")
    if adapted is not None and adapted.notna().any():
        shares = (adapted / rows["interactions"]).dropna()
        span = list(dict.fromkeys(percent(share) for share in (shares.min(), shares.max())))
        where = "of interactions, where the SRM is re-trained along the run"
        lines.append(("Re-trained weights", f"ordered {' to '.join(span)} {where}"))
    return lines


def _world(sweep: SweepRecords, parts: Sequence[Part]) -> list[tuple[str, str]]:
    """Return what all points have in common of the world around the models."""
    if not parts:
        return []
    point = str(sweep.points["id"].iloc[0])
    split = str(sweep.manifest(point)["workload"]["split_description"])
    changing = any(key == "workload.split" for key in sweep.swept)
    return [
        *([] if changing else [("Split", split)]),
        *simulated.world(sweep.scenario(point), without=sweep.swept),
    ]


def _sentence(sweep: SweepRecords, contests: list[policy_contest.Contest]) -> str:
    sentence = _most_accurate(sweep)
    won = [contest for contest in contests if contest.winner is not None]
    if won:
        said = "; ".join(
            f"{contest.winner} at {100 * contest.frequency:g}%"
            + (f" ({contest.facet})" if contest.facet else "")
            for contest in won
        )
        return f"{sentence} At equal request frequency the best policy is clear: {said}."
    if any(contest.lead is not None for contest in contests):
        return f"{sentence} At equal request frequency no policy is shown to be the best."
    return sentence


def _most_accurate(sweep: SweepRecords) -> str:
    """Name the most accurate setting, and how many the paired intervals do not tell from it."""
    settings = sweep.settings[sweep.settings["swept"].astype(bool)].reset_index(drop=True)
    value = settings[ACCURACY].to_numpy(dtype=np.float64)
    first = int(value.argmax())
    top = settings.iloc[first]
    estimate = Estimate(float(top[ACCURACY]), _number(top["low"]), _number(top["high"]))
    reached = f"{HEADLINE.upper()} {with_interval(estimate)}"
    equal = [i for i in range(len(settings)) if math.isclose(value[i], value[first])]
    if 1 < len(equal) == len(settings):
        return f"All {count(len(settings))} settings are tied, exactly equal: {reached}."
    policies = "policy" if len(sweep.kinds) == 1 else "policies"
    of_all = f"Of {count(len(settings))} settings of {count(len(sweep.kinds))} {policies}, "
    named = [_setting(settings.iloc[i]) for i in equal[:MOST_NAMED]]
    if len(equal) > MOST_NAMED:
        named.append(f"{count(len(equal) - MOST_NAMED)} more")
    at = f"{percent(top['request_frequency'])} of interactions"
    if len(equal) > 1:
        sentence = f"{of_all}{'; '.join(named)} are tied, exactly equal: {reached}"
    else:
        sentence = f"{of_all}{named[0]} was the most accurate: {reached} at {at}"
    # Users of different workloads are other people, whom nothing pairs.
    same_users = not any(key.startswith("workload") for key in sweep.swept)
    others = [i for i in range(len(settings)) if same_users and i not in equal]
    leads = policy_contest.leads(sweep, settings, first, others)
    tied = sum(not lead.above_zero for lead in leads)
    if not tied:
        return f"{sentence}."
    which = f"{count(tied)} of the other {count(len(others))}"
    if tied == len(others):
        which = "the other" if tied == 1 else f"all {count(tied)} others"
    joined = "and" if len(equal) > 1 else "but"
    return f"{sentence}, {joined} tied with {which}: no paired interval tells them apart."


def _contest_table(contests: list[policy_contest.Contest]) -> Table:
    kinds = sorted({kind for contest in contests for kind in contest.accuracy})
    rows = []
    for contest in contests:
        label = f"{100 * contest.frequency:g}%" + (f", {contest.facet}" if contest.facet else "")
        cells = [
            with_interval(contest.accuracy[kind]) if kind in contest.accuracy else NOTHING
            for kind in kinds
        ]
        if len(kinds) == 1:
            rows.append([label, *cells])
            continue
        lead = NOTHING if contest.lead is None else with_interval(contest.lead, signed=True)
        verdict = contest.winner or (NOTHING if contest.lead is None else "not told apart")
        rows.append([label, *cells, lead, verdict])
    names = [kind.replace("_", " ") for kind in kinds]
    columns = ["Requests", *names]
    if len(kinds) > 1:
        columns += ["best minus second", "best"]
    at = ", ".join(f"{100 * frequency:g}%" for frequency in FREQUENCIES)
    return tables.of_texts(f"Policies at {at} of requests", columns, rows)


def _points(sweep: SweepRecords) -> Table:
    settings = sweep.settings
    columns = {
        name: cells
        for name, cells in _point_columns().items()
        if name not in OPTIONAL or settings.get(OPTIONAL[name], pd.Series(0.0)).fillna(0.0).any()
    }
    rows = [[cell(row) for cell in columns.values()] for _, row in settings.iterrows()]
    return tables.of_texts("All settings of the sweep", list(columns), rows)


#: Columns of the table of settings that are left out where all of their values are 0.
OPTIONAL = {
    "95th percentile": "response_s.p95",
    **{name.replace("_", " "): f"outcomes.{name}" for name in ("timed_out", "rejected", "lost")},
}


def _point_columns() -> dict[str, Callable[["pd.Series[Any]"], str]]:
    """Return each column's name and how it is made from a setting."""

    def of(key: str, show: Callable[[float | None], str]) -> Callable[["pd.Series[Any]"], str]:
        return lambda row: show(_number(row.get(key)))

    return {
        "Policy": _setting,
        "requests": of("request_frequency", percent),
        HEADLINE.upper(): lambda row: with_interval(
            Estimate(float(row[ACCURACY]), _number(row["low"]), _number(row["high"]))
        ),
        "median response": of("response_s.p50", seconds),
        **{
            name: of(key, seconds if key.startswith("response_s") else count)
            for name, key in OPTIONAL.items()
        },
        "energy per device": of("energy_j.per_device", lambda value: scaled(value, "J")),
        "bytes": lambda row: scaled(
            _number(row.get("bytes.up", np.nan) + row.get("bytes.down", np.nan)), "B"
        ),
        "replicas busy": of("cloud.utilisation", percent),
        "price, USD": of("cloud.cost_usd", significant),
    }


def _setting(row: "pd.Series[Any]") -> str:
    name = " ".join(str(part) for part in (row["kind"], row["policy"]) if part)
    return name + (f", {row['facet']}" if row["facet"] else "")


def _number(value: object) -> float | None:
    if not isinstance(value, int | float) or value != value:
        return None
    return float(value)
