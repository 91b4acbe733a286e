"""Links whose speed, latency, loss and radio change with the regime."""

from collections.abc import Sequence

from sim.network.disturbances import Disturbance, Disturbances
from sim.network.framing import Framing
from sim.network.links import Links
from sim.network.message import Direction, Message
from sim.network.regimes import Regime, RegimeChanges, Regimes
from sim.radio.radio import Radio
from sim.radio.states import RadioStates


class ChangingSpeed:
    """Links whose speed is constant in each stretch, and that nobody shares.

    Args:
        regimes: the stretches and their speeds.
    """

    in_order = False

    def __init__(self, regimes: Regimes) -> None:
        self._regimes = regimes

    def covered(self, device: int, time_s: float) -> bool:
        """Tell whether the device is in a regime with coverage, and no disturbance takes it."""
        return self._regimes.stretch(device, time_s).covered

    def end_s(self, direction: Direction, device: int, start_s: float, wire_bytes: float) -> float:
        """Return the start + 8 x bytes / bandwidth, if the stretch lasts as long."""
        return start_s + 8 * wire_bytes / self._bps(direction, device, start_s)

    def crossed_bytes(
        self, direction: Direction, device: int, start_s: float, end_s: float
    ) -> float:
        """Return bandwidth x time / 8, of one stretch."""
        return self._bps(direction, device, start_s) * (end_s - start_s) / 8

    def _bps(self, direction: Direction, device: int, time_s: float) -> float:
        stretch = self._regimes.stretch(device, time_s)
        bps = float(self._regimes.regimes[stretch.regime].bps[direction][device])
        return bps * stretch.bandwidth_factor


class ChangingLatency:
    """The latency of the regime at the time of sending, and what disturbances add.

    Without coverage at that time it is that of the regime in which coverage comes back.

    Args:
        regimes: the stretches and their latencies.
    """

    def __init__(self, regimes: Regimes) -> None:
        self._regimes = regimes

    def one_way_s(self, direction: Direction, message: Message, time_s: float) -> float:
        """Return the latency of a message sent at `time_s`; 0 where it never crosses."""
        stretch = self._regimes.covered_stretch(message.device, time_s)
        if stretch is None:
            return 0.0
        latency = self._regimes.regimes[stretch.regime].latency
        return latency.one_way_s(direction, message, time_s) + stretch.extra_latency_s


def changing_links(
    regimes: Sequence[Regime],
    changes: RegimeChanges,
    disturbances: Sequence[Disturbance],
    framing: Framing,
    seed: int,
    devices: int,
) -> Links:
    """Make the links of a fleet that goes from regime to regime.

    Args:
        regimes: those that have coverage.
        changes: from one to another.
        disturbances: what makes links worse for a while.
        framing: packets, the same in all regimes.
        seed: of the draws of losses.
        devices: number of devices.
    """
    conditions = Regimes(regimes, changes, Disturbances(disturbances, devices))
    most_lossy = max((regime.loss for regime in regimes), key=lambda loss: loss.probability)
    return Links(
        medium=ChangingSpeed(conditions),
        latency=ChangingLatency(conditions),
        radios=RadioStates([Radio.named(name) for name in conditions.radios], devices),
        framing=framing,
        loss=most_lossy,
        seed=seed,
        conditions=conditions,
    )
