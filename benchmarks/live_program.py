"""The plain program without tables: it calls the models, one history at a time, when it needs them.

This is what one writes first: a generator a device, one pass of the SRM an interaction, one pass of
the LLM a request. Each pass is PyTorch's own, in inference mode, over a batch of one.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.plain_program import PlainProgram
from models.recommender import Recommender
from models.replay_contexts import Replay
from sim.client.request import Answer, Attempt
from sim.world import World
from workloads.progress import Advance

NOT_GENERATED = float("nan")


@dataclass(frozen=True)
class Scored:
    """A list as one device scored it at one step.

    Attributes:
        item: int64, shape [n]: the items left, in the order of the LLM.
        logit: float32, shape [n]: the SRM's.
        consistency: 1 - footrule / floor(n^2 / 2) of both orders.
        value: float64, shape [n]: fused; the highest is shown first.
        rank: of the item taken, as shown; 0 is a miss.
    """

    item: NDArray[np.int64]
    logit: NDArray[np.float32]
    consistency: float
    value: NDArray[np.float64]
    rank: int


class LiveProgram(PlainProgram):
    """Lives through a world with the models at hand.

    Args:
        world: with a preloaded list, a policy that reads the footrule, and stale or waiting
            service; of its table, only the sizes are read.
        replay: whose histories the models read.
        srm: in evaluation mode, trained with the softmax.
        llm: in evaluation mode.
    """

    def __init__(self, world: World, replay: Replay, srm: Recommender, llm: Recommender) -> None:
        super().__init__(world)
        if world.first_row != world.table.steps:
            raise ValueError("the live program begins with preloaded lists")
        self.replay, self.srm, self.llm = replay, srm, llm
        self.srm_calls = self.llm_calls = 0
        self.srm_positions = self.llm_positions = 0
        self.told: Advance = untold
        self.lists: list[dict[int, NDArray[np.int64]]] = [{} for _ in range(world.devices)]
        self.list_logits: list[dict[int, NDArray[np.float32]]] = [{} for _ in range(world.devices)]
        self.scored: list[dict[tuple[int, int], Scored]] = [{} for _ in range(world.devices)]
        self.history, self.start, self.known = self.histories()

    def histories(self) -> tuple[list[torch.Tensor], list[int], list[int]]:
        """Return each device's items, where its window starts, and where its context does."""
        items, starts, known = [], [], []
        log, split = self.replay.log, self.replay.split
        for user in self.world.sessions.user:
            of = int(split.device_users[user])
            items.append(torch.from_numpy(log.history(of).astype(np.int64)))
            starts.append(int(split.replay_start[of]))
            known.append(max(0, starts[-1] - self.replay.history))
        return items, starts, known

    def context(self, device: int, step: int) -> torch.Tensor:
        """Return what the models read at a step: int64 [1, length]."""
        return self.history[device][None, self.known[device] : self.start[device] + step]

    def generate(self, device: int, row: int) -> None:
        """Have the LLM make the list of a row: the best items that the history lacks."""
        step = self.world.basis_step(row)
        context = self.context(device, step)
        with torch.inference_mode():
            encoded = self.llm.encode(context)
            last = torch.tensor([context.shape[1] - 1])
            logits = self.llm.score_catalogue(encoded, torch.tensor([0]), last)[0]
            if self.replay.candidates.exclude_seen:
                logits[self.history[device][: self.start[device] + step]] = -torch.inf
            best = logits.topk(self.replay.candidates.count)
        self.llm_calls += 1
        self.llm_positions += context.shape[1]
        self.lists[device][row] = best.indices.numpy()
        self.list_logits[device][row] = best.values.numpy()

    def score(self, device: int, row: int, step: int) -> Scored:
        """Have the SRM score the list that a device holds, and order it."""
        known = self.scored[device].get((row, step))
        if known is not None:
            return known
        if row not in self.lists[device]:  # the first one
            self.generate(device, row)
        item, start = self.lists[device][row], self.start[device]
        if self.replay.candidates.exclude_seen:
            since = self.history[device][start + self.world.basis_step(row) : start + step]
            item = item[~np.isin(item, since.numpy())]
        context = self.context(device, step)
        with torch.inference_mode():
            last = torch.tensor([context.shape[1] - 1])
            candidates = torch.from_numpy(item)[None]
            encoded = self.srm.encode(context)
            logits = self.srm.score_lists(encoded, torch.tensor([0]), last, candidates)
        self.srm_calls += 1
        self.srm_positions += context.shape[1]
        target = int(self.history[device][start + step])
        scored = self.scored[device][row, step] = judged(item, logits[0].numpy(), target)
        return scored

    def signal(
        self, name: str, device: int, row: int, step: int, version: int
    ) -> tuple[float, float]:
        """Return the consistency of the held list at a step."""
        if name != "footrule" or version:
            raise ValueError(f"the live program knows the footrule alone, not {name}")
        return self.score(device, row, step).consistency, NOT_GENERATED

    def shown(self, device: int, row: int, step: int) -> None:
        """Order what is shown."""
        self.score(device, row, step)
        self.told(1)

    def answer(self, attempt: Attempt) -> None:
        """Answer a request with a list."""
        if attempt.answer == Answer.LIST:
            self.generate(attempt.request.device, attempt.request.step)
        super().answer(attempt)


def untold(amount: float = 1, note: str = "") -> None:
    """Tell nobody."""
    del amount, note


def judged(item: NDArray[np.int64], logit: NDArray[np.float32], target: int) -> Scored:
    """Return how much both models agree on a list, and where the target is shown (fusion 3)."""
    n = len(item)
    place = np.arange(1, n + 1)
    place_by_srm = np.empty(n, np.int64)
    place_by_srm[np.lexsort((item, -logit))] = place
    footrule = int(np.abs(place - place_by_srm).sum())
    spread = float(logit.std(dtype=np.float64)) if n else 0.0
    centred = logit - logit.mean(dtype=np.float64) if n else logit
    varied = n > 1 and logit.max() > logit.min()
    p = 1 / (1 + np.exp(-centred / spread)) if varied else np.full(n, 0.5)
    value = -place / max(n, 1) + (p - 0.5)
    shown = item[np.lexsort((item, -value))].tolist()
    return Scored(
        item=item,
        logit=logit,
        consistency=1.0 if n < 2 else 1 - footrule / (n * n // 2),
        value=value,
        rank=shown.index(target) + 1 if target in shown else 0,
    )
