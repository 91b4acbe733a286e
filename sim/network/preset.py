"""Networks of constant speed: a named preset, figures of one's own, or a preset refined by them."""

from importlib import resources
from typing import Any, Literal, Self

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import Field, FiniteFloat, model_validator
from simpy import Event

from sim.clock import Clock
from sim.network.network import Direction, Message, Network
from workloads import draws
from workloads.settings import Settings, invalid

EXPLICIT = "explicit"
DEFAULT_PRESET = "4g"


def presets() -> dict[str, dict[str, Any]]:
    """Read the presets: name -> figures and their source."""
    text = resources.files("sim.network").joinpath("presets.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


class Jitter(Settings):
    """Random variation of the one-way latency from message to message."""

    distribution: Literal["none", "lognormal"] = "none"
    """`lognormal` keeps the mean: latency x exp(sigma z - sigma^2 / 2), z standard normal."""
    sigma: FiniteFloat = Field(default=0.0, ge=0)
    """Standard deviation of the logarithm: above 0 with `lognormal`, 0 with `none`."""

    @model_validator(mode="after")
    def _sigma_belongs_to_lognormal(self) -> Self:
        if (self.distribution == "lognormal") != (self.sigma > 0):
            raise invalid(
                f"is {self.sigma:g} with distribution {self.distribution}; must be above 0 with "
                "lognormal, and 0 with none",
                "sigma",
            )
        return self


class PresetNetwork(Network):
    """Latency plus size over bandwidth, for each device and way.

    Message time = (round-trip time / 2) x jitter + 8 x bytes / (bandwidth x the device's factor).
    """

    kind: Literal["preset"] = "preset"
    preset: str = DEFAULT_PRESET
    """Name in `sim/network/presets.yaml`; figures given beside it take precedence. `explicit`, or
    figures without a preset, takes nothing from a preset."""
    source: str = ""
    """Where the figures come from."""
    down_bps: float = Field(ge=1)
    """Bandwidth towards the device, bit/s; `.inf` takes no time."""
    up_bps: float = Field(ge=1)
    """Bandwidth towards the cloud, bit/s; `.inf` takes no time."""
    rtt_s: FiniteFloat = Field(ge=0)
    """Round-trip time without load, s; half of it each way."""
    jitter: Jitter = Jitter()
    """Variation of the latency between messages."""
    bandwidth_spread: FiniteFloat = Field(default=0.0, ge=0)
    """Sigma of a lognormal factor with mean 1 on each device's bandwidth."""

    @model_validator(mode="before")
    @classmethod
    def _merge_preset(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        figures = {"down_bps", "up_bps", "rtt_s"}
        name = given.get("preset", EXPLICIT if figures & set(given) else DEFAULT_PRESET)
        known = presets()
        if name == EXPLICIT:
            return {**given, "preset": EXPLICIT}
        if name not in known:
            raise invalid(
                f"there is no network preset {name!r}; there are {', '.join(known)}, and "
                f"{EXPLICIT} with figures of your own",
                "preset",
            )
        other = next((key for key in known if known[key]["source"] == given.get("source")), name)
        if other != name:
            raise invalid(
                f"is {name}, but the figures beside it are those of {other}, written out; "
                f"replace the whole section by {{preset: {name}}}",
                "preset",
            )
        merged = {**known[name], **given, "preset": name}
        if isinstance(given.get("jitter"), dict):
            merged["jitter"] = {**known[name]["jitter"], **given["jitter"]}
        return merged

    def links(self, seed: int, devices: int, steps: int) -> "ConstantLinks":
        """Draw every device's bandwidth and every message's latency."""
        sigma = self.bandwidth_spread
        factor = np.ones(devices)
        if sigma:
            normal = draws.standard_normal_table(seed, "network bandwidth", devices, 1)[:, 0]
            factor = np.exp(sigma * normal - sigma**2 / 2)
        latency_s = tuple(
            self._latencies_s(seed, direction, devices, steps) for direction in Direction
        )
        return ConstantLinks(
            bps=(self.up_bps * factor, self.down_bps * factor), latency_s=latency_s
        )

    def _latencies_s(
        self, seed: int, direction: Direction, devices: int, steps: int
    ) -> NDArray[np.float64]:
        half_s, sigma = self.rtt_s / 2, self.jitter.sigma
        if sigma == 0 or half_s == 0:
            return np.broadcast_to(half_s, (devices, steps))
        purpose = f"network latency {direction.name.lower()}"
        normal = draws.standard_normal_table(seed, purpose, devices, steps)
        return half_s * np.exp(sigma * normal - sigma**2 / 2)


class ConstantLinks:
    """Links whose speed does not change and that nobody shares.

    Args:
        bps: up and down; float64, shape [devices] each.
        latency_s: up and down; float64, shape [devices, steps] each.
    """

    def __init__(
        self, bps: tuple[NDArray[np.float64], ...], latency_s: tuple[NDArray[np.float64], ...]
    ) -> None:
        self._bps = bps
        self._latency_s = latency_s

    def carry(self, clock: Clock, direction: Direction, message: Message, size_bytes: int) -> Event:
        """Send a message now; the event is its last byte's arrival."""
        delay_s = self.delay_s(direction, message.device, message.step, size_bytes)
        return clock.at(clock.now + delay_s, value=message)

    def delay_s(self, direction: Direction, device: int, step: int, size_bytes: int) -> float:
        """Time from sending to the arrival of the last byte."""
        latency_s = float(self._latency_s[direction][device, step])
        return latency_s + 8 * size_bytes / float(self._bps[direction][device])

    def transfers_s(
        self, direction: Direction, device: NDArray[np.integer], size_bytes: NDArray[np.integer]
    ) -> NDArray[np.float64]:
        """Time of each message's bytes at its link's speed; 0 at infinite speed."""
        return np.asarray(8 * size_bytes / self._bps[direction][device])
