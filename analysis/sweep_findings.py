"""What a reader of a sweep must be told in words, worked out from the records of its points."""

from collections.abc import Sequence

from analysis.ablation import SRM_FULL, Ablation, Row
from analysis.findings.finding import Finding
from analysis.findings.phones import could_not
from analysis.findings.radio import without_radio
from analysis.metrics import HEADLINE
from analysis.numerals import count, with_interval
from analysis.policy_verdicts import listed
from analysis.sweep_records import SweepRecords

NAME = HEADLINE.upper()
SRM = "srm_full"
ALONE = "The phone does better without the cloud"


def of_failures(sweep: SweepRecords) -> list[Finding]:
    """Warn of points that have no result, those of one error together."""
    if not sweep.failed:
        return []
    points: dict[str, list[str]] = {}
    for failure in sweep.failed:
        points.setdefault(str(failure["message"]), []).append(str(failure["point"]))
    told = [f"{message} ({listed(named, ';')})" for message, named in points.items()]
    whole = len(sweep.points) + len(sweep.failed)
    return [
        Finding(
            "points",
            True,
            f"{count(len(sweep.failed))} of {count(whole)} points failed and are missing here.",
            f"{'. '.join(told)}. All are in failed.json; the command with --resume tries them "
            f"again.",
        )
    ]


def of_ablations(ablations: Sequence[Ablation]) -> list[Finding]:
    """Return everything to be told about the ablations of a sweep."""
    found = [finding for each in ablations if (finding := _phone_alone(each)) is not None]
    return found + [finding for each in ablations if (finding := _users(each)) is not None]


def _phone_alone(ablation: Ablation) -> Finding | None:
    """Warn where the SRM ranking the whole catalogue beats a setting that it belongs to."""
    leads = {
        row: ablation.difference(Row(row.setting, SRM_FULL), row)
        for row in ablation.runs
        if ablation.has(Row(row.setting, SRM_FULL))
    }
    beaten = [row for row, lead in leads.items() if lead.above_zero]
    if not beaten:
        return None
    best = max(leads, key=lambda row: ablation.mean(row).value)
    alone = with_interval(ablation.mean(Row(best.setting, SRM_FULL)))
    return Finding(
        "models",
        True,
        _alone(len(beaten), len(leads)),
        f"On {ablation.name}, the SRM ranking the whole catalogue on the device, with no request "
        f"at all, beats {_of(len(beaten), len(leads))}. Beside the most accurate of them "
        f"({best.label}, {NAME} {with_interval(ablation.mean(best))}) it reaches {alone}; the "
        f"SRM minus that setting, paired on users, is {with_interval(leads[best], signed=True)}.",
    )


def _users(ablation: Ablation) -> Finding | None:
    if not ablation.left_out:
        return None
    return Finding(
        "models",
        True,
        "Settings were not run on the same users.",
        f"On {ablation.name}, {count(ablation.left_out)} users are missing from some setting; "
        f"every figure and table is about the {count(ablation.users)} that all settings share.",
    )


def of_policies(sweep: SweepRecords) -> list[Finding]:
    """Warn, for each panel of settings, where the SRM on the whole catalogue beats a setting.

    Panels of which the same is to be told are told of together.
    """
    told: dict[tuple[str, str], list[str]] = {}
    for panel in sweep.panels:
        if SRM not in panel.references:
            continue
        settings = panel.settings
        real = [i for i in range(len(settings)) if settings["swept"].iloc[i]]
        rows = [i for i in real if not settings["bound"].iloc[i]]
        alone = panel.reference(SRM)
        leads = {row: panel.estimate(alone - panel.unit(row)) for row in rows}
        beaten = sum(lead.above_zero for lead in leads.values())
        if not beaten:
            continue
        best = max(rows, key=lambda row: float(settings["accuracy"].iloc[row]))
        named = " ".join(part for part in settings[["series", "parameters"]].iloc[best] if part)
        text = (
            "SRM ranking the whole catalogue on the device, with no request at all, "
            f"beats {_of(beaten, len(leads))}. Beside the most accurate of them "
            f"({named}, {sweep.metric.upper()} {with_interval(panel.estimate(panel.unit(best)))}) "
            f"it reaches {with_interval(panel.estimate(alone))}; the SRM minus that setting, "
            f"paired on users, is {with_interval(leads[best], signed=True)}."
            f"{could_not(sweep.share_ranked_by_llm(settings['ids'].iloc[best]))}"
        )
        told.setdefault((_alone(beaten, len(leads)), text), []).append(panel.facet)
    return [
        Finding("models", True, headline, f"{_where(facets)} {text}")
        for (headline, text), facets in told.items()
    ]


def _where(facets: Sequence[str]) -> str:
    named = [facet for facet in facets if facet]
    if not named:
        return "The"
    return f"With {'; with '.join(named)}, {'the' if len(named) == 1 else 'in each of them the'}"


def of_energy(sweep: SweepRecords) -> list[Finding]:
    """Warn where energies are compared though radios of some points spend none by setting."""
    points = [str(point) for point in sweep.points["id"]]
    silent = sum(bool(without_radio(sweep.scenario(point))) for point in points)
    if not silent:
        return []
    return [
        Finding(
            "cost",
            True,
            "The radio's energy is not counted.",
            f"In {_of(silent, len(points), 'run')} a network has the radio `none`, whose energy is "
            f"0 whatever it sends: energies compared here leave it out. `radio`, of a network or "
            f"of each of its regimes, names one whose energy is counted.",
        )
    ]


def _alone(part: int, whole: int) -> str:
    return f"{ALONE}." if part == whole else f"{ALONE} in {_of(part, whole)}."


def _of(part: int, whole: int, what: str = "setting") -> str:
    if whole == 1:
        return f"the {what}"
    return (
        f"all {count(whole)} {what}s"
        if part == whole
        else f"{count(part)} of {count(whole)} {what}s"
    )
