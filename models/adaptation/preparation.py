"""From the prepared models to what a simulated world with changing weights asks."""

import time
from collections.abc import Callable
from functools import cached_property

from models.adaptation.from_cloud import CloudTrainer, FromCloudWorld
from models.adaptation.on_device import FORWARD_AND_BACKWARD, OnDeviceWorld, ScoringHead
from models.adaptation.readings import Readings
from models.adaptation.replay_lists import ReplayLists
from models.adaptation.settings import FromCloudSettings, OnDeviceSettings
from models.numerics import NumericsPlan, computing, plan_of
from models.prefixes import Ints
from models.preparation import PreparedModels
from models.settings import ModelSettings

BYTES_PER_NUMBER = 4


class OnDevicePreparation:
    """The SRM as devices re-train it.

    Args:
        models: what a run needs of the models.
        settings: the models' settings.
        adaptation: how devices train.
        spend: told the seconds that models run.

    Raises:
        ModelError: the SRM names nothing that a device could re-train.
    """

    def __init__(
        self,
        models: PreparedModels,
        settings: ModelSettings,
        adaptation: OnDeviceSettings,
        spend: Callable[[float], None],
    ) -> None:
        self._models = models
        self._adaptation = adaptation
        self._spend = spend
        self._plan = live_plan(settings)
        recent = adaptation.recent_interactions
        self._lists = replay_lists(models, settings, recent)
        self._head = ScoringHead(models.srm.model())

    @property
    def training_flops(self) -> float:
        """Operations of one training.

        Only scoring is trained, so what the device read of the interactions when it served them is
        kept; every interaction is compared with the list and with what was taken.
        """
        task, count = self._models.srm.task, self._models.outcomes.candidate_count
        context = task.corpus.positions - 1
        scoring = task.architecture.flops_per_step(context, count + 1)
        scoring -= task.architecture.flops_per_step(context, 0)
        examples = self._adaptation.gradient_steps * self._adaptation.recent_interactions
        return FORWARD_AND_BACKWARD * examples * scoring

    @property
    def parameter_bytes(self) -> int:
        """Size of what every device has of its own."""
        return BYTES_PER_NUMBER * len(self._head.shipped)

    @cached_property
    def _readings(self) -> Readings:
        started_s = time.perf_counter()
        with computing(self._plan):
            readings = Readings(self._models.replay, self._head.srm, self._plan)
        self._spend(time.perf_counter() - started_s)
        return readings

    def world(self, user: Ints) -> OnDeviceWorld:
        """Return the models of a world in which each device replays a user: int64 [devices]."""
        return OnDeviceWorld(
            user,
            self._lists,
            self._readings,
            self._head,
            self._adaptation,
            self._plan,
            self._spend,
        )


class FromCloudPreparation:
    """The SRM as the cloud re-trains it.

    Args:
        models: what a run needs of the models.
        settings: the models' settings.
        adaptation: how the cloud trains.
        spend: told the seconds that models run.
    """

    def __init__(
        self,
        models: PreparedModels,
        settings: ModelSettings,
        adaptation: FromCloudSettings,
        spend: Callable[[float], None],
    ) -> None:
        self._models = models
        self._spend = spend
        self._plan = live_plan(settings)
        self._lists = replay_lists(models, settings, 0)
        self._srm = models.srm.model()
        self._trainer = CloudTrainer(models.srm.task, models.replay, adaptation)

    @property
    def parameter_bytes(self) -> int:
        """Size of what is pushed: the file of weights."""
        return self._models.srm_card.weights_bytes

    def world(self, user: Ints) -> FromCloudWorld:
        """Return the models of a world in which each device replays a user: int64 [devices]."""
        return FromCloudWorld(
            user,
            self._lists,
            self._models.replay,
            self._srm,
            self._trainer,
            self._plan,
            self._spend,
        )


def live_plan(settings: ModelSettings) -> NumericsPlan:
    """Return how models compute along a run: by one thread.

    There are thousands of small computations. More threads gain nothing from each, and where other
    programs take the processors, they wait for each other at every one.
    """
    return plan_of(settings.device, 1, settings.precision)


def replay_lists(models: PreparedModels, settings: ModelSettings, recent: int) -> ReplayLists:
    """Return the lists of the tables; what users took is known from `recent` steps before on."""
    return ReplayLists(
        models.replay,
        models.outcomes,
        models.srm.binary_logits,
        settings.fusion,
        models.learned_weight,
        recent,
    )
