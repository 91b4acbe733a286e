"""Numbers as a reader wants them: units, thousands, and no more digits than the interval allows."""

import math

from analysis.intervals import MIN_USERS, Estimate

MINUS = "\u2212"
NOTHING = "\u2013"


def decimals_of(estimate: Estimate, significant: int = 2) -> int:
    """Return the decimals at which half the interval keeps `significant` digits.

    Without an interval: the decimals that show three digits of the value.
    """
    if estimate.low is not None and estimate.high is not None and estimate.high > estimate.low:
        return _decimals((estimate.high - estimate.low) / 2, significant)
    return _decimals(abs(estimate.value), 3)


def number(value: float | None, decimals: int, signed: bool = False) -> str:
    """Return a number with fixed decimals, thousands separated, and a true minus sign."""
    if value is None or not math.isfinite(value):
        return NOTHING
    text = f"{abs(value):,.{decimals}f}"
    if not text.strip("0.,"):
        return text
    return (MINUS if value < 0 else "+" if signed else "") + text


def with_interval(estimate: Estimate, signed: bool = False) -> str:
    """Return an estimate as `0.0432 [0.0409, 0.0455]`."""
    decimals = decimals_of(estimate)
    value = number(estimate.value, decimals, signed)
    if estimate.low is None or estimate.high is None:
        return value
    low, high = (number(end, decimals, signed) for end in (estimate.low, estimate.high))
    return _beside(value, low, high)


def percent_with_interval(estimate: Estimate) -> str:
    """Return a share as `47.1% [45.0%, 49.2%]`."""
    scaled = Estimate(*(None if part is None else 100 * part for part in _parts(estimate)))  # type: ignore[arg-type]
    decimals = min(decimals_of(scaled), 2)
    value, low, high = (f"{number(part, decimals)}%" for part in _parts(scaled))
    return value if estimate.low is None else _beside(value, low, high)


def seconds_with_interval(estimate: Estimate) -> str:
    """Return a time in seconds as `1.21 s [1.15 s, 1.27 s]`."""
    decimals = min(decimals_of(estimate), 3)
    value, low, high = (f"{number(part, decimals)} s" for part in _parts(estimate))
    return value if estimate.low is None else _beside(value, low, high)


def intervals_over(users: float, drawn_as: str = "Bars") -> str:
    """Return the sentence of a caption on its intervals, or on why there are none."""
    if users < MIN_USERS:
        few = f"{count(users)} users are too few for intervals (fewer than {MIN_USERS})"
        return f"{few}: none is drawn."
    return f"{drawn_as} are 95% intervals over {count(users)} users."


def percent(share: float | None) -> str:
    """Return a share as a percentage with three digits."""
    if share is None or not math.isfinite(share):
        return NOTHING
    return f"{number(100 * share, min(2, _decimals(abs(100 * share), 3)))}%"


def significant(value: float | None, digits: int = 3) -> str:
    """Return a number with `digits` significant digits."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return number(value, _decimals(abs(value), digits))


def seconds(value: float | None) -> str:
    """Return a duration in s, min or h."""
    if value is None or not math.isfinite(value):
        return NOTHING
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if abs(value) >= 3 * size:
            return f"{significant(value / size)} {unit}"
    return f"{significant(value)} s"


def scaled(value: float | None, unit: str) -> str:
    """Return a quantity with an SI prefix, as `3.42 MB`; bytes have no part smaller than one."""
    if value is None or not math.isfinite(value):
        return NOTHING
    for prefix, size in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= size:
            return f"{significant(value / size)} {prefix}{unit}"
    if unit != "B" and value:
        for prefix, size in (("", 1.0), ("m", 1e-3), ("µ", 1e-6)):
            if abs(value) >= size:
                return f"{significant(value / size)} {prefix}{unit}"
    return f"{significant(value)} {unit}"


def count(value: float | None) -> str:
    """Return a whole number with thousands separated."""
    return NOTHING if value is None else f"{value:,.0f}"


def _beside(value: str, low: str, high: str) -> str:
    """Return a value and its interval, without one that is no wider than its rounding."""
    return value if low == value == high else f"{value} [{low}, {high}]"


def _parts(estimate: Estimate) -> tuple[float, float | None, float | None]:
    return estimate.value, estimate.low, estimate.high


def _decimals(magnitude: float, digits: int) -> int:
    if not magnitude or not math.isfinite(magnitude):
        return 0 if not magnitude else digits
    return max(0, min(9, digits - 1 - math.floor(math.log10(magnitude))))
