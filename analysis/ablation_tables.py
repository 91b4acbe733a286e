"""The tables of an ablation, and its answer in a sentence."""

from collections.abc import Sequence

from analysis import tables
from analysis.ablation import LLM_ONLY, METRICS, SRM_ONLY, Ablation, Change, Row
from analysis.findings.phones import MANY_NOT_RERANKED
from analysis.intervals import Estimate
from analysis.metrics import HEADLINE
from analysis.numerals import count, percent, with_interval
from analysis.tables import Table
from analysis.verdict import NO_INTERVAL, OPEN, in_word

NAME = HEADLINE.upper()

#: The fusions whose place in the ordering is told, where a sweep has them: the paper's and ours.
TOLD = ("fusion 3", "learned fusion")


def accuracy(ablation: Ablation) -> Table:
    """Return every row's accuracy and its difference to the reference, by setting."""
    rows: list[list[str]] = []
    if ablation.constant_ways:
        rows.append(["The same under every setting"])
        first = ablation.settings[0]
        rows += [_accuracy_row(ablation, Row(first, way)) for way in ablation.constant_ways]
    for setting in ablation.settings:
        if len(ablation.settings) > 1:
            rows.append([sentence_case(setting.label)])
        rows += [
            _accuracy_row(ablation, row)
            for row in ablation.rows
            if row.setting == setting and row.way not in ablation.constant_ways
        ]
    names = [metric.upper() for metric in METRICS]
    columns = ("Order", *names, f"{NAME} minus reference", "")
    label = f"Accuracy on {ablation.name}, by setting"
    return tables.of_texts(label, columns, rows, stacked=True)


def _accuracy_row(ablation: Ablation, row: Row) -> list[str]:
    means = [with_interval(ablation.mean(row, metric)) for metric in METRICS]
    if row == ablation.reference:
        return [row.way, *means, "reference", ""]
    gain = ablation.difference(row, ablation.reference)
    told = in_word(gain)
    return [row.way, *means, _signed(gain), "" if told in (OPEN, NO_INTERVAL) else told]


def told_fusions(ablation: Ablation) -> tuple[str, ...]:
    """Return the fusions that the ordering is told of."""
    return tuple(way for way in TOLD if way in ablation.fused) or ablation.fused[:1]


def ordering(ablation: Ablation) -> Table | None:
    """Return whether fused > SRM only > LLM only holds in each setting; None where none can."""
    fused = told_fusions(ablation)
    if not fused or _saved(ablation):
        return None
    rows: list[list[str]] = []
    for setting in ablation.settings:
        if len(ablation.settings) > 1:
            rows.append([sentence_case(setting.label)])
        for metric in METRICS:
            relations = _relations(ablation, Row(setting, SRM_ONLY), fused, metric)
            cells = [
                "" if gain is None else f"{_yes_or_no(gain)}, {_signed(gain)}" for gain in relations
            ]
            rows.append([metric.upper(), *cells, _whole(relations, fused)])
    differences = [f"{way} > {SRM_ONLY}" for way in fused]
    columns = ("By", f"{SRM_ONLY} > {LLM_ONLY}", *differences, "all of it")
    label = f"Fused above SRM only above LLM only on {ablation.name}?"
    return tables.of_texts(label, columns, rows, stacked=True)


def _relations(
    ablation: Ablation, srm_only: Row, fused: Sequence[str], metric: str
) -> list[Estimate | None]:
    setting = srm_only.setting
    pairs = [(srm_only, Row(setting, LLM_ONLY)), *((Row(setting, way), srm_only) for way in fused)]
    return [
        ablation.difference(upper, lower, metric)
        if ablation.has(upper) and ablation.has(lower)
        else None
        for upper, lower in pairs
    ]


def _yes_or_no(gain: Estimate | None) -> str:
    return OPEN if gain is None else in_word(gain, "yes", "no")


def _whole(relations: Sequence[Estimate | None], fused: Sequence[str]) -> str:
    """Return the verdict on all relations together, over the fusions told."""
    models, *of_fusions = (_yes_or_no(gain) for gain in relations)
    if models == "no" or all(verdict == "no" for verdict in of_fusions):
        return "no"
    holding = [way for way, verdict in zip(fused, of_fusions, strict=True) if verdict == "yes"]
    if models == "yes" and holding:
        return "yes" if len(holding) == len(fused) else f"with {' and '.join(holding)}"
    return NO_INTERVAL if NO_INTERVAL in (models, *of_fusions) else OPEN


