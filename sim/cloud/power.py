"""The power that a replica of the cloud draws."""

from pydantic import Field, FiniteFloat

from workloads.settings import Settings


class PowerSettings(Settings):
    """Power of one replica: its accelerator's, without host, network and cooling."""

    busy_w: FiniteFloat | None = Field(default=None, ge=0)
    """While it works, W. null: the board power of the accelerator that the service time names, an
    upper bound; where it names none, the cloud's energy is not told."""
    idle_share: FiniteFloat = Field(default=0.2, ge=0, le=1)
    """Share of it while it is switched on and does not work: also while it starts up or is down. An
    assumption: datacentre accelerators with weights in memory idle at a tenth to a quarter."""
