"""What a reader must be told in words: verdicts and warnings, worked out from the records."""

import math
from dataclasses import dataclass

import numpy as np

from analysis import faults, frequency, load, responses
from analysis.intervals import MIN_USERS, Estimate
from analysis.metrics import HEADLINE
from analysis.numerals import (
    count,
    percent,
    percent_with_interval,
    scaled,
    seconds,
    with_interval,
)
from analysis.records import RunRecords

NAME = HEADLINE.upper()
SATURATED = 0.95

#: Beyond this share of requests that bring no list, the network or cloud shapes the result.
MANY_FAILED = 0.05

#: Beyond this share of places lost to candidates that are no items, lists are visibly shorter.
MANY_INVALID = 0.01

#: Beyond this share of requests that arrive at a saturated cloud, its average load misleads.
MANY_SATURATED = 0.2

#: Beyond this share of steps that devices did not re-rank, baselines that re-rank all of them say
#: what these devices could not have done.
MANY_NOT_RERANKED = 0.02

#: Request policies that read how far the phone's order of a list agrees with the cloud's.
READ_CONSISTENCY = ("consistency", "consistency_drop")

#: A recovery that takes no longer than this is one at once.
AT_ONCE_S = 1.0


@dataclass(frozen=True)
class Finding:
    """One thing to be told.

    Attributes:
        about: the part of the report that it concerns.
        warns: whether it belongs at the top of the report as well.
        headline: in a few words.
        text: in full, with the numbers.
    """

    about: str
    warns: bool
    headline: str
    text: str


def all_findings(records: RunRecords) -> list[Finding]:
    """Return everything to be told about a run, the gravest first."""
    candidates = (
        phone_alone(records),
        policy_can_matter(records),
        popularity(records),
        fusion(records),
        asking_paid(records),
        unscored(records),
        adaptation(records),
        invalid_candidates(records),
        saturation(records),
        failures(records),
        *outages(records),
        never_came(records),
        batteries(records),
        too_few_users(records),
    )
    return [finding for finding in candidates if finding is not None]


def phone_alone(records: RunRecords) -> Finding:
    """Say whether the phone ranking the whole catalogue by itself beats the pipeline."""
    gain = records.accuracies.difference("srm_full", "run")
    alone = with_interval(records.accuracies.mean("srm_full"))
    pipeline = with_interval(records.accuracies.mean("run"))
    numbers = (
        f"ranking the whole catalogue on the device gives {NAME} {alone}, this run {pipeline}; "
        f"the difference, paired on users, is {with_interval(gain, signed=True)}"
    )
    saved = could_not(_share_ranked(records, "llm"))
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
        f"Without the cloud, {numbers}{_why_open(gain)}.{saved}",
    )


def could_not(share: float) -> str:
    """Return the remark that phones could not have ranked the catalogue; empty where they could.

    Args:
        share: of interactions at which they had no power or budget to score even their list.
    """
    if share <= MANY_NOT_RERANKED:
        return ""
    return (
        f" These phones could not have done it: at {percent(share)} of steps they had no power or "
        f"budget to score even the list that they held."
    )


def policy_can_matter(records: RunRecords) -> Finding:
    """Say whether always asking differs from never asking: the room that any policy has."""
    room = records.accuracies.difference("always", "never")
    numbers = f"always minus never is {with_interval(room, signed=True)} {NAME}, paired on users"
    best = records.accuracies.difference("always_ideal", "never")
    ideal = f"; with no delay at all it would be {with_interval(best, signed=True)}"
    if room.above_zero:
        return Finding(
            "freshness",
            False,
            "A request policy can matter here.",
            f"In this world {numbers}{ideal}. That is the room in which policies differ.",
        )
    if room.below_zero:
        return Finding(
            "freshness",
            True,
            "Asking always is worse than never asking.",
            f"In this world {numbers}{ideal}. Fresh lists do harm here: before comparing policies, "
            f"find out why (an overloaded cloud, or an LLM whose fresh lists are no better).",
        )
    return Finding(
        "freshness",
        True,
        "A request policy is not shown to matter here.",
        f"In this world {numbers}{_why_open(room)}{ideal}. Differences between policies below are "
        f"to be read with that in mind.",
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
        f"{_why_open(lead) if not lead.below_zero else ''}. {_why_popularity(records)}",
    )


def fusion(records: RunRecords) -> Finding | None:
    """Warn where one model's order alone beats the fused order of the same lists.

    Of the fusion nothing is said where devices did not re-rank many steps: the run's order is then
    not the fusion's.
    """
    fused = _share_ranked(records, "fusion")
    for series, whose in (("srm_only", "the SRM's"), ("llm_only", "the LLM's")):
        gain = records.accuracies.difference(series, "run")
        if gain.above_zero and 1 - fused > MANY_NOT_RERANKED:
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


