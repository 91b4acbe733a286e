"""The report of a sweep: what each part of the models brings, and what accuracy is paid with.

A sweep of models or workloads leads with an ablation, one of request policies or of the world
around them with the trade-off; one of both has both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis import (
    ablation,
    ablation_tables,
    page,
    policy_contest,
    policy_gains,
    policy_pairs,
    policy_tables,
    policy_verdicts,
    simulated,
    sweep_findings,
    sweep_provenance,
    sweep_records,
    sweep_why,
)
from analysis.ablation import Ablation
from analysis.costs import COSTS, ENERGY, FREQUENCY
from analysis.drawing import Drawing
from analysis.figures import (
    ablation_accuracy,
    ablation_changes,
    calibration,
    over_random,
    trade_off,
)
from analysis.metrics import HEADLINE
from analysis.numerals import percent
from analysis.sweep_records import SweepRecords
from analysis.sweep_why import Why
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


@dataclass(frozen=True)
class TradeOff:
    """What the page says of the request policies.

    Attributes:
        sentence: the most accurate setting.
        winners: at each frequency which policy is best, or that none is shown to be.
        gained: what policies gain over random.
        missing: what is left out, and for want of which policy; empty where nothing is.
        main: the figure against request frequency; None where all settings ask equally often.
        gains: the figures of what each policy gains over random, one a facet.
        further: the figures against other costs.
        why: what each facet's records show of why.
        calibration: the figure of wanted and realised frequencies; None where none was wanted.
        at_frequencies: accuracy at equal frequency; None where no two settings allow it.
        over_random: the area over random; None without.
        by_metric: the same by every metric; None without.
        pairs: the tests of every pair; None without two policies.
    """

    sentence: str
    winners: list[str]
    gained: list[str]
    missing: str
    main: Drawing | None
    gains: list[Drawing]
    further: list[Drawing]
    why: list[Why]
    calibration: Drawing | None
    at_frequencies: Table | None
    over_random: Table | None
    by_metric: Table | None
    pairs: Table | None

    @property
    def drawings(self) -> list[Drawing]:
        """All figures."""
        alone = [each for each in (self.main, self.calibration) if each is not None]
        seen = [drawing for each in self.why for drawing in each.drawings]
        return [*alone, *self.gains, *self.further, *seen]


def write(directory: Path, metric: str = HEADLINE) -> Path:
    """Write `report.html` and `figures/` of the sweep in `directory`; return the page's path.

    Args:
        directory: of the sweep.
        metric: the accuracy that the trade-off is told by.

    Raises:
        RecordsError: if the directory's files are not those of a sweep.
        ValueError: if there is no such metric.
    """
    sweep = sweep_records.read(directory, metric)
    parts = [_part(sweep, each) for each in ablation.of_sweep(sweep)] if sweep.sweeps_models else []
    trades = _trade_off(sweep) if sweep.sweeps_policies or not parts else None
    figures = directory / "figures"
    figures.mkdir(exist_ok=True)
    of_parts = [drawing for part in parts for drawing in (part.accuracy, part.changes)]
    for drawing in (*(trades.drawings if trades else ()), *of_parts):
        if drawing is not None:
            drawing.save(figures)
    if trades and trades.pairs:
        path = figures / "policy_pairs.csv"
        page.write_whole(path, policy_pairs.pairs(sweep).to_csv(index=False, lineterminator="\n"))
    path = directory / "report.html"
    page.write_whole(path, html(sweep, trades, parts))
    return path


def html(sweep: SweepRecords, trades: TradeOff | None, parts: Sequence[Part]) -> str:
    """Return the page of a sweep, given what it says of its policies and the ablations."""
    found = sweep_findings.of_ablations([part.ablation for part in parts])
    alone = any(finding.headline.startswith(sweep_findings.ALONE) for finding in found)
    found = sweep_findings.of_failures(sweep) + found
    if trades and not alone:
        found += sweep_findings.of_policies(sweep)
    if trades and any(drawing.name == ENERGY.name for drawing in trades.further):
        found += sweep_findings.of_energy(sweep)
    return page.render(
        "sweep.html.j2",
        sweep=sweep,
        title=sweep.name,
        found=found,
        parts=parts,
        world=_world(sweep),
        trades=trades,
        why=trades.why if trades else [],
        points=policy_tables.points(sweep),
        metrics=policy_tables.metrics(sweep),
        command=sweep_provenance.command(sweep),
        provenance=sweep_provenance.groups(sweep),
    )


def _trade_off(sweep: SweepRecords) -> TradeOff:
    contests = policy_contest.contests(sweep)
    gains = policy_gains.gains(sweep.panels)
    pairs = policy_pairs.pairs(sweep)
    drawn = [trade_off.draw(sweep, cost) for cost in COSTS.values() if cost is not FREQUENCY]
    over = [over_random.draw(sweep, position) for position in range(len(sweep.panels))]
    compared = any(contest.accuracy for contest in contests)
    return TradeOff(
        sentence=policy_verdicts.most_accurate(sweep),
        winners=policy_verdicts.winners(contests, sweep.metric),
        gained=policy_verdicts.gained(gains, sweep.metric),
        missing=policy_verdicts.missing(sweep, gains),
        main=trade_off.draw(sweep),
        gains=[drawing for drawing in over if drawing is not None],
        further=[drawing for drawing in drawn if drawing is not None],
        why=sweep_why.of_sweep(sweep),
        calibration=calibration.draw(sweep),
        at_frequencies=policy_tables.at_frequencies(contests) if compared else None,
        over_random=policy_tables.over_random(gains) if gains else None,
        by_metric=policy_tables.by_metric(sweep) if gains else None,
        pairs=policy_tables.pairs(pairs) if len(pairs) else None,
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


def _world(sweep: SweepRecords) -> list[tuple[str, str]]:
    """Return what all points have in common of the world around the models."""
    point = str(sweep.points["id"].iloc[0])
    split = str(sweep.manifest(point)["workload"]["split_description"])
    changing = any(key == "workload.split" for key in sweep.swept)
    return [
        *([] if changing else [("Split", split)]),
        *simulated.world(sweep.scenario(point), without=sweep.swept),
    ]
