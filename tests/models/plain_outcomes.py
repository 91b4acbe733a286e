"""The outcome tables once more, cell by cell, as slowly as their definitions say it."""

import math
import statistics

import torch

from models.recommender import Recommender
from workloads.interaction_log import InteractionLog
from workloads.splits import Split


def fused(variant: int, r: int, n: int, p: float) -> float:
    """The fused value of the r-th of n items; it never falls as p rises."""
    lean = p - 0.5
    return {
        1: -r,
        2: -r / n + 0.5 + (lean if abs(lean) > 0.4 else 0),
        3: -r / n + lean,
        4: -r / n + 2 * lean,
        5: p,
    }[variant]


class PlainOutcomes:
    """One user's lists and cells from batch-1 model calls, without any table."""

    def __init__(
        self,
        log: InteractionLog,
        split: Split,
        device_user: int,
        history: int,
        count: int,
        srm: Recommender,
        llm: Recommender,
        exclude_seen: bool = True,
    ) -> None:
        self.user = int(split.device_users[device_user])
        self.items = [int(item) for item in log.history(self.user)]
        self.start = int(split.replay_start[self.user])
        self.context_start = max(0, self.start - history)
        self.count = count
        self.catalogue = range(len(log.catalogue))
        self.srm, self.llm, self.exclude_seen = srm, llm, exclude_seen
        self._logits: dict[tuple[Recommender, int], list[float]] = {}
        self.train_counts = [0] * len(log.catalogue)
        for user in range(log.users):
            for item in log.history(user)[: split.train_stop[user]]:
                self.train_counts[item] += 1

    def logits(self, model: Recommender, basis: int) -> list[float]:
        """The logits of all items given the history that ends before interaction `basis`."""
        if (model, basis) not in self._logits:
            context = torch.tensor([self.items[self.context_start : self.start + basis]])
            last = torch.tensor([context.shape[1] - 1])
            with torch.inference_mode():
                logits = model.score_catalogue(model.encode(context), torch.tensor([0]), last)
            self._logits[model, basis] = logits[0].tolist()
        return self._logits[model, basis]

    def seen(self, basis: int) -> set[int]:
        return set(self.items[: self.start + basis]) if self.exclude_seen else set()

    def ranking(self, model: Recommender, basis: int) -> list[int]:
        logits, seen = self.logits(model, basis), self.seen(basis)
        unseen = [item for item in self.catalogue if item not in seen]
        return sorted(unseen, key=lambda item: (-logits[item], item))

    def fresh_list(self, basis: int) -> list[int]:
        return self.ranking(self.llm, basis)[: self.count]

    def popular_list(self) -> list[int]:
        unseen = [item for item in self.catalogue if item not in self.seen(0)]
        return sorted(unseen, key=lambda item: (-self.train_counts[item], item))[: self.count]

    def target(self, step: int) -> int:
        return self.items[self.start + step]

    def left(self, items: list[int], basis: int, step: int) -> list[int]:
        since = self.items[self.start + basis : self.start + step] if self.exclude_seen else []
        return [item for item in items if item not in since]

    def deviation(self, left: list[int], step: int) -> float:
        """The standard deviation of the SRM's logits of the items left."""
        return statistics.pstdev(self.logits(self.srm, step)[item] for item in left)

    def opinion(self, left: list[int], step: int) -> dict[int, float]:
        """p of each item left: the sigmoid of its logit standardised over them."""
        logits = {item: self.logits(self.srm, step)[item] for item in left}
        if len(set(logits.values())) < 2:
            return dict.fromkeys(left, 0.5)
        mean, deviation = statistics.fmean(logits.values()), self.deviation(left, step)
        return {item: 1 / (1 + math.exp((mean - x) / deviation)) for item, x in logits.items()}

    def cell(self, items: list[int], basis: int, step: int) -> tuple[float, dict[int, int], int]:
        """Return (consistency, rank by fusion variant, rank in the list's own order)."""
        logits = self.logits(self.srm, step)
        left = self.left(items, basis, step)
        n = len(left)
        by_srm = sorted(left, key=lambda item: (-logits[item], item))
        footrule = sum(abs(left.index(item) - by_srm.index(item)) for item in left)
        consistency = 1.0 if n < 2 else 1 - footrule / (n * n // 2)

        p = self.opinion(left, step)
        ranks = {}
        for variant in range(1, 6):
            values = {item: fused(variant, left.index(item) + 1, n, p[item]) for item in left}
            shown = sorted(left, key=lambda item: (-values[item], item))
            ranks[variant] = shown.index(self.target(step)) + 1 if self.target(step) in shown else 0
        own = left.index(self.target(step)) + 1 if self.target(step) in left else 0
        return consistency, ranks, own
