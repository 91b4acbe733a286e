"""What asking the cloud is worth: to any policy, and as this one asks."""

from analysis import frequency
from analysis.findings.finding import Finding
from analysis.metrics import HEADLINE
from analysis.numerals import percent_with_interval, with_interval
from analysis.records import RunRecords
from analysis.verdict import why_open

NAME = HEADLINE.upper()


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
        f"In this world {numbers}{why_open(room)}{ideal}. Differences between policies below are "
        f"to be read with that in mind.",
    )


def asking_paid(records: RunRecords) -> Finding | None:
    """Say whether the run's requests bought accuracy over never asking."""
    if records.requests.empty:
        return None
    gain = records.accuracies.difference("run", "never")
    asked = percent_with_interval(frequency.of_requests(records))
    numbers = (
        f"For requests in {asked} of interactions, the run minus never asking is "
        f"{with_interval(gain, signed=True)} {NAME}, paired on users"
    )
    if gain.above_zero:
        return Finding("accuracy", False, "The requests bought accuracy.", f"{numbers}.")
    headline = "The requests cost accuracy." if gain.below_zero else "The requests bought nothing."
    if not gain.below_zero:
        headline = "The requests are not shown to have bought anything."
    return Finding("accuracy", True, headline, f"{numbers}{why_open(gain)}.")
