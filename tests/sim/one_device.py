"""A world of one device that is small enough to follow by hand, and what delays nothing in it."""

import numpy as np
from random_world import make_world

from sim.cloud.batching.static import StaticBatching
from sim.cloud.service_time.fixed import FixedServiceTime
from sim.cloud.settings import CloudSettings
from sim.device.settings import DeviceSettings
from sim.network.preset import PresetNetwork

IDEAL = PresetNetwork.model_validate({"preset": "ideal"})
INSTANT = DeviceSettings(sustained_flops=float("inf"))


def one_device(*, policy, service_s=0.0, steps=4, think_s=10.0, **parts):
    """One device that starts at 0 and thinks the same time at every step; nothing else delays."""
    parts = {
        "network": IDEAL,
        "hardware": INSTANT,
        "cloud": CloudSettings(
            batching=StaticBatching(size=1, wait_s=0.0),
            service_time=FixedServiceTime(seconds=service_s),
        ),
        **parts,
    }
    return make_world(
        devices=1,
        users=1,
        steps=steps,
        policy=policy,
        start_spread_s=0.0,
        think_s=np.full((1, steps - 1), think_s),
        **parts,
    )
