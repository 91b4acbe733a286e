"""The training loop: AdamW on an objective, stopped early, the best epoch kept."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from models.errors import ModelError, NotNumbers
from models.training.objective import Objective
from models.training.settings import RecipeSettings
from models.training.windows import epoch_batches
from workloads.progress import Progress

USUAL_STEP_SIZE = 1e-3
"""With which AdamW seldom diverges (Kingma and Ba 2015, its default)."""


@dataclass(frozen=True)
class TrainingResult:
    """What training did; the model holds the weights of its best epoch.

    Attributes:
        epochs: epochs trained.
        best_epoch: the epoch (from 1) whose weights were kept; 0 for those it started from.
        validation_ndcg10: the objective's NDCG@10 of that epoch; nan without calibration data.
    """

    epochs: int
    best_epoch: int
    validation_ndcg10: float


class Trainer:
    """Trains the parameters of a model that require gradients.

    Args:
        model: what is trained.
        objective: what training minimises and stops by.
        recipe: how; it names a step size.
        seed: of the batches.
        keep_start: the model comes trained, and stays as it is where no epoch makes it better.
        key: of the setting that gives the step size; None for that of the recipe.
    """

    def __init__(
        self,
        model: nn.Module,
        objective: Objective,
        recipe: RecipeSettings,
        seed: int,
        keep_start: bool = False,
        key: str | None = None,
    ) -> None:
        assert recipe.learning_rate is not None  # the architecture's, where the settings name none
        self._learning_rate = recipe.learning_rate
        self._model = model
        self._objective = objective
        self._recipe = recipe
        self._keep_start = keep_start
        self._key = key or f"{recipe.place}.learning_rate"
        self._shuffle = np.random.Generator(np.random.Philox(seed))
        self._trained = [each for each in model.parameters() if each.requires_grad]
        self._optimizer = torch.optim.AdamW(
            self._trained, lr=self._learning_rate, weight_decay=recipe.weight_decay, fused=True
        )
        self._batches_done = 0

    def train(self, title: str, progress: Progress) -> TrainingResult:
        """Train until the patience or the epochs run out, and restore the best epoch's weights.

        Raises:
            ModelError: the weights, or what they score, have left the numbers.
        """
        best_ndcg, best_epoch, best = -1.0, 0, self._weights()
        if self._keep_start:
            self._model.eval()
            best_ndcg = self._objective.validate()
        epoch = 0
        targets = self._objective.targets
        with progress.phase(title, self._recipe.max_epochs * int(targets.sum())) as advance:
            note = ""
            for epoch in range(1, self._recipe.max_epochs + 1):
                self._model.train()
                for batch in epoch_batches(targets, self._recipe.batch_interactions, self._shuffle):
                    self._step(batch)
                    advance(int(targets[batch].sum()), note)
                if not all(bool(each.isfinite().all()) for each in self._trained):
                    raise self._diverged(title, epoch)
                self._model.eval()
                try:
                    reached = self._objective.validate()
                except NotNumbers as worthless:
                    raise self._diverged(title, epoch) from worthless
                most = self._recipe.max_epochs
                note = f"epoch {epoch} of at most {most}: calibration NDCG@10 {reached:.4f}"
                if reached > best_ndcg or np.isnan(reached):
                    best_ndcg, best_epoch, best = reached, epoch, self._weights()
                if epoch - best_epoch >= self._recipe.patience:
                    break
        self._model.load_state_dict(best)
        self._model.eval()
        return TrainingResult(epoch, best_epoch, best_ndcg)

    def _diverged(self, title: str, epoch: int) -> ModelError:
        lower = min(self._learning_rate / 10, USUAL_STEP_SIZE)
        return ModelError(
            f"{title}: diverged in epoch {epoch}, its weights or scores are no numbers any more; "
            f"accepted: a step size below {self._learning_rate:g}, such as {lower:g}",
            self._key,
        )

    def _step(self, batch: np.ndarray) -> None:
        loss = self._objective.loss(batch)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._trained, self._recipe.gradient_clip)
        self._batches_done += 1
        warm = min(1.0, self._batches_done / max(1, self._recipe.warmup_batches))
        for group in self._optimizer.param_groups:
            group["lr"] = self._learning_rate * warm
        self._optimizer.step()

    def _weights(self) -> dict[str, Tensor]:
        return {name: value.detach().clone() for name, value in self._model.state_dict().items()}
