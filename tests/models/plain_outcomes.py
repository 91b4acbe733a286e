"""The outcome tables once more, cell by cell, as slowly as their definitions say it."""

import math
import statistics

import plain_signals
import torch

from models.fusion import VARIANTS, Variant
from models.recommender import Recommender
from workloads.interaction_log import InteractionLog
from workloads.splits import Split


def fused(variant: Variant, r: int, n: int, p: float, learned_weight: float) -> float:
    """The fused value of the r-th of n items; it never falls as p rises."""
    lean = p - 0.5
    return {
        1: -r,
        2: -r / n + 0.5 + (lean if abs(lean) > 0.4 else 0),
        3: -r / n + lean,
        4: -r / n + 2 * lean,
        5: p,
        "learned": -r / n + learned_weight * lean,
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
        learned_weight: float = 1.0,
        start: int | None = None,
    ) -> None:
        self.user = int(split.device_users[device_user])
        self.items = [int(item) for item in log.history(self.user)]
        self.start = int(split.replay_start[self.user]) if start is None else start
        self.learned_weight = learned_weight
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

    def shown_rank(self, variant: Variant, left: list[int], step: int, weight: float) -> int:
        """The place of the item taken when the list's items left are shown; 0 is a miss."""
        p, n = self.opinion(left, step), len(left)
        values = {item: fused(variant, r, n, p[item], weight) for r, item in enumerate(left, 1)}
        shown = sorted(left, key=lambda item: (-values[item], item))
        return shown.index(self.target(step)) + 1 if self.target(step) in shown else 0

    def cell(
        self, items: list[int], basis: int, step: int
    ) -> tuple[float, dict[Variant, int], int]:
        """Return (consistency, rank by fusion variant, rank in the list's own order)."""
        logits = self.logits(self.srm, step)
        left = self.left(items, basis, step)
        n = len(left)
        by_srm = sorted(left, key=lambda item: (-logits[item], item))
        footrule = sum(abs(left.index(item) - by_srm.index(item)) for item in left)
        consistency = 1.0 if n < 2 else 1 - footrule / (n * n // 2)

        ranks = {
            variant: self.shown_rank(variant, left, step, self.learned_weight)
            for variant in VARIANTS
        }
        own = left.index(self.target(step)) + 1 if self.target(step) in left else 0
        return consistency, ranks, own

    def srm_order(self, left: list[int], step: int) -> list[int]:
        logits = self.logits(self.srm, step)
        return sorted(left, key=lambda item: (-logits[item], item))

    def signals(
        self, items: list[int], basis: int, step: int, compared_step: int | None = None
    ) -> dict[str, float]:
        """What a device can know of a list, but for what was invalid in it."""
        since = self.items[self.start + basis : self.start + step]
        left = self.left(items, basis, step)
        compared = basis if compared_step is None else compared_step
        logits = [self.logits(self.srm, step)[item] for item in left]
        return {
            **plain_signals.of_orders(
                left, self.srm_order(left, step), self.srm_order(left, compared)
            ),
            **plain_signals.of_logits(logits),
            "taken_share": len(set(items) & set(since)) / max(1, len(since)),
        }


def plain_learned_weight(
    log: InteractionLog,
    split: Split,
    history: int,
    count: int,
    srm: Recommender,
    llm: Recommender,
    weights: list[float],
) -> float:
    """The first weight with the highest NDCG@10 over fresh and one-step-old calibration lists."""
    held = []
    for device_user, user in enumerate(split.device_users):
        start = int(split.replay_start[user])
        plain = PlainOutcomes(log, split, device_user, history, count, srm, llm)
        for step in range(int(split.calibration_start[user]) - start, 0):
            for basis in (step, step - 1):
                if start + basis - plain.context_start >= 1:
                    left = plain.left(plain.fresh_list(basis), basis, step)
                    if plain.target(step) in left:
                        held.append((plain, left, step))

    def gain(weight: float) -> float:
        ranks = [plain.shown_rank("learned", left, step, weight) for plain, left, step in held]
        return math.fsum(1 / math.log2(1 + rank) for rank in ranks if rank <= 10)

    gains = [gain(weight) for weight in weights]
    return next(w for w, g in zip(weights, gains, strict=True) if g >= max(gains) - 1e-9)
