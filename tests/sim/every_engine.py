"""Runs a world by every engine that knows it, and checks that all leave the same."""

import dataclasses

import numpy as np
from equal_records import assert_equal_records

from sim.compiled import scope
from sim.compiled.simulation import simulate_compiled
from sim.engine import simulate_events


def simulate(world):
    """Run a world event by event, and through the compiled loop if that knows all of it."""
    events = simulate_events(world, world.make_links())
    if scope.knows(world):
        assert_equal_results(simulate_compiled(world, world.make_links()), events)
    return events


def assert_equal_results(compiled, events):
    """Compare everything but the number of events."""
    assert_equal_records(compiled, events)
    for part in ("interactions", "requests"):
        for name, column in vars(getattr(events, part)).items():
            assert getattr(getattr(compiled, part), name).dtype == column.dtype, name
    assert compiled.network == events.network
    for field in dataclasses.fields(compiled.cloud):
        ours, theirs = getattr(compiled.cloud, field.name), getattr(events.cloud, field.name)
        if field.name != "load":
            np.testing.assert_equal(ours, theirs, err_msg=field.name)
    for name, times_s in vars(events.cloud.load).items():
        np.testing.assert_equal(getattr(compiled.cloud.load, name), times_s, err_msg=name)
