"""The phones' hardware: what one scoring of the list by the SRM takes."""

from pydantic import Field, FiniteFloat

from workloads.settings import Settings


class DeviceSettings(Settings):
    """Compute speed and power of a phone.

    The defaults are assumptions for one mid-range CPU core and not taken from a measurement: a
    scoring then takes about a millisecond, which changes energy but hardly any waiting time.
    """

    sustained_flops: float = Field(default=5e9, ge=1)
    """Sustained speed of the SRM, FLOP/s; `.inf` scores in no time."""
    active_power_w: FiniteFloat = Field(default=1.5, ge=0)
    """Power above idle while the SRM runs."""

    def scoring_s(self, flops: float) -> float:
        """Time of one scoring of a candidate list that takes `flops` operations."""
        return flops / self.sustained_flops
