"""The predicted gain of a fresh list as a signal of the outcome table."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from experiment.calibration.halves import part_of_users
from experiment.preparation import Preparation
from models.kept_gains import kept_gain
from models.outcomes import FusedTable
from models.request_gain import Known
from sim.policies.learned import PREDICTED
from sim.world import World


def with_predicted_gain(
    preparation: Preparation, world: World, users: NDArray[np.int64], parts: int
) -> FusedTable:
    """Return the outcome table with the signal `predicted_gain`, learned from other users.

    Args:
        preparation: of the scenario.
        world: the scenario's.
        users: int64: positions of the users who teach and for whom gains are predicted.
        parts: into how many parts they fall; for each part what the others teach is predicted.
    """
    scenario, models = preparation.scenario, preparation.models
    outcomes = models.outcomes
    part = np.full(len(preparation.split.device_users), -1)
    part[users] = part_of_users(scenario.models.seed, len(users), parts)
    known = Known(world.context_interactions, scenario.serving.first_list_age_steps)
    gain = kept_gain(
        preparation.cache, outcomes, models.store_hash, scenario.models.fusion, part, known
    )
    table = outcomes.table(scenario.models.fusion)
    when_new = np.zeros(table.fresh_consistency.shape, np.float32)
    return replace(
        table,
        signals={**table.signals, PREDICTED: gain},
        fresh_signals={**table.fresh_signals, PREDICTED: when_new},
    )
