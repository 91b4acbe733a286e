"""Signals once more, of one list, as slowly as their definitions say it."""

import math
from collections.abc import Sequence
from itertools import combinations


def footrule(first: Sequence[int], second: Sequence[int]) -> float:
    n = len(first)
    return 1 - sum(abs(first.index(i) - second.index(i)) for i in first) / (n * n // 2)


def kendall(first: Sequence[int], second: Sequence[int]) -> float:
    pairs = list(combinations(first, 2))
    return sum(second.index(a) < second.index(b) for a, b in pairs) / len(pairs)


def rank_biased_overlap(first: Sequence[int], second: Sequence[int], p: float = 0.9) -> float:
    """Webber, Moffat and Zobel 2010, eq. 32, as it is written, for lists of any two lengths."""
    shorter, longer = sorted((first, second), key=len)
    s, end = len(shorter), len(longer)
    x = [len(set(shorter[:d]) & set(longer[:d])) for d in range(end + 1)]
    met = sum(x[d] / d * p**d for d in range(1, end + 1))
    assumed = sum(x[s] * (d - s) / (s * d) * p**d for d in range(s + 1, end + 1))
    return (1 - p) / p * (met + assumed) + ((x[end] - x[s]) / end + x[s] / s) * p**end


def top_overlap(first: Sequence[int], second: Sequence[int]) -> float:
    return len(set(first[:10]) & set(second[:10])) / min(10, len(first))


def of_orders(made: list[int], now: list[int], once: list[int]) -> dict[str, float]:
    """The signals of the maker's order of items, and of the SRM's now and once."""
    measures = (footrule, kendall, rank_biased_overlap, top_overlap)
    values = {each.__name__: each(made, now) if len(made) > 1 else 1.0 for each in measures}
    return {**values, "self_consistency": footrule(once, now) if len(made) > 1 else 1.0}


def of_logits(logits: list[float]) -> dict[str, float]:
    """The signals of the SRM's logits of the items left."""
    if len(logits) < 2:
        return {"entropy": 1.0, "margin": 1.0}
    power = sorted((math.exp(logit - max(logits)) for logit in logits), reverse=True)
    q = [each / sum(power) for each in power]
    nats = -sum(each * math.log(each) for each in q if each)
    return {"entropy": nats / math.log(len(q)), "margin": q[0] - q[1]}
