"""From a scenario to everything that its simulation reads: log, split, tables, sessions."""

from dataclasses import dataclass

import numpy as np

from experiment.directories import Directories
from experiment.scenario import Scenario
from models import preparation as model_preparation
from models.preparation import PreparedModels
from sim.policies import Policy
from sim.world import World
from workloads import datasets, sessions, splits
from workloads.interaction_log import InteractionLog
from workloads.progress import Progress
from workloads.sessions import Sessions
from workloads.splits import Split


@dataclass(frozen=True)
class Preparation:
    """What the simulation of one scenario reads.

    Attributes:
        scenario: the scenario.
        log: its interactions.
        split: which of them train, calibrate and are replayed.
        sessions: which device replays whom, and when.
        models: outcome tables and model cards.
    """

    scenario: Scenario
    log: InteractionLog
    split: Split
    sessions: Sessions
    models: PreparedModels

    def world(self, policy: Policy) -> World:
        """Return the scenario's world under a policy."""
        scenario = self.scenario
        replay_start = self.split.replay_start[self.split.device_users]
        return World(
            table=self.models.outcomes.table(scenario.models.fusion),
            sessions=self.sessions,
            context_interactions=np.minimum(replay_start, scenario.workload.history),
            policy=policy,
            serving=scenario.serving,
            network=scenario.network,
            hardware=scenario.devices,
            cloud=scenario.cloud,
            scoring_flops=self.models.srm_card.flops_per_step,
            seed=scenario.seed,
        )


def prepare(scenario: Scenario, directories: Directories, progress: Progress) -> Preparation:
    """Load the data and make, or find in the cache, everything that comes from models.

    Raises:
        WorkloadError: the data set is missing or malformed, or no user can be a device.
        ModelError: the models do not fit the data.
        ScenarioError: the cache cannot be written.
    """
    directories.make_cache()
    log = datasets.load(scenario.workload, directories.data, directories.cache, progress)
    split = splits.split(log, scenario.workload)
    # Before the models, so that what the log cannot give is said before anything trains.
    replay = sessions.sessions(log, split, scenario.workload, scenario.seed)
    models = model_preparation.prepare(
        log,
        split,
        scenario.workload.history,
        scenario.serving.first_list_age_steps,
        scenario.models,
        directories.cache,
        progress,
    )
    return Preparation(
        scenario=scenario,
        log=log,
        split=split,
        sessions=replay,
        models=models,
    )
