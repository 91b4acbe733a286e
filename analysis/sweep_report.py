"""The report of a sweep: the trade-off first, then what it looks like in other currencies."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from analysis import page, policy_contest, sweep_records, tables
from analysis.drawing import Drawing
from analysis.figures import trade_off
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


def write(directory: Path) -> Path:
    """Write `report.html` and `figures/` of the sweep in `directory`; return the page's path.

    Raises:
        RecordsError: if the directory's files are not those of a sweep.
    """
    sweep = sweep_records.read(directory)
    drawn = (trade_off.draw(sweep, cost) for cost in (FREQUENCY, *FURTHER))
    drawings = {drawing.name: drawing for drawing in drawn if drawing is not None}
    figures = directory / "figures"
    figures.mkdir(exist_ok=True)
    for drawing in drawings.values():
        drawing.save(figures)
    path = directory / "report.html"
    page.write_whole(path, html(sweep, drawings))
    return path


def html(sweep: SweepRecords, drawings: Mapping[str, Drawing]) -> str:
    """Return the page of a sweep, given its figures by name."""
    contests = policy_contest.contests(sweep)
    return page.render(
        "sweep.html.j2",
        sweep=sweep,
        title=sweep.name,
        sentence=_sentence(sweep, contests),
        main=drawings.get(FREQUENCY.name),
        further=[drawings[cost.name] for cost in FURTHER if cost.name in drawings],
        contests=_contest_table(contests),
        compared=any(contest.accuracy for contest in contests),
        points=_points(sweep),
    )


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
