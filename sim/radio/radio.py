"""The power states of a phone's radio: promotion, transfer, tail."""

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray


@cache
def _figures() -> dict[str, Any]:
    text = resources.files("sim.radio").joinpath("radios.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def radio_names() -> tuple[str, ...]:
    """Return the names of the radios that `radios.yaml` describes."""
    return tuple(_figures())


@dataclass(frozen=True)
class Radio:
    """Power states of a radio (`radios.yaml` names the source).

    Attributes:
        promotion_s, promotion_w: from idle to active.
        tail: stages after a transfer, as (duration in s, power in W).
        alpha_up_w_per_mbps, alpha_down_w_per_mbps, beta_w: power of a transfer.
        name: in `radios.yaml`, if it is there.
    """

    promotion_s: float
    promotion_w: float
    tail: tuple[tuple[float, float], ...]
    alpha_up_w_per_mbps: float
    alpha_down_w_per_mbps: float
    beta_w: float
    name: str = ""

    @classmethod
    def named(cls, name: str) -> "Radio":
        """Read a radio from `radios.yaml`."""
        figures = _figures()[name]
        return cls(
            promotion_s=figures["promotion"]["duration_s"],
            promotion_w=figures["promotion"]["power_w"],
            tail=tuple((stage["duration_s"], stage["power_w"]) for stage in figures["tail"]),
            alpha_up_w_per_mbps=figures["alpha_up_w_per_mbps"],
            alpha_down_w_per_mbps=figures["alpha_down_w_per_mbps"],
            beta_w=figures["beta_w"],
            name=name,
        )

    @property
    def tail_s(self) -> float:
        """How long the radio stays powered after a transfer."""
        return sum(duration_s for duration_s, _ in self.tail)

    def tail_of_one_j(self, pause_s: float) -> float:
        """Return what `tail_j` does, to the last bit, of one pause: ten times as fast for it."""
        energy_j = stage_start_s = 0.0
        for duration_s, power_w in self.tail:
            energy_j += power_w * min(max(pause_s - stage_start_s, 0.0), duration_s)
            stage_start_s += duration_s
        return energy_j

    def tail_j(self, pause_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Energy of the tail in pauses of the given lengths (infinite: the whole tail)."""
        energy_j = np.zeros_like(pause_s)
        stage_start_s = 0.0
        for duration_s, power_w in self.tail:
            energy_j += power_w * np.minimum(np.maximum(pause_s - stage_start_s, 0.0), duration_s)
            stage_start_s += duration_s
        return energy_j
