"""Whatever changes the small models' weights in one simulated world, and its records."""

from sim.client.request import Request
from sim.clock import Clock
from sim.network.links import Links
from sim.records.interactions import InteractionRecords
from sim.retraining.adaptation import AdaptedModels, FromCloudAdaptation, OnDeviceAdaptation
from sim.retraining.cloud_training import CloudTraining
from sim.retraining.device_training import DeviceTraining
from sim.retraining.downloads import Downloads
from sim.retraining.records import AdaptationRecords, TrainingLog
from sim.world import World


class Retraining:
    """Nothing, where weights never change; else what every session takes part in.

    Attributes:
        models: what other than the shipped parameters would show; None where there are none.
    """

    def __init__(self, world: World, models: AdaptedModels | None = None) -> None:
        self._world = world
        self.models = models
        self._log = TrainingLog()

    @classmethod
    def of(cls, world: World, clock: Clock, links: Links, requests: list[Request]) -> "Retraining":
        """Return what a world's settings ask for."""
        match world.adaptation:
            case OnDeviceAdaptation() as adaptation:
                return OnDeviceRetraining(world, adaptation)
            case FromCloudAdaptation() as adaptation:
                return FromCloudRetraining(world, adaptation, clock, links, requests)
            case None:
                return cls(world)

    def start(self) -> None:
        """Begin, with the simulation."""

    def join(self, device: int) -> DeviceTraining | Downloads | None:
        """Return what decides over the parameters of a device whose session begins now."""
        del device  # keeps what it was shipped with
        return None

    def close(self, interactions: InteractionRecords) -> AdaptationRecords | None:
        """Return what became of it in the finished simulation."""
        if self.models is None:
            return None
        return AdaptationRecords.of(self._log, interactions, self.models)


class OnDeviceRetraining(Retraining):
    """Every device trains for itself."""

    def __init__(self, world: World, adaptation: OnDeviceAdaptation) -> None:
        models = adaptation.models(world.sessions.user)
        super().__init__(world, models)
        self._adaptation, self._device_models = adaptation, models

    def join(self, device: int) -> DeviceTraining:
        """Return a device's own training."""
        return DeviceTraining(
            self._adaptation,
            self._device_models,
            self._world.phones.of(device),
            self._world.hardware.compute_budget(),
            self._log,
            device,
        )


class FromCloudRetraining(Retraining):
    """The cloud trains, and the devices download."""

    def __init__(
        self,
        world: World,
        adaptation: FromCloudAdaptation,
        clock: Clock,
        links: Links,
        requests: list[Request],
    ) -> None:
        models = adaptation.models(world.sessions.user)
        super().__init__(world, models)
        self._clock = clock
        self._downloads: dict[int, Downloads] = {}
        self._training = CloudTraining(
            clock, links, world, adaptation, models, requests, self._log, self._receive
        )

    def start(self) -> None:
        """Begin with the first training."""
        self._clock.process(self._training.run())

    def join(self, device: int) -> Downloads:
        """Return a device's downloads, of which the first may begin now."""
        self._downloads[device] = Downloads(self._clock)
        self._training.join(device)
        return self._downloads[device]

    def _receive(self, device: int, version: int) -> None:
        self._downloads[device].receive(version)
