"""What a simulated world is told of weights that change along the run."""

from dataclasses import dataclass

from models.adaptation.preparation import FromCloudPreparation, OnDevicePreparation
from models.adaptation.settings import FromCloudSettings, OnDeviceSettings
from models.preparation import PreparedModels
from models.settings import ModelSettings
from sim.retraining.adaptation import Adaptation, FromCloudAdaptation, OnDeviceAdaptation


@dataclass
class ModelTime:
    """Seconds for which models ran while worlds were simulated."""

    wall_s: float = 0.0

    def spend(self, wall_s: float) -> None:
        """Add some."""
        self.wall_s += wall_s


def adaptation_of(
    settings: ModelSettings, models: PreparedModels, time: ModelTime
) -> Adaptation | None:
    """Return how the weights change along the run, or None where they do not.

    Args:
        settings: say so.
        models: the shipped models.
        time: told how long models run.

    Raises:
        ModelError: the SRM cannot be re-trained that way.
    """
    match settings.adaptation:
        case OnDeviceSettings() as chosen:
            on_device = OnDevicePreparation(models, settings, chosen, time.spend)
            return OnDeviceAdaptation(
                every_interactions=chosen.every_interactions,
                training_flops=on_device.training_flops,
                parameter_bytes=on_device.parameter_bytes,
                models=on_device.world,
            )
        case FromCloudSettings() as chosen:
            from_cloud = FromCloudPreparation(models, settings, chosen, time.spend)
            return FromCloudAdaptation(
                every_s=3600.0 * chosen.every_h,
                accelerator_flops=chosen.accelerator_flops,
                parameter_bytes=from_cloud.parameter_bytes,
                models=from_cloud.world,
            )
        case _:
            return None
