"""Differences put into a word, where their interval allows one."""

from analysis.intervals import MIN_USERS, Estimate

OPEN = "not told apart"
NO_INTERVAL = "no interval"


def in_word(difference: Estimate, above: str = "higher", below: str = "lower") -> str:
    """Return `above` or `below` where the whole interval lies there, else why there is no word."""
    if difference.low is None:
        return NO_INTERVAL
    if difference.above_zero:
        return above
    return below if difference.below_zero else OPEN


def why_open(difference: Estimate) -> str:
    """Return why no word is allowed, to stand after the difference; empty where one is."""
    if difference.low is None:
        return f" (fewer than {MIN_USERS} users: no interval, so no verdict)"
    if difference.above_zero or difference.below_zero:
        return ""
    return ", an interval that includes 0"
