"""What it costs a phone to wake its radio for a request."""

import math
from typing import NamedTuple

from sim.network.links import Links
from sim.radio.meter import RadioMeter, Spent


class WakeEnergy(NamedTuple):
    """What waking its radio would cost one device, asked at its decisions in turn."""

    links: Links
    meter: RadioMeter
    device: int

    def at(self, time_s: float) -> float:
        """Return `wake_energy_j` at a time, not before that of the last call."""
        spent = self.meter.spent(self.device, time_s)
        return wake_energy_j(self.links, self.device, time_s, spent)


def wake_energy_j(links: Links, device: int, time_s: float, spent: Spent | None) -> float:
    """Return the energy of promotion and tail that a transfer at `time_s` adds, its bytes left out.

    A radio that sleeps is promoted and has a whole tail after the transfer. One in its tail is
    there at once, and as the tail begins anew, what has passed of it is what is added. Figures of
    the states: `sim/radio/radios.yaml`.

    Args:
        links: of the fleet.
        device: whose.
        time_s: when.
        spent: what crossings of the device that are over cost; None where there were none.

    Returns:
        Joules; infinite without coverage.
    """
    if not links.covered(device, time_s):
        return math.inf
    position = 0
    if links.conditions is not None:
        stretch = links.conditions.covered_stretch(device, time_s)
        if stretch is None or stretch.start_s > time_s:
            return math.inf
        position = stretch.radio
    radio = links.radios.radios[position]
    if spent is not None and spent.radio is radio:
        pause_s = max(time_s - spent.busy_until_s, 0.0)
        if pause_s <= radio.tail_s:
            return radio.tail_of_one_j(pause_s)
    return radio.promotion_s * radio.promotion_w + radio.tail_of_one_j(math.inf)
