"""Outages: for a while the whole cloud takes no requests."""

from typing import Literal

from sim.faults.window import Window


class Outage(Window):
    """The cloud takes nothing that arrives while it lasts.

    An attempt that arrives at the very start meets the outage; one at the very end does not.
    """

    behaviour: Literal["refuse", "silent"] = "refuse"
    """`refuse`: what arrives is answered with a failure at once. `silent`: it vanishes, and the
    device learns of it by its timeout."""
    work: Literal["lost", "kept"] = "lost"
    """What had been accepted before. `lost`: what waits and what is worked on ends at the start of
    the outage, as `behaviour` says. `kept`: only the way in is closed, and it is served."""
