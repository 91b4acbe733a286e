"""Devices that re-train a small part of the SRM on their own recent interactions.

Each has parameters of its own from then on: those that the SRM names as `adapted`, which scoring
reads and reading does not. So all devices share the readings of the contexts, and both training and
scoring are batched across devices by `torch.func`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional

from models.adaptation.adapted_world import AdaptedWorld, Key, chunks
from models.adaptation.readings import Readings
from models.adaptation.replay_lists import ReplayLists
from models.adaptation.settings import OnDeviceSettings
from models.errors import ModelError
from models.numerics import NumericsPlan
from models.prefixes import Ints
from models.recommender import Recommender

FORWARD_AND_BACKWARD = 3
"""Operations of a forward and a backward pass, in forward passes: the backward one takes two."""


class ScoringHead(nn.Module):
    """The part of an SRM that scores, as one function of its adapted parameters in one vector.

    Args:
        srm: in evaluation mode.

    Raises:
        ModelError: no part of it is named as adapted.
    """

    def __init__(self, srm: Recommender) -> None:
        super().__init__()
        self.srm = srm.requires_grad_(False)
        named = [(n, p) for n, p in srm.named_parameters() if n.startswith(srm.adapted)]
        if not named:
            raise ModelError(
                f"{type(srm).__name__} names no parameters that a device could re-train; "
                "accepted: none, from_cloud",
                key="models.adaptation.kind",
            )
        self._names = [f"srm.{name}" for name, _ in named]
        self._shapes = [parameter.shape for _, parameter in named]
        self.shipped = torch.cat([parameter.detach().flatten() for _, parameter in named])

    def forward(self, encoded: Tensor, step: Tensor, candidates: Tensor) -> Tensor:
        """Score one device's candidates: [L, width], int64 [S] and [N] -> float [S, N]."""
        return self.srm.score(encoded[None], step[None], candidates[None])[0]

    def logits(
        self, parameters: Tensor, encoded: Tensor, step: Tensor, candidates: Tensor
    ) -> Tensor:
        """Score with other parameters: float [n] and what `forward` takes."""
        parts = torch.split(parameters, [shape.numel() for shape in self._shapes])
        own = {
            name: part.view(shape)
            for name, part, shape in zip(self._names, parts, self._shapes, strict=True)
        }
        logits: Tensor = functional_call(self, own, (encoded, step, candidates))
        return logits


@dataclass(frozen=True)
class Examples:
    """What some devices train on; every device has the same shapes.

    Attributes:
        encoded: float, shape [D, L, width]: the readings.
        step: int64, shape [D, W]: positions in the readings after which items were taken.
        candidates: int64, shape [D, N + W]: the items of the held list, then those taken.
        scored: bool, shape [D, W, N + W]: which of them each position is compared with: the items
            left of the list, and the one that was taken.
        valid: bool, shape [D, W]: whether there is such a position.
    """

    encoded: Tensor
    step: Tensor
    candidates: Tensor
    scored: Tensor
    valid: Tensor


class DeviceTrainer:
    """Gradient descent on the adapted parameters of many devices, each on its own.

    The loss is that of the SRM's own training on the list: the softmax of what was taken among the
    items left of the held list, averaged over the recent interactions, or the binary cross-entropy
    of them all (LSC4Rec, arXiv 2501.05647, adaptive re-training).

    Args:
        head: scores.
        binary_logits: whether the SRM was trained with binary cross-entropy.
        settings: steps and step size.
    """

    def __init__(self, head: ScoringHead, binary_logits: bool, settings: OnDeviceSettings) -> None:
        self._settings = settings

        def loss(
            parameters: Tensor,
            encoded: Tensor,
            step: Tensor,
            candidates: Tensor,
            scored: Tensor,
            valid: Tensor,
        ) -> Tensor:
            logits = head.logits(parameters, encoded, step, candidates)
            taken = torch.zeros_like(logits)
            taken[:, -len(step) :] = torch.eye(len(step), device=logits.device)
            if binary_logits:
                each = functional.binary_cross_entropy_with_logits(logits, taken, reduction="none")
                of_step = (each * scored).sum(dim=1) / scored.sum(dim=1)
            else:
                among = torch.where(scored, logits, -torch.inf).logsumexp(dim=1)
                of_step = among - (logits * taken).sum(dim=1)
            return (of_step * valid).sum() / valid.sum()

        self._gradient: Callable[..., Tensor] = vmap(grad(loss))

    def train(self, parameters: Tensor, examples: Examples) -> Tensor:
        """Return every device's new parameters: float [D, n] -> [D, n]."""
        for _ in range(self._settings.gradient_steps):
            slope = self._gradient(
                parameters,
                examples.encoded,
                examples.step,
                examples.candidates,
                examples.scored,
                examples.valid,
            )
            parameters = parameters - self._settings.learning_rate * slope
        return parameters


@dataclass(frozen=True)
class Begun:
    """A training that has begun: its device, the version that it makes, its step and its list."""

    device: int
    version: int
    step: int
    row: int


