"""The phones: their hardware, what they may spend, and when their users are there."""

import math
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, field_validator

from sim.device.availability import AvailabilitySettings
from sim.device.battery import BatterySettings
from sim.device.churn import ChurnSettings
from sim.device.compute_budget import ComputeBudget
from sim.device.hardware import FIGURES, Hardware, HardwareClass
from workloads import draws
from workloads.quantities import Share
from workloads.settings import invalid


def _classes_of_shares(value: Any) -> Any:
    if isinstance(value, dict):
        for kind, share in value.items():
            number = isinstance(share, int | float) and not isinstance(share, bool)
            if not (number and 0 <= share <= 1):
                raise invalid(
                    f"is {share!r}; must be the part of the devices that are of this class, "
                    "from 0 to 1 (the parts of all classes add up to 1)",
                    kind,
                )
        return tuple({"kind": kind, "share": share} for kind, share in value.items())
    return tuple(value) if isinstance(value, list) else value


class DeviceSettings(Hardware):
    """The phones of a fleet: all alike, or of several classes."""

    classes: (
        Annotated[
            tuple[HardwareClass, ...],
            BeforeValidator(
                _classes_of_shares,
                json_schema_input_type=dict[str, Share] | tuple[HardwareClass, ...],
            ),
        ]
        | None
    ) = None
    """Instead of the figures of one phone: classes, as a mapping from names to shares or a list of
    mappings with `kind`, `share`, and figures that differ from `sim/device/hardware.yaml`."""
    compute_budget_flops_per_hour: float = Field(default=math.inf, gt=0)
    """What a phone may spend, FLOPs an hour of simulated time; `.inf` sets no limit. The phone
    starts with one hour's worth and never saves more."""
    budget_covers: Literal["training", "all"] = "training"
    """`training`: scoring is not charged. `all`: it is, and a phone whose budget does not allow it
    shows the LLM's own order. A list that it waited for it scores even so, and owes the rest."""
    battery: BatterySettings | None = None
    """Batteries that run down; without, nothing depends on energy."""
    availability: AvailabilitySettings | None = None
    """Times at which the app is not in the foreground; without, it always is."""
    churn: ChurnSettings | None = None
    """Users who leave for good; without, everyone stays to the end."""

    exclusive: ClassVar[tuple[tuple[str, ...], ...]] = tuple(("classes", name) for name in FIGURES)

    @field_validator("classes")
    @classmethod
    def _shares_add_up(
        cls, classes: tuple[HardwareClass, ...] | None
    ) -> tuple[HardwareClass, ...] | None:
        if classes is None:
            return None
        total = sum(each.share for each in classes)
        if abs(total - 1) > 1e-6:
            raise invalid(f"have shares that add up to {total:g}; they must add up to 1")
        names = [each.kind for each in classes]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise invalid(f"name {twice!r} twice; each class may be there once")
        return classes

    @property
    def hardware(self) -> tuple[Hardware, ...]:
        """The kinds of phones."""
        return self.classes or (self,)

    def hardware_of_devices(self, seed: int, devices: int) -> NDArray[np.int8]:
        """Draw which of `hardware` each device is: int8, shape [devices]."""
        if not self.classes:
            return np.zeros(devices, np.int8)
        upper = np.cumsum([each.share for each in self.classes])[:-1]
        draw = draws.uniform(seed, "hardware", 0, devices)
        return np.searchsorted(upper, draw, side="right").astype(np.int8)

    @property
    def leaving_per_step(self) -> float:
        """Probability that a user leaves for good after a step."""
        return 0.0 if self.churn is None else self.churn.per_step

    def ideal(self) -> "DeviceSettings":
        """Return phones that score in no time and run out of nothing, and whose users are there."""
        return DeviceSettings(
            sustained_flops=math.inf,
            compute_budget_flops_per_hour=self.compute_budget_flops_per_hour,
        )

    def compute_budget(self) -> ComputeBudget:
        """Return the full budget of one phone."""
        return ComputeBudget(self.compute_budget_flops_per_hour)
