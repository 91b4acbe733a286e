"""Degradations: for a while links are slower, or messages take longer."""

from pydantic import Field, FiniteFloat

from sim.faults.link_fault import LinkFault
from sim.network.disturbances import LEAST_FACTOR


class Degradation(LinkFault):
    """Links with less bandwidth and more latency than usual.

    Of windows that overlap, factors multiply, down to a millionth, and round-trip times add up.
    """

    bandwidth_factor: FiniteFloat = Field(default=1.0, ge=LEAST_FACTOR, le=1)
    """Factor of the bandwidth, both ways, at least a millionth; `coverage_losses` take all of
    it."""
    extra_rtt_s: FiniteFloat = Field(default=0.0, ge=0)
    """Added to the round-trip time, half of it each way."""
