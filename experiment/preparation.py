"""From a scenario to everything that its simulation reads: log, split, tables, sessions."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from experiment.adaptation import ModelTime, adaptation_of
from experiment.directories import Directories
from experiment.named_contents import file_hashes
from experiment.scenario import Scenario
from experiment.scenario_error import ScenarioError
from models import preparation as model_preparation
from models.errors import ModelError
from models.preparation import PreparedModels
from models.weights import ModelCard
from sim.cloud.batching.static import StaticBatching
from sim.cloud.service_time.fixed import FixedServiceTime
from sim.cloud.settings import CloudSettings
from sim.device.hardware import HardwareClass
from sim.device.settings import DeviceSettings
from sim.faults.settings import FaultSettings
from sim.network.preset import PresetNetwork
from sim.policies import Policy
from sim.policies.always import Always
from sim.retraining.adaptation import Adaptation
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
        adaptation: how the SRM's weights change along the run; None where they do not.
        model_time: how long models ran while worlds were simulated.
        file_hashes: what the files held that the scenario names, by key (`named_contents`).
        cache: the directory of the cache, which keeps what policies learn from the tables too.
    """

    scenario: Scenario
    log: InteractionLog
    split: Split
    sessions: Sessions
    models: PreparedModels
    adaptation: Adaptation | None
    model_time: ModelTime
    file_hashes: Mapping[str, str]
    cache: Path

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
            scoring_bytes=scoring_bytes(self.models.srm_card, len(self.log.catalogue), scenario),
            seed=scenario.seed,
            adaptation=self.adaptation,
            faults=scenario.faults,
        )

    def shared_with(self, scenario: Scenario) -> "Preparation":
        """Return what the simulation of another scenario with the same data and models reads.

        Raises:
            WorkloadError, ModelError, ScenarioError: as `prepare`.
        """
        return replace(
            self,
            scenario=scenario,
            sessions=_sessions(scenario, self.log, self.split),
            models=replace(self.models, cached=True, train_s=0.0, infer_s=0.0),
            file_hashes=file_hashes(scenario),
        )._ready()

    def _ready(self) -> "Preparation":
        """Return this with what adapts along its run, if its models fit its phones.

        Raises:
            ModelError: they do not, or the SRM cannot be re-trained as the scenario says.
        """
        _refuse_large_models(self.models.srm_card, self.scenario.devices)
        model_time = ModelTime()
        adaptation = adaptation_of(self.scenario.models, self.models, model_time)
        return replace(self, adaptation=adaptation, model_time=model_time)

    def ideal_world(self) -> World:
        """Return the world in which devices always ask, and no request takes any time."""
        world = self.world(Always())
        return replace(
            world,
            serving=world.serving.model_copy(update={"mode": "wait"}),
            network=PresetNetwork.model_validate({"preset": "ideal"}),
            hardware=world.hardware.ideal(),
            cloud=CloudSettings(
                queue_limit=world.devices,
                batching=StaticBatching(size=1),
                service_time=FixedServiceTime(seconds=0.0),
            ),
            faults=FaultSettings(),
        )


def prepare(scenario: Scenario, directories: Directories, progress: Progress) -> Preparation:
    """Load the data and make, or find in the cache, everything that comes from models.

    Raises:
        WorkloadError: the data set is missing or malformed, or no user can be a device.
        ModelError: the models do not fit the data.
        ScenarioError: the cache cannot be written, or a fault names a replica or a cell that there
            is not.
    """
    directories.make_cache()
    files = file_hashes(scenario)
    log = datasets.load(scenario.workload, directories.data, directories.cache, progress)
    split = splits.split(log, scenario.workload)
    # Before the models, so that what the log cannot give is said before anything trains.
    replay = _sessions(scenario, log, split)
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
        adaptation=None,
        model_time=ModelTime(),
        file_hashes=files,
        cache=directories.cache,
    )._ready()


def _sessions(scenario: Scenario, log: InteractionLog, split: Split) -> Sessions:
    """Return whom the devices replay.

    Raises:
        ScenarioError: a fault names a replica or a cell that there is not.
    """
    leaving_per_step = scenario.devices.leaving_per_step
    replay = sessions.sessions(log, split, scenario.workload, scenario.seed, leaving_per_step)
    unknown = scenario.unknown_replica(replay.devices) or scenario.unknown_cell(replay.devices)
    if unknown:
        raise ScenarioError(scenario.name, *unknown)
    return replay


def scoring_bytes(srm: ModelCard, items: int, scenario: Scenario) -> float:
    """Return how many bytes of weights a scoring of a list reads.

    All weights outside embedding tables, and of these the rows of the candidates and of the newest
    interaction. A table has a row for each of `items` items; those of positions count as if spread
    over them.
    """
    bytes_per_weight = srm.weights_bytes / srm.parameters
    rows = scenario.models.candidates.count + 1
    embedding_weights = srm.parameters - srm.non_embedding_parameters
    return bytes_per_weight * (srm.non_embedding_parameters + embedding_weights * rows / items)


def _refuse_large_models(srm: ModelCard, devices: DeviceSettings) -> None:
    """Refuse an SRM that does not fit the memory of some phone.

    Raises:
        ModelError: it does not.
    """
    for hardware in devices.hardware:
        if srm.weights_bytes > hardware.memory_bytes:
            kind = hardware.kind if isinstance(hardware, HardwareClass) else None
            on_phones = f" on phones of class {kind}" if kind else ""
            raise ModelError(
                f"the SRM's weights take {srm.weights_bytes} bytes, and a model may take "
                f"{hardware.memory_bytes:.0f}{on_phones}; accepted: at least what the weights take",
                key="devices.classes" if kind else "devices.memory_bytes",
            )
