"""Losses of coverage: for a while devices have no network at all."""

from sim.faults.link_fault import LinkFault


class CoverageLoss(LinkFault):
    """No byte crosses the links while it lasts; what is crossing goes on when it is over."""
