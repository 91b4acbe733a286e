"""Devices, what they replay, and forced list ages as pandas frames of the output files."""

import numpy as np
import pandas as pd

from experiment.columns import categories, places, ranks
from experiment.preparation import Preparation
from sim.device.hardware import HardwareClass
from sim.world import World


def devices_frame(preparation: Preparation, world: World) -> pd.DataFrame:
    """Return a row for each device: whom it replays, when, and what it belongs to.

    `class` is null where there are no hardware classes, `cell` where the network has no cells, and
    `region` where all devices are of one region.
    """
    kinds = [each.kind for each in world.phones.hardware if isinstance(each, HardwareClass)]
    kind = world.phones.position if kinds else np.full(world.devices, -1)
    cell = world.network.cell_of(world.seed, world.devices)
    region = world.faults.region(world.seed, world.devices) if world.faults.regions > 1 else None
    log_user = preparation.split.device_users[world.sessions.user]
    return pd.DataFrame(
        {
            "device": np.arange(world.devices, dtype=np.int32),
            "user": log_user.astype(np.int32),
            "steps": world.sessions.steps.astype(np.int16),
            "start_s": world.sessions.start_s,
            "class": categories(kind, kinds),
            "cell": places(cell, world.devices),
            "region": places(region, world.devices),
        }
    )


def freshness_frame(preparation: Preparation) -> pd.DataFrame:
    """Return every cell with a forced list age, of the users that the run replays, each once."""
    outcomes = preparation.models.outcomes
    users = np.unique(preparation.sessions.user)
    valid = outcomes.freshness_valid[users]
    position, age, step = np.nonzero(valid)
    rank = outcomes.freshness_rank(preparation.scenario.models.fusion)[users][valid]
    return pd.DataFrame(
        {
            "user": preparation.split.device_users[users[position]].astype(np.int32),
            "step": step.astype(np.int16),
            "age_steps": outcomes.freshness_ages[age].astype(np.int16),
            "consistency": outcomes.freshness_consistency[users][valid],
            "rank": ranks(rank),
        }
    )


def replay_frame(preparation: Preparation) -> pd.DataFrame:
    """Return a row for each user that the run replays and each step: what was taken, and by whom.

    `item` is a position in the catalogue, `item_count` how often it was taken in the part of the
    log that trains, and `history_interactions` how many interactions the user had before the step.
    """
    log, split = preparation.log, preparation.split
    user = split.device_users[np.unique(preparation.sessions.user)]
    step = np.arange(split.replay_steps)
    before = split.replay_start[user][:, None] + step
    item = log.items[log.offsets[user][:, None] + before].ravel()
    # Where in its user's history each logged interaction is.
    place = np.arange(log.interactions) - np.repeat(log.offsets[:-1], log.lengths)
    trains = place < np.repeat(split.train_stop, log.lengths)
    count = np.bincount(log.items[trains], minlength=len(log.catalogue))
    return pd.DataFrame(
        {
            "user": np.repeat(user.astype(np.int32), len(step)),
            "step": np.tile(step.astype(np.int16), len(user)),
            "item": item.astype(np.int32),
            "item_count": count[item].astype(np.int32),
            "history_interactions": before.ravel().astype(np.int32),
        }
    )
