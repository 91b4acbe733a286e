"""The world in which devices ask when hindsight says that they should have."""

from dataclasses import replace

import numpy as np

from sim.policies.assignment import PolicyAssignment
from sim.policies.hindsight import HindsightBound
from sim.policies.hindsight_plan import HindsightPlanner
from sim.policies.schedule import Schedule
from sim.world import World


def in_hindsight(bound: HindsightBound, world: World) -> tuple[World, float]:
    """Return a world whose devices follow the best plan, and the price of a request in it.

    The plan counts on lists that arrive at once: for the step that asked where the serving mode is
    `wait`, for the next one where it is `stale`.
    """
    sessions = world.sessions
    delay_steps = 0 if world.serving.mode == "wait" else 1
    best = HindsightPlanner(
        world.table, sessions.user, sessions.steps, world.first_row, delay_steps
    )
    if bound.target_frequency is None:
        price = float(bound.own)
        requests = best.plan(price)
    else:
        plan = best.plan_of_frequency(bound.target_frequency)
        price, requests = plan.price, plan.requests
    plans, of_device = np.unique(requests, axis=0, return_inverse=True)
    schedules = tuple(Schedule(steps=tuple(np.flatnonzero(each).tolist())) for each in plans)
    assigned = PolicyAssignment(schedules, of_device.reshape(-1).astype(np.int64))
    return replace(world, assigned=assigned), price