def asking_paid(records: RunRecords) -> Finding | None:
    """Say whether the run's requests bought accuracy over never asking."""
    if records.requests.empty:
        return None
    gain = records.accuracies.difference("run", "never")
    asked = percent_with_interval(frequency.of_requests(records))
    numbers = (
        f"for requests in {asked} of interactions, the run minus never asking is "
        f"{with_interval(gain, signed=True)} {NAME}, paired on users"
    )
    if gain.above_zero:
        return Finding("accuracy", False, "The requests bought accuracy.", f"{_upper(numbers)}.")
    headline = "The requests cost accuracy." if gain.below_zero else "The requests bought nothing."
    if not gain.below_zero:
        headline = "The requests are not shown to have bought anything."
    return Finding("accuracy", True, headline, f"{_upper(numbers)}{_why_open(gain)}.")


def unscored(records: RunRecords) -> Finding | None:
    """Say how often devices asked at steps that they scored, and at those that they did not."""
    share = _share_ranked(records, "llm")
    if share <= MANY_NOT_RERANKED:
        return None
    frame = records.interactions
    own_order = (frame["ranked_by"].astype(str) == "llm").to_numpy()
    requested = frame["requested"].to_numpy(dtype=np.bool_)
    asked = f"They asked at {percent(float(requested[own_order].mean()))} of these"
    if not own_order.all():
        asked += f", at {percent(float(requested[~own_order].mean()))} of the others"
    reads = records.policy_kind in READ_CONSISTENCY
    why = (
        f" Their policy ({records.policy_kind}) reads the agreement that scoring gives, so it "
        f"never asks where a list is not scored: fewer requests are no merit of its threshold."
        if reads
        else ""
    )
    return Finding(
        "accuracy",
        reads,
        f"{percent(share)} of steps were not scored on the device.",
        f"Phones had no power or budget to score their lists there. {asked}.{why}",
    )


def adaptation(records: RunRecords) -> Finding | None:
    """Say what became of weights that were to change along the run; None where none were."""
    block = records.summary.get("adaptation")
    if not block:
        return None
    trainings, skipped = block.get("trainings", 0), block.get("skipped_for_budget", 0)
    adapted = block.get("adapted_interactions", 0)
    where = "in the cloud" if block.get("kind") == "from_cloud" else "on devices"
    late = block.get("skipped_while_training", 0)
    share = percent(adapted / max(1, records.summary["interactions"]))
    text = (
        f"The SRM was re-trained {count(trainings)} times {where}, which took "
        f"{seconds(block.get('training_s'))} of simulated computing in all; "
        f"{share} of interactions were ordered with re-trained weights. Training cost devices "
        f"{scaled(block.get('training_energy_j'), 'J')} of their "
        f"{scaled(records.summary['energy_j']['total'], 'J')}."
    )
    if block.get("pushes"):
        pushed = records.summary["bytes"].get("parameters")
        text += f" {count(block['pushes'])} pushes of weights took {scaled(pushed, 'B')}."
    if skipped or late:
        text += (
            f" Not done: {count(skipped)} trainings for want of budget, {count(late)} because the "
            f"one before had not ended."
        )
    text += " The freshness curve and the SRM on the whole catalogue are of the weights as shipped."
    headline = "The SRM changed along the run." if adapted else "The SRM never changed."
    return Finding("accuracy", not adapted, headline, text)


def invalid_candidates(records: RunRecords) -> Finding | None:
    """Warn where the LLM wrote candidates that are no items; None where it wrote none."""
    share = records.manifest["models"].get("invalid_candidate_share")
    if not share:
        return None
    return Finding(
        "models",
        share > MANY_INVALID,
        "The LLM wrote candidates that are no items.",
        f"{percent(share)} of the places in its lists were lost to strings that name no item or "
        f"repeat one; such lists are shorter, and what the user took next is more often missing.",
    )


def saturation(records: RunRecords) -> Finding | None:
    """Warn where the cloud is busier than 95% of the time, or was while many requests came."""
    utilisation = records.summary["cloud"]["utilisation"]
    if utilisation is not None and utilisation > SATURATED:
        return Finding(
            "cloud",
            True,
            "The cloud is saturated.",
            f"Its replicas were busy {percent(utilisation)} of the time. Above 95% queues grow "
            f"with the length of the run, so response times say how long was simulated, not how "
            f"fast the cloud is. Add replicas, batch more or ask less.",
        )
    share = load.share_arriving_saturated(records, SATURATED)
    if share <= MANY_SATURATED:
        return None
    return Finding(
        "cloud",
        True,
        "The cloud was saturated while it mattered.",
        f"{percent(share)} of requests arrived while its replicas were busy more than 95% of the "
        f"time, though over the whole run they were busy {percent(utilisation)}. Response times "
        f"depend on how long that lasted.",
    )


