"""Networks of constant speed: a named preset, figures of one's own, or a preset refined by them."""

from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any, Literal

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, FiniteFloat, model_validator

from sim.network.changing_links import changing_links
from sim.network.disturbances import Disturbance
from sim.network.latency import ConstantLatency, Jitter, JitteredFactors
from sim.network.links import Links
from sim.network.message import Direction
from sim.network.network import Network
from sim.network.preset_schema import figures_or_preset
from sim.network.regimes import OneRegime, Regime
from sim.radio.radio import Radio
from sim.radio.states import RadioStates
from workloads import draws
from workloads.settings import invalid, nearest

EXPLICIT = "explicit"
DEFAULT_PRESET = "4g"


@cache
def presets() -> dict[str, dict[str, Any]]:
    """Read the presets: name -> figures and their source."""
    text = resources.files("sim.network").joinpath("presets.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


class PresetNetwork(Network):
    """Latency plus size over bandwidth, for each device and way.

    Message time = (round-trip time / 2) x jitter + 8 x bytes / (bandwidth x the device's factor),
    bytes with the headers of packets; before it, where the radio sleeps, comes its promotion.
    Messages of one phone cross one after the other, each way: what was given up is in the way of
    what follows it.
    """

    model_config = ConfigDict(json_schema_extra=figures_or_preset)

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
                f"there is no network preset {name!r}; {nearest(str(name), known)}there are "
                f"{', '.join(known)}, and "
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
        for part in ("jitter", "loss", "framing"):
            if isinstance(given.get(part), dict):
                merged[part] = {**known[name].get(part, {}), **given[part]}
        return merged

    def links(
        self,
        seed: int,
        devices: int,
        steps: int,
        disturbances: Sequence[Disturbance] = (),
        classes: NDArray[np.str_] | None = None,  # noqa: ARG002
    ) -> Links:
        """Draw every device's bandwidth; latencies are drawn as messages come."""
        regime = self.regime(self.preset, seed, devices, steps)
        if disturbances:
            return changing_links([regime], OneRegime(), disturbances, self.framing, seed, devices)
        return Links(
            medium=ConstantSpeed(regime.bps),
            latency=regime.latency,
            radios=RadioStates((Radio.named(self.radio),), devices),
            framing=self.framing,
            loss=self.loss,
            seed=seed,
        )

    def regime(self, name: str, seed: int, devices: int, steps: int) -> Regime:
        """Return what links are like while devices are on this network.

        A device has the same draws in all regimes: where it is faster than others in one, so it is
        in the others.
        """
        sigma = self.bandwidth_spread
        factor = np.ones(devices)
        if sigma:
            normal = draws.standard_normal_table(seed, "network bandwidth", devices, 1)[:, 0]
            factor = np.exp(sigma * normal - sigma**2 / 2)
        return Regime(
            name=name,
            bps=(self.up_bps * factor, self.down_bps * factor),
            latency=ConstantLatency(self.rtt_s, JitteredFactors(self.jitter, seed, devices, steps)),
            loss=self.loss,
            radio=self.radio,
        )


class ConstantSpeed:
    """Links whose speed does not change and that nobody shares.

    Attributes:
        bps: up and down; float64, shape [devices] each.
    """

    in_order = False

    def __init__(self, bps: tuple[NDArray[np.float64], ...]) -> None:
        self.bps = bps

    def covered(self, device: int, time_s: float) -> bool:
        """Tell that there is always a network."""
        del device, time_s
        return True

    def end_s(self, direction: Direction, device: int, start_s: float, wire_bytes: int) -> float:
        """Return the start + 8 x bytes / bandwidth."""
        return start_s + 8 * wire_bytes / float(self.bps[direction][device])
