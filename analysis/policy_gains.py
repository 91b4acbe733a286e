"""What each policy gains over asking at random, and how much of what perfect timing would gain.

With A_p(f) the accuracy of policy p at request frequency f, and [a, b] the frequencies that the
settings of all policies in a formula reach,

    area over random   G(p) = integral of (A_p(f) - A_random(f)) df over [a, b] / (b - a)
    share recovered    S(p) = G(p) / G(hindsight), both over the same [a, b]

so G is the mean accuracy that p has over random timing at the same number of requests, and S the
part of it that timing could bring at most: S is 0 for random and 1 for the bound. Curves are linear
between settings (`analysis.panel.Curve`), intervals are over users, numerator and denominator of S
in the same resamples.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from analysis import equal_accuracy
from analysis.intervals import Estimate
from analysis.panel import Curve, Panel

RANDOM = "random"

PERIODIC = "periodic"

#: The request frequency of random, and of periodic, whose accuracy others are asked to reach with
#: fewer requests.
AT = 0.3


@dataclass(frozen=True)
class Gain:
    """What one series gains over random.

    Attributes:
        facet: the other settings, in words.
        series: the policy.
        bound: whether it knows what no device knows.
        low: the least request frequency that it and random reach.
        high: the greatest.
        over_random: the area over random, over that range.
        recovered: the share of the bound's gain; None without a bound, or for one.
        between: the range of that share; None without it.
        requests: the request frequency at which it is as accurate as random at `AT`; None where
            either does not get there.
        periodic_requests: likewise as periodic at `AT`; None without periodic too.
    """

    facet: str
    series: str
    bound: bool
    low: float
    high: float
    over_random: Estimate
    recovered: Estimate | None
    between: tuple[float, float] | None
    requests: Estimate | None
    periodic_requests: Estimate | None


def gains(panels: Iterable[Panel]) -> list[Gain]:
    """Return the gain of every series of every panel, greatest first; none without `random`."""
    found = []
    for panel in panels:
        base = panel.curves.get(RANDOM)
        if base is None:
            continue
        mine = [
            gain
            for curve in panel.curves.values()
            if curve is not base and (gain := _gain(panel, curve, base)) is not None
        ]
        found += sorted(mine, key=lambda gain: (gain.bound, -gain.over_random.value))
    return found


def shared(*curves: Curve) -> tuple[float, float] | None:
    """Return the range of frequencies that the settings of all curves reach; None without one."""
    low = max(curve.reach[0] for curve in curves)
    high = min(curve.reach[1] for curve in curves)
    return (low, high) if low < high else None


def bound_of(panel: Panel) -> Curve | None:
    """Return the bound of a panel; None where it has none."""
    return next((curve for curve in panel.curves.values() if curve.bound), None)


def _gain(panel: Panel, curve: Curve, base: Curve) -> Gain | None:
    reached = shared(curve, base)
    if reached is None:
        return None
    bound = bound_of(panel)
    between = None if bound is None or curve.bound else shared(curve, base, bound)
    recovered = None
    if bound is not None and between is not None:
        at_random = base.mean(*between)
        recovered = panel.ratios.quotient(
            curve.mean(*between) - at_random, bound.mean(*between) - at_random
        )
    over_random = panel.estimate(curve.mean(*reached) - base.mean(*reached))
    named = (panel.facet, curve.series, curve.bound)
    as_random, as_periodic = (
        _requests_for(panel, curve, panel.curves.get(other)) for other in (RANDOM, PERIODIC)
    )
    return Gain(*named, *reached, over_random, recovered, between, as_random, as_periodic)


def _requests_for(panel: Panel, curve: Curve, other: Curve | None) -> Estimate | None:
    """Return how often a series asks where it is as accurate as another at `AT`."""
    if other is None or other is curve or not other.reaches(AT):
        return None
    return equal_accuracy.requests_for(panel, curve, other.at(AT))
