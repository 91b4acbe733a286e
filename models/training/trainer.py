"""The training loop: full-softmax cross-entropy over the catalogue, stopped early."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.histories import Pieces
from models.numerics import NumericsPlan
from models.recommender import CausalRecommender
from models.training.full_softmax import full_softmax_loss
from models.training.settings import RecipeSettings
from models.training.validation import Targets, ndcg, ranks
from models.training.windows import epoch_batches, training_windows
from workloads.interaction_log import InteractionLog
from workloads.progress import Progress
from workloads.splits import Split


@dataclass(frozen=True)
class TrainingResult:
    """What training did; the model holds the weights of its best epoch.

    Attributes:
        epochs: epochs trained.
        best_epoch: the epoch (from 1) whose weights were kept.
        validation_ndcg10: NDCG@10 of that epoch on the validation targets; nan without targets.
    """

    epochs: int
    best_epoch: int
    validation_ndcg10: float


class Trainer:
    """Trains one model on the training part of a split."""

    def __init__(
        self,
        model: CausalRecommender,
        log: InteractionLog,
        split: Split,
        validation: Targets,
        recipe: RecipeSettings,
        plan: NumericsPlan,
        seed: int,
    ) -> None:
        self._model = model
        self._log = log
        self._windows: Pieces = training_windows(log, split.train_stop, model.positions)
        self._validation = validation
        self._recipe = recipe
        self._plan = plan
        self._shuffle = np.random.Generator(np.random.Philox(seed))
        self._optimizer = torch.optim.AdamW(
            model.parameters(),
            lr=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            fused=True,
        )
        self._batches_done = 0

    def train(self, title: str, progress: Progress) -> TrainingResult:
        """Train until the patience or the epochs run out, and restore the best epoch's weights."""
        best_ndcg, best_epoch, best = -1.0, 0, self._weights()
        epoch = 0
        targets = int(self._windows.length.sum())
        with progress.phase(title, self._recipe.max_epochs * targets) as advance:
            note = ""
            for epoch in range(1, self._recipe.max_epochs + 1):
                for batch in self._deal():
                    advance(self._step(batch), note)
                reached = self._validate()
                note = f"epoch {epoch}: calibration NDCG@10 {reached:.4f}"
                if reached > best_ndcg or np.isnan(reached):
                    best_ndcg, best_epoch, best = reached, epoch, self._weights()
                if epoch - best_epoch >= self._recipe.patience:
                    break
        self._model.load_state_dict(best)
        self._model.eval()
        return TrainingResult(epoch, best_epoch, best_ndcg)

    def _deal(self) -> list[np.ndarray]:
        if not len(self._windows.length):
            return []
        return epoch_batches(self._windows.length, self._recipe.batch_interactions, self._shuffle)

    def _step(self, batch: np.ndarray) -> int:
        """Take one optimizer step; return the targets predicted."""
        self._model.train()
        inputs, targets = self._inputs_and_targets(batch)
        real = targets.flatten() < self._model.items
        states = self._model.states(inputs).flatten(0, 1)[real]
        loss = full_softmax_loss(states, self._model.item_vectors(), targets.flatten()[real])
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._model.parameters(), self._recipe.gradient_clip)
        self._batches_done += 1
        warm = min(1.0, self._batches_done / max(1, self._recipe.warmup_batches))
        for group in self._optimizer.param_groups:
            group["lr"] = self._recipe.learning_rate * warm
        self._optimizer.step()
        return int(real.sum())

    def _inputs_and_targets(self, batch: np.ndarray) -> tuple[Tensor, Tensor]:
        following = Pieces(self._windows.start + 1, self._windows.length)
        inputs = torch.from_numpy(self._windows.padded(self._log, batch))
        targets = torch.from_numpy(following.padded(self._log, batch))
        return inputs.to(self._plan.device), targets.to(self._plan.device)

    def _validate(self) -> float:
        if not len(self._validation.user):
            return float("nan")
        self._model.eval()
        return ndcg(ranks(self._model, self._log, self._validation, self._plan), 10)

    def _weights(self) -> dict[str, Tensor]:
        return {name: value.detach().clone() for name, value in self._model.state_dict().items()}
