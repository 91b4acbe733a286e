"""Differences put into a word, where their interval allows one."""

from analysis.intervals import Estimate

OPEN = "not told apart"
NO_INTERVAL = "no interval"


def in_word(difference: Estimate, above: str = "higher", below: str = "lower") -> str:
    """Return `above` or `below` where the whole interval lies there, else why there is no word."""
    if difference.low is None:
        return NO_INTERVAL
    if difference.above_zero:
        return above
    return below if difference.below_zero else OPEN
