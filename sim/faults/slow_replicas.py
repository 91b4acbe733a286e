"""Slow replicas: for a while a replica's work takes longer."""

from pydantic import Field, FiniteFloat

from sim.faults.window import Window


class SlowReplica(Window):
    """One replica needs `factor` times as long, also for what it is just working on.

    Windows that overlap multiply.
    """

    replica: int = Field(default=0, ge=0)
    """Which replica, from 0."""
    factor: FiniteFloat = Field(default=2.0, ge=1)
    """How many times as long its work takes."""
