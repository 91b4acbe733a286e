"""The predicted gain of a fresh list as a signal of the outcome table."""

from dataclasses import replace

import numpy as np

from experiment.calibration.halves import half_of_users
from experiment.preparation import Preparation
from models.errors import ModelError
from models.outcomes import FusedTable
from models.request_gain import Known, predicted_gain
from sim.world import World


def with_predicted_gain(preparation: Preparation, world: World) -> FusedTable:
    """Return the outcome table with the signal `predicted_gain`, learned from the other half.

    Raises:
        ModelError: weights change along the run, so that no table knows what would be predicted.
    """
    scenario, models = preparation.scenario, preparation.models
    if preparation.adaptation is not None:
        raise ModelError(
            "is predicted for the shipped SRM, which this run re-trains; accepted with "
            "models.adaptation {kind: none}",
            key="policy",
        )
    outcomes = models.outcomes
    half = half_of_users(scenario.models.seed, len(preparation.split.device_users))
    known = Known(world.context_interactions, scenario.serving.first_list_age_steps)
    gain = predicted_gain(outcomes, scenario.models.fusion, half, known)
    table = outcomes.table(scenario.models.fusion)
    when_new = np.zeros(table.fresh_consistency.shape, np.float32)
    return replace(
        table,
        signals={**table.signals, "predicted_gain": gain},
        fresh_signals={**table.fresh_signals, "predicted_gain": when_new},
    )
