"""The report of a sweep: what each part of the models brings, and what accuracy is paid with.

A sweep of models or workloads leads with an ablation, one of request policies or of the world
around them with the trade-off; one of both has both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

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
from analysis.figures.trade_off import ACCURACY, FREQUENCY, FURTHER
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
    best = sweep.settings[sweep.settings["swept"].astype(bool)]
    top = best.iloc[int(best[ACCURACY].to_numpy().argmax())]
    estimate = Estimate(float(top[ACCURACY]), _number(top["low"]), _number(top["high"]))
    label = " ".join(part for part in (top["kind"], top["policy"], top["facet"]) if part)
    sentence = (
        f"Of {count(len(best))} settings of {count(len(sweep.kinds))} policies, {label} was the "
        f"most accurate: {HEADLINE.upper()} {with_interval(estimate)} at "
        f"{percent(top['request_frequency'])} of interactions."
    )
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


def _contest_table(contests: list[policy_contest.Contest]) -> Table:
    kinds = sorted({kind for contest in contests for kind in contest.accuracy})
    rows = []
    for contest in contests:
        label = f"{100 * contest.frequency:g}%" + (f", {contest.facet}" if contest.facet else "")
        cells = [
            with_interval(contest.accuracy[kind]) if kind in contest.accuracy else NOTHING
            for kind in kinds
        ]
        lead = NOTHING if contest.lead is None else with_interval(contest.lead, signed=True)
        verdict = contest.winner or (NOTHING if contest.lead is None else "not told apart")
        rows.append([label, *cells, lead, verdict])
    names = [kind.replace("_", " ") for kind in kinds]
    columns = ("Requests", *names, "best minus second", "best")
    at = ", ".join(f"{100 * frequency:g}%" for frequency in FREQUENCIES)
    return tables.of_texts(f"Policies at {at} of requests", columns, rows)


def _points(sweep: SweepRecords) -> Table:
    rows = []
    for _, row in sweep.settings.iterrows():
        estimate = Estimate(float(row[ACCURACY]), _number(row["low"]), _number(row["high"]))
        name = " ".join(part for part in (row["kind"], row["policy"]) if part)
        rows.append(
            [
                name + (f", {row['facet']}" if row["facet"] else ""),
                percent(row["request_frequency"]),
                with_interval(estimate),
                seconds(_number(row.get("response_s.p50"))),
                scaled(_number(row.get("energy_j.per_device")), "J"),
                scaled(_number(row.get("bytes.up", np.nan) + row.get("bytes.down", np.nan)), "B"),
                percent(_number(row.get("cloud.utilisation"))),
                significant(_number(row.get("cloud.cost_usd"))),
            ]
        )
    columns = (
        "Policy",
        "requests",
        HEADLINE.upper(),
        "median response",
        "energy per device",
        "bytes",
        "replicas busy",
        "price, USD",
    )
    return tables.of_texts("All settings of the sweep", columns, rows)


def _number(value: object) -> float | None:
    if not isinstance(value, int | float) or value != value:
        return None
    return float(value)
