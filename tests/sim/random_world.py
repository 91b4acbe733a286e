"""A small random outcome table, so that the simulation is tested without any model."""

from dataclasses import dataclass

import numpy as np

from sim.client.settings import ServingSettings
from sim.cloud.batching.static import StaticBatching
from sim.cloud.service_time.fixed import FixedServiceTime
from sim.cloud.settings import CloudSettings
from sim.device.settings import DeviceSettings
from sim.network.preset import PresetNetwork
from sim.outcome_table import SIGNALS
from sim.policies.never import Never
from sim.world import World
from workloads import draws
from workloads.sessions import Sessions


@dataclass(frozen=True)
class RandomTable:
    """An outcome table of random ranks and signals."""

    steps: int
    candidate_count: int
    cell_offset: np.ndarray
    consistency: np.ndarray
    fresh_consistency: np.ndarray
    rank: np.ndarray
    signals: dict
    fresh_signals: dict

    @classmethod
    def make(cls, users, steps, candidate_count=50, seed=7):
        generator = np.random.default_rng(seed)
        lengths = [steps - s for s in range(steps)] + [steps, steps]
        starts = np.concatenate(([0], np.cumsum(lengths)[:-1]))
        offset = starts - np.concatenate((np.arange(steps), [0, 0]))
        cells = int(sum(lengths))
        consistency = generator.random((users, cells), dtype=np.float32)
        fresh_consistency = generator.random((users, steps + 2), dtype=np.float32)
        rank = generator.integers(0, candidate_count + 1, (users, cells)).astype(np.uint8)
        signals = {"footrule": consistency}
        fresh_signals = {"footrule": fresh_consistency}
        others = set(SIGNALS) - {"footrule", "invalid_candidates"}
        for name in (*sorted(others), "predicted_gain"):
            signals[name] = generator.random((users, cells), dtype=np.float32)
            fresh_signals[name] = generator.random((users, steps + 2), dtype=np.float32)
        invalid = generator.integers(0, 4, (users, steps + 2)).astype(np.float32)
        fresh_signals["invalid_candidates"] = invalid
        signals["invalid_candidates"] = np.repeat(invalid, lengths, axis=1)
        return cls(
            steps=steps,
            candidate_count=candidate_count,
            cell_offset=offset,
            consistency=consistency,
            fresh_consistency=fresh_consistency,
            rank=rank,
            signals=signals,
            fresh_signals=fresh_signals,
        )

    def signal(self, name):
        return self.signals[name]

    def fresh_signal(self, name):
        return self.fresh_signals[name]


def make_world(
    *,
    devices=200,
    users=60,
    steps=12,
    seed=0,
    policy=None,
    start_spread_s=300.0,
    start_s=None,
    think_s=None,
    context_interactions=40,
    lived_steps=None,
    **parts,
):
    """Make a world of random outcomes; `parts` replaces its settings by name."""
    settings = {
        "serving": ServingSettings(),
        "network": PresetNetwork.model_validate({"preset": "3g"}),
        "hardware": DeviceSettings(),
        "cloud": CloudSettings(
            replicas=2,
            batching=StaticBatching(size=4, wait_s=0.05),
            service_time=FixedServiceTime(seconds=0.4),
        ),
        "scoring_flops": 7e6,
        **parts,
    }
    if start_s is None:
        start_s = start_spread_s * draws.uniform(seed, "start", 0, devices)
    if think_s is None:
        normal = draws.standard_normal_table(seed, "think", devices, steps - 1)
        think_s = 20 * np.exp(normal)
    return World(
        table=RandomTable.make(users, steps),
        sessions=Sessions(
            user=np.arange(devices, dtype=np.int64) % users,
            start_s=start_s,
            think_s=think_s,
            steps=np.full(devices, steps) if lived_steps is None else np.asarray(lived_steps),
        ),
        context_interactions=np.full(users, context_interactions, dtype=np.int64),
        policy=policy or Never(),
        seed=seed,
        **settings,
    )
