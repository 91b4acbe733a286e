"""The world in which a policy is calibrated: some of the users, at the scenario's load."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from experiment.preparation import Preparation
from sim.network import Network
from sim.network.cell import CellNetwork
from sim.policies import Policy
from sim.world import World
from workloads import sessions

MOST_DEVICES = 2000


def calibrating_world(
    preparation: Preparation, world: World, users: NDArray[np.int64], policy: Policy
) -> World:
    """Return a world like another, in which devices replay only some of the users.

    It has as many devices, resampling the users, but at most 2,000. Replicas and cells are then
    fewer in proportion, so that each serves as many devices as in the scenario; where even one
    replica is one for more than 2,000 devices, it is less loaded. Crashes of replicas that are gone
    are left out; autoscaling keeps its bounds.

    Args:
        preparation: of the scenario.
        world: the scenario's.
        users: int64: positions of the users.
        policy: that all devices follow.
    """
    devices, replicas = _scaled(world.devices, world.replicas)
    workload = preparation.scenario.workload.model_copy(update={"devices": devices})
    drawn = sessions.sessions(
        preparation.log,
        preparation.split,
        workload,
        world.seed,
        world.hardware.leaving_per_step,
        among=users,
    )
    smaller = replace(world, sessions=drawn, policy=policy, assigned=None)
    if devices == world.devices:
        return smaller
    kept = tuple(crash for crash in world.faults.crashes if crash.replica < replicas)
    return replace(
        smaller,
        cloud=world.cloud.model_copy(update={"replicas": replicas, "devices_per_replica": None}),
        network=_with_fewer_cells(world.network, devices / world.devices),
        faults=world.faults.model_copy(update={"crashes": kept}),
    )


def _scaled(devices: int, replicas: int) -> tuple[int, int]:
    """Return fewer devices and replicas, the former at most 2,000, in the same proportion."""
    if devices <= MOST_DEVICES:
        return devices, replicas
    each = devices / replicas
    kept = max(int(MOST_DEVICES / each), 1)
    return min(round(kept * each), MOST_DEVICES), kept


def _with_fewer_cells(network: Network, share: float) -> Network:
    if not isinstance(network, CellNetwork) or network.devices_per_cell is not None:
        return network
    return network.model_copy(update={"cells": max(round(network.cells * share), 1)})
