"""Energy of a phone's radio: promotion, transfer, tail."""

from dataclasses import dataclass, fields
from importlib import resources
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray


def _figures() -> dict[str, Any]:
    text = resources.files("sim").joinpath("radios.yaml").read_text(encoding="utf-8")
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
    """

    promotion_s: float
    promotion_w: float
    tail: tuple[tuple[float, float], ...]
    alpha_up_w_per_mbps: float
    alpha_down_w_per_mbps: float
    beta_w: float

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
        )

    @property
    def tail_s(self) -> float:
        """How long the radio stays powered after a transfer."""
        return sum(duration_s for duration_s, _ in self.tail)

    def tail_j(self, pause_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Energy of the tail in a pause of the given length (infinite: the whole tail)."""
        energy_j = np.zeros_like(pause_s)
        stage_start_s = 0.0
        for duration_s, power_w in self.tail:
            energy_j += power_w * np.clip(pause_s - stage_start_s, 0.0, duration_s)
            stage_start_s += duration_s
        return energy_j


@dataclass(frozen=True)
class Transfers:
    """Messages of many devices; arrays with one entry each, in any order.

    Attributes:
        device: int; whose radio.
        start_s, end_s: float64; when its bytes cross the link.
        up_bytes, down_bytes: int; one of them is 0.
    """

    device: NDArray[np.integer]
    start_s: NDArray[np.float64]
    end_s: NDArray[np.float64]
    up_bytes: NDArray[np.integer]
    down_bytes: NDArray[np.integer]

    def __add__(self, other: "Transfers") -> "Transfers":
        """Return the messages of both."""
        return Transfers(
            *(
                np.concatenate((getattr(self, part.name), getattr(other, part.name)))
                for part in fields(self)
            )
        )


def radio_energy_j(radio: Radio, transfers: Transfers) -> dict[str, float]:
    """Return what the transfers cost, by state: `promotion`, `transfer` and `tail`.

    A transfer that starts inside another's tail needs no promotion and cuts that tail short. With
    power = alpha x Mbit/s + beta, the energy of a transfer is alpha x Mbit + beta x duration; while
    several overlap, as a reply does a push of parameters, beta is paid once.
    """
    order = np.lexsort((transfers.start_s, transfers.device))
    device, start_s = transfers.device[order], transfers.start_s[order]
    same_device = device[1:] == device[:-1]
    busy_until_s = _busy_until_s(device, transfers.end_s[order])
    pause_s = np.full(len(order), np.inf)
    pause_s[:-1][same_device] = np.maximum(start_s[1:] - busy_until_s[:-1], 0.0)[same_device]
    begin_s = start_s.copy()
    begin_s[1:][same_device] = np.maximum(start_s[1:], busy_until_s[:-1])[same_device]
    promotions = int((pause_s > radio.tail_s).sum()) if radio.tail else len(order)
    megabits_up = 8e-6 * float(transfers.up_bytes.sum())
    megabits_down = 8e-6 * float(transfers.down_bytes.sum())
    return {
        "promotion": promotions * radio.promotion_s * radio.promotion_w,
        "transfer": radio.alpha_up_w_per_mbps * megabits_up
        + radio.alpha_down_w_per_mbps * megabits_down
        + radio.beta_w * float((busy_until_s - begin_s).sum()),
        "tail": float(radio.tail_j(pause_s).sum()),
    }


def _busy_until_s(device: NDArray[np.integer], end_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the latest end of each transfer and those before it, of devices in ascending order."""
    by_end = np.argsort(end_s, kind="stable")
    place = np.empty(len(end_s), np.int64)
    place[by_end] = np.arange(len(end_s))
    # The places of a later device all lie above those of an earlier one, so no maximum crosses.
    latest = np.maximum.accumulate(device.astype(np.int64) * len(end_s) + place)
    return np.asarray(end_s[by_end][latest % max(1, len(end_s))])