def failures(records: RunRecords) -> Finding | None:
    """Warn where many requests brought the device no list."""
    outcomes, requests = records.summary["outcomes"], records.summary["requests"]
    failed = {name: outcomes[name] for name in ("timed_out", "rejected", "lost") if outcomes[name]}
    if not requests or sum(failed.values()) <= MANY_FAILED * requests:
        return None
    parts = ", ".join(f"{name.replace('_', ' ')} {count(n)}" for name, n in failed.items())
    return Finding(
        "outcomes",
        True,
        f"{percent(sum(failed.values()) / requests)} of requests failed.",
        f"Of {count(requests)} requests: {parts}. Their devices kept their old lists.",
    )


def outages(records: RunRecords) -> list[Finding]:
    """Say of each outage what became of requests, and how long responses took to recover."""
    return [
        _outage(records, fault) for fault in faults.of_cloud(records) if fault.kind == "outages"
    ]


def _outage(records: RunRecords, fault: faults.Fault) -> Finding:
    requests = records.requests
    sent_s = requests["sent_s"].to_numpy(dtype=np.float64)
    during = (sent_s >= fault.start_s) & (sent_s < fault.end_s)
    failed = ~np.isfinite(responses.time_to_list_s(requests))
    lost = float(failed[during].mean()) if during.any() else 0.0
    before_s, recovery_s = responses.recovery_s(records, fault)
    lasted = seconds(fault.end_s - fault.start_s)
    text = (
        f"Of {count(during.sum())} requests sent in the {lasted} without a cloud, "
        f"{percent(lost)} brought their devices no list"
    )
    before = f"again within 10% of the {seconds(before_s)} before it"
    if math.isnan(before_s):
        text += "; too few were sent before it to say when responses were as fast again."
    elif math.isnan(recovery_s):
        text += (
            f"; too few requests were sent after it to say when responses were as fast again (a "
            f"median needs {responses.FEWEST} within {responses.WINDOW_S:g} s)."
        )
    elif math.isinf(recovery_s):
        text += (
            f"; wherever enough were sent after it to say ({responses.FEWEST} within "
            f"{responses.WINDOW_S:g} s), the median response time was not {before}."
        )
    elif recovery_s < AT_ONCE_S:
        text += f". Right after its end the median response time was {before}."
    else:
        text += (
            f". {_upper(seconds(recovery_s))} after its end the median response time was {before} "
            f"(looked at over {responses.WINDOW_S:g} s)."
        )
    return Finding("cloud", lost > MANY_FAILED, f"The cloud was out for {lasted}.", text)


def never_came(records: RunRecords) -> Finding | None:
    """Warn of scheduled faults that lie after the end of the run; None without any."""
    late = faults.after_end(records)
    if not late:
        return None
    named = ", ".join(f"{fault.name} at {count(fault.start_s)} s" for fault in late)
    return Finding(
        "cloud",
        True,
        "Faults of the scenario lie after the end of the run.",
        f"The run ended at {count(records.simulated_s)} s; these never came: {named}.",
    )


def batteries(records: RunRecords) -> Finding | None:
    """Say how many devices saved energy, and how many had stopped; None without batteries."""
    frame = records.interactions
    if "battery_share" not in frame:
        return None
    floors = records.scenario["devices"]["battery"]
    last = frame.groupby("device")["battery_share"].last()
    saving = float((last < floors["saver_below"]).mean())
    stopped = float((last < floors["stop_below"]).mean())
    own_order = _share_ranked(records, "llm")
    return Finding(
        "batteries",
        stopped > MANY_FAILED,
        f"{percent(stopped)} of devices had stopped re-ranking at their last decision.",
        f"Their batteries were below {_floor(floors['stop_below'])}; {percent(saving)} were below "
        f"{_floor(floors['saver_below'])}, where every {_ordinal(floors['saver_every'])} list is "
        f"re-ranked. {percent(own_order)} of all interactions saw the LLM's own order.",
    )


def _share_ranked(records: RunRecords, by: str) -> float:
    return float((records.interactions["ranked_by"].astype(str) == by).mean())


def _floor(share: float) -> str:
    return f"{100 * share:g}%"


def _ordinal(number: int) -> str:
    return {1: "single", 2: "second", 3: "third"}.get(number, f"{number}th")


def too_few_users(records: RunRecords) -> Finding | None:
    """Say why there are no intervals where users are too few."""
    users = len(records.users)
    if users >= MIN_USERS:
        return None
    return Finding(
        "accuracy",
        True,
        "Too few users for intervals.",
        f"The run has {count(users)} users; below {MIN_USERS} an interval over users would promise "
        f"more than it holds, so none is given and no difference can be judged.",
    )


def _why_open(estimate: Estimate) -> str:
    if estimate.low is None:
        return f" (fewer than {MIN_USERS} users: no interval, so no verdict)"
    if estimate.above_zero or estimate.below_zero:
        return ""
    return ", an interval that includes 0"


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


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