class OnDeviceWorld(AdaptedWorld):
    """Devices with parameters of their own, in one simulated world.

    A training is only written down when it begins. When the first result is needed, all that have
    begun by then are computed together; each is a pure function of its own inputs.

    Args:
        user: int64, shape [devices]: positions in the split's `device_users`.
        lists: the lists of the outcome tables.
        readings: the SRM's readings.
        head: the SRM's scoring.
        settings: how devices train.
        plan: how to compute.
        spend: told the seconds that models ran.
    """

    def __init__(
        self,
        user: Ints,
        lists: ReplayLists,
        readings: Readings,
        head: ScoringHead,
        settings: OnDeviceSettings,
        plan: NumericsPlan,
        spend: Callable[[float], None],
    ) -> None:
        super().__init__(user, lists, plan, spend)
        self._readings = readings
        self._head = head
        self._recent = settings.recent_interactions
        self._trainer = DeviceTrainer(head, lists.binary_logits, settings)
        versions = (lists.steps - 1) // settings.every_interactions
        self._shipped: NDArray[np.float32] = head.shipped.cpu().numpy()
        # From version 1 on; one at least, as the shipped parameters are looked up beside it. Pages
        # that nothing is written to take no memory.
        self._own = np.empty((len(user), max(1, versions), len(self._shipped)), np.float32)
        self._begun: list[Begun] = []
        self._trained = np.zeros(len(user), np.int64)  # newest version that is computed

    def begin(self, device: int, version: int, step: int, row: int) -> None:
        """Let a device train, with the interactions before `step` and the list of `row`.

        Args:
            device: whose parameters.
            version: which version this makes, from the one before it.
            step: what it knows.
            row: what it holds.
        """
        self._begun.append(Begun(device, version, step, row))

    def parameters(self, device: int, version: int) -> NDArray[np.float32]:
        """Return a device's own parameters: float32 [n]."""
        with self._computing():
            self._train_up_to(np.array([device]), np.array([version]))
            own: NDArray[np.float32] = self._of(np.array([device]), np.array([version]))[0]
        return own

    def _of(self, device: Ints, version: Ints) -> NDArray[np.float32]:
        """Return computed parameters of some devices: float32 [D, n]."""
        own = self._own[device, np.maximum(version, 1) - 1]
        parameters: NDArray[np.float32] = np.where(version[:, None] > 0, own, self._shipped)
        return parameters

    def _expected(self, device: int, version: int) -> Sequence[Key]:
        """Return the lists on which devices have trained just now: mostly they hold them still."""
        begun = self._train_up_to(np.array([device]), np.array([version]))
        return [(each.device, each.version, each.row) for each in begun]

    def _logits(self, device: Ints, version: Ints, row: Ints) -> NDArray[np.float32]:
        self._train_up_to(device, version)
        user = self._user[device]
        position = self._readings.context[user][:, None] + np.arange(self._lists.steps) - 1
        with torch.no_grad():
            logits: Tensor = vmap(self._head.logits)(
                self._plan.tensor(self._of(device, version)),
                self._readings.of(user),
                self._plan.tensor(position),
                self._plan.tensor(self._lists.items(user, row)),
            )
        return np.asarray(logits.cpu().numpy(), np.float32)

    def _train_up_to(self, device: Ints, version: Ints) -> Sequence[Begun]:
        """Compute all trainings that have begun, if some of these versions are not there yet.

        Those of one device are computed one after the other.

        Returns:
            What was computed.
        """
        if (self._trained[device] >= version).all():
            return ()
        begun, self._begun = self._begun, []
        begun.sort(key=lambda each: each.version)
        every = np.array([(e.device, e.version, e.step, e.row) for e in begun], np.int64)
        for made in sorted({each.version for each in begun}):
            wave = every[every[:, 1] == made]
            for members, count in chunks(len(wave)):
                device, _, step, row = wave[members].T
                trained = self._trainer.train(
                    self._plan.tensor(self._of(device, np.full(len(device), made - 1))),
                    self._examples(self._user[device], step, row),
                )
                self._own[device[:count], made - 1] = trained[:count].cpu().numpy()
                self._trained[device[:count]] = made
        return begun

    def _examples(self, user: Ints, step: Ints, row: Ints) -> Examples:
        """Return what users train on at steps with the lists of some rows."""
        context = self._readings.context[user][:, None]
        earlier = step[:, None] - np.arange(self._recent, 0, -1)
        position = context + earlier - 1  # of the interaction before the one that was taken
        valid = position >= 0
        taken = np.maximum(self._lists.taken(user[:, None], earlier), 0)
        item = self._lists.items(user, row)
        left = self._lists.left(user, row, item, step)
        listed = left[:, None, :] & (item[:, None, :] != taken[:, :, None])
        own = np.broadcast_to(np.eye(self._recent, dtype=bool), (len(user), *[self._recent] * 2))
        return Examples(
            encoded=self._readings.of(user),
            step=self._plan.tensor(np.maximum(position, 0)),
            candidates=self._plan.tensor(np.concatenate((item, taken), axis=1)),
            scored=self._plan.tensor(np.concatenate((listed, own), axis=2)),
            valid=self._plan.tensor(valid),
        )