def changes(ablation: Ablation) -> Table | None:
    """Return what each change brings to one way of ordering, elsewhere equal; None without any."""
    way = headline_way(ablation)
    found = [change for change in ablation.changes() if change.after.way == way]
    if not found:
        return None
    several = any(change.elsewhere for change in found)
    rows: list[list[str]] = []
    for place, change in enumerate(found):
        if several and (not place or found[place - 1].step != change.step):
            rows.append([sentence_case(change.step)])
        gains = [ablation.difference(change.after, change.before, metric) for metric in METRICS]
        told = [in_word(gain) for gain in gains]
        verdict = told[0] if told[0] == told[1] else f"{told[0]} / {told[1]}"
        label = change.elsewhere if several else sentence_case(change.step)
        rows.append([label, *map(_signed, gains), verdict])
    columns = ("With" if several else "Change", *(metric.upper() for metric in METRICS), "verdict")
    label = f"What one change brings to {way} on {ablation.name}"
    return tables.of_texts(label, columns, rows, stacked=True)


def headline_way(ablation: Ablation) -> str:
    """Return the way to order items that short tables are about."""
    return (*told_fusions(ablation)[-1:], ablation.reference.way)[0]


def sentence(ablation: Ablation) -> str:
    """Return what the ablation found: the most accurate setting, and whether the ordering holds."""
    best = ablation.mean(ablation.best)
    gain = ablation.difference(ablation.best, ablation.reference)
    text = (
        f"On {ablation.name}, the most accurate of {count(len(ablation.runs))} settings is "
        f"{ablation.best.label}: {NAME} {with_interval(best)}"
    )
    if ablation.best != ablation.reference:
        text += f"; its difference to {ablation.reference.label} is {_signed(gain)}"
    if _saved(ablation):
        return (
            f"{text}. Of the paper's ordering nothing is said: at up to "
            f"{percent(ablation.unscored)} of a setting's steps phones had no power or budget to "
            f"score their lists, and what they showed there is not the fusion's."
        )
    found = _verdicts(ablation)
    if not found:
        return f"{text}."
    return (
        f"{text}. The paper's ordering by {NAME}, fused above SRM only above LLM only, "
        f"{_ordering_in_words(found)}."
    )


def _saved(ablation: Ablation) -> bool:
    """Return whether phones left so much unscored that rows which fuse are not the fusion's."""
    return ablation.unscored > MANY_NOT_RERANKED


def _ordering_in_words(verdicts: Sequence[str]) -> str:
    fails = verdicts.count("no")
    open_ = sum(verdict in (OPEN, NO_INTERVAL) for verdict in verdicts)
    holds = len(verdicts) - fails - open_
    if len(verdicts) == 1:
        if verdicts[0].startswith("with "):
            return f"holds here only {verdicts[0]}"
        return f"{'holds' if holds else 'fails' if fails else 'is not told apart from others'} here"
    parts = [f"holds in {holds or 'none'} of {len(verdicts)} training conditions"]
    partly = [verdict for verdict in verdicts if verdict.startswith("with ")]
    if partly:
        which = " or ".join(dict.fromkeys(verdict.removeprefix("with ") for verdict in partly))
        parts[0] += f" ({len(partly)} of them only with {which})"
    parts += [f"fails in {fails}"] if fails else []
    parts += [f"is not told apart in {open_}"] if open_ else []
    return _series(parts)


def _verdicts(ablation: Ablation) -> list[str]:
    fused = told_fusions(ablation)
    if not fused or _saved(ablation):
        return []
    return [
        _whole(_relations(ablation, Row(setting, SRM_ONLY), fused, HEADLINE), fused)
        for setting in ablation.settings
    ]


def tally(ablation: Ablation) -> list[tuple[str, str]]:
    """Return, for each change, in how many comparisons it is higher, lower and not told apart."""
    by_step: dict[str, list[Change]] = {}
    for change in ablation.changes():
        by_step.setdefault(change.step, []).append(change)
    lines = []
    for step, found in by_step.items():
        told = [in_word(ablation.difference(c.after, c.before)) for c in found]
        words = [f"{word} in {told.count(word)}" for word in dict.fromkeys(told)]
        lines.append((sentence_case(step), f"{_series(words)} of {len(found)} comparisons"))
    return lines


def _series(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def sentence_case(text: str) -> str:
    """Return a text with its first letter large."""
    return text[:1].upper() + text[1:]


def _signed(gain: Estimate) -> str:
    return "0" if gain.low == gain.high == 0 else with_interval(gain, signed=True)
