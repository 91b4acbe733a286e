"""What a phone is made of: speed, memory, power and battery."""

import math
from functools import cache
from importlib import resources
from typing import Annotated, Any

import yaml
from pydantic import Field, FiniteFloat, model_validator

from workloads.quantities import Share
from workloads.settings import Settings, invalid

FIGURES = (
    "sustained_flops",
    "memory_bytes_per_s",
    "memory_bytes",
    "active_power_w",
    "idle_power_w",
    "battery_j",
)


@cache
def known_classes() -> dict[str, dict[str, Any]]:
    """Read the classes of `sim/device/hardware.yaml`: name -> figures."""
    text = resources.files("sim.device").joinpath("hardware.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


class Hardware(Settings):
    """The figures of one kind of phone.

    The defaults of speed and power are assumptions for one mid-range CPU core and not taken from a
    measurement: a scoring then takes about a millisecond, which changes energy but hardly any
    waiting time. The battery is that of the class `mid`.
    """

    sustained_flops: float = Field(default=5e9, ge=1)
    """Sustained speed of the SRM, FLOP/s; `.inf` scores in no time."""
    memory_bytes_per_s: float = Field(default=math.inf, ge=1)
    """Sustained bandwidth of the memory; `.inf` reads weights in no time."""
    memory_bytes: float = Field(default=math.inf, ge=1)
    """Memory that a model may take; `.inf` sets no limit."""
    active_power_w: FiniteFloat = Field(default=1.5, ge=0)
    """Power above idle while the SRM runs."""
    idle_power_w: FiniteFloat = Field(default=0.0, ge=0)
    """Power of a phone in use, whatever the SRM and the radio do: screen and system. It is counted
    over the whole session, time in the background included, where another app has the screen."""
    battery_j: FiniteFloat = Field(default=55_440.0, gt=0)
    """Energy in a full battery."""

    def computing_s(self, flops: float, weight_bytes: float = 0.0) -> float:
        """Return the time of `flops` operations that read `weight_bytes` bytes of weights.

        The longer of computing and reading, which overlap: the roofline of Williams, Waterman and
        Patterson (CACM 52(4), 2009, p. 67), attainable FLOP/s = min(peak, bandwidth x intensity).
        """
        return max(flops / self.sustained_flops, weight_bytes / self.memory_bytes_per_s)


class HardwareClass(Hardware):
    """A class of phones, and how many of the fleet are of it."""

    kind: Annotated[str, Field(min_length=1)]
    """Name in `sim/device/hardware.yaml`; figures given beside it take precedence. Or a name of
    your own, with all figures."""
    share: Share
    """Part of the devices that are of this class; the shares of all classes add up to 1."""

    @model_validator(mode="before")
    @classmethod
    def _take_known_figures(cls, given: Any) -> Any:
        if not isinstance(given, dict) or not isinstance(given.get("kind"), str):
            return given
        known, kind = known_classes(), given["kind"]
        if kind in known:
            return {**known[kind], **given}
        missing = [name for name in FIGURES if name not in given]
        if missing:
            raise invalid(
                f"there is no hardware class {kind!r}; there are {', '.join(known)}, and classes "
                f"of your own, which also need {', '.join(missing)}",
                "kind",
            )
        return given
