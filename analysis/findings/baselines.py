"""How the run stands beside other ways to order: the phone alone, popularity, one model."""

from analysis.findings import phones
from analysis.findings.finding import Finding
from analysis.metrics import HEADLINE
from analysis.numerals import percent, with_interval
from analysis.records import RunRecords
from analysis.verdict import why_open

NAME = HEADLINE.upper()


def phone_alone(records: RunRecords) -> Finding:
    """Say whether the phone ranking the whole catalogue by itself beats the pipeline."""
    gain = records.accuracies.difference("srm_full", "run")
    alone = with_interval(records.accuracies.mean("srm_full"))
    pipeline = with_interval(records.accuracies.mean("run"))
    numbers = (
        f"ranking the whole catalogue on the device gives {NAME} {alone}, this run {pipeline}; "
        f"the SRM alone minus this run, paired on users, is {with_interval(gain, signed=True)}"
    )
    saved = phones.could_not(phones.share_ranked(records, "llm"))
    if gain.above_zero and saved:
        return Finding(
            "models",
            True,
            "The SRM alone would do better, on phones that could run it.",
            f"With no request at all, {numbers}.{saved}",
        )
    if gain.above_zero:
        return Finding(
            "models",
            True,
            "The phone does better without the cloud.",
            f"With no request at all, {numbers}. Here the detour through the cloud's lists costs "
            f"accuracy.",
        )
    if gain.below_zero:
        return Finding(
            "models",
            False,
            "The pipeline beats the phone on its own.",
            f"Without the cloud, {numbers}.{saved}",
        )
    return Finding(
        "models",
        True,
        "The pipeline is not shown to beat the phone on its own.",
        f"Without the cloud, {numbers}{why_open(gain)}.{saved}",
    )


def popularity(records: RunRecords) -> Finding | None:
    """Explain it where popularity is not clearly below never asking; None where it is."""
    lead = records.accuracies.difference("never", "popularity")
    if lead.above_zero:
        return None
    words = "above" if lead.below_zero else "not clearly below"
    return Finding(
        "accuracy",
        True,
        f"Popularity is {words} never asking.",
        f"Never minus popularity is {with_interval(lead, signed=True)} {NAME}, paired on users"
        f"{why_open(lead) if not lead.below_zero else ''}. {_why_popularity(records)}",
    )


def _why_popularity(records: RunRecords) -> str:
    lead = records.accuracies.difference("llm_full", "popularity")
    numbers = (
        f"ranking the whole catalogue, it minus popularity is {with_interval(lead, signed=True)} "
        f"{NAME}, paired on users"
    )
    if lead.above_zero:
        return (
            f"The LLM has learnt more than popularity ({numbers}), so it is the age of the lists "
            f"that loses it: a popularity list does not age, and when nobody asks, the LLM's do."
        )
    return (
        f"The LLM on its own has not been shown to know more than popularity ({numbers}): longer "
        f"training, more data or a larger model must come before any policy."
    )


def fusion(records: RunRecords) -> Finding | None:
    """Warn where one model's order alone beats the fused order of the same lists.

    Of the fusion nothing is said where devices did not re-rank many steps: the run's order is then
    not the fusion's.
    """
    fused = phones.share_ranked(records, "fusion")
    for series, whose in (("srm_only", "the SRM's"), ("llm_only", "the LLM's")):
        gain = records.accuracies.difference(series, "run")
        if gain.above_zero and 1 - fused > phones.MANY_NOT_RERANKED:
            return Finding(
                "accuracy",
                False,
                f"The same lists in {whose} order at every step would be better.",
                f"In that order, minus this run, they are {with_interval(gain, signed=True)} "
                f"{NAME}, paired on users. That says nothing of the fusion, which ranked only "
                f"{percent(fused)} of the steps.",
            )
        if gain.above_zero:
            return Finding(
                "accuracy",
                True,
                f"The fusion loses to {whose} order alone.",
                f"The same lists in {whose} order, minus this run, are "
                f"{with_interval(gain, signed=True)} {NAME}, paired on users: another fusion is "
                f"better.",
            )
    return None
