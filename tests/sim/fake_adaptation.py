"""Re-training without models: what a version would show is a hash of what it was made of."""

import hashlib
from dataclasses import dataclass

import numpy as np

from sim.outcome_table import SIGNALS
from sim.retraining.adaptation import FromCloudAdaptation, OnDeviceAdaptation


@dataclass(frozen=True)
class FakeOutcome:
    """What came of a world."""

    consistency: np.ndarray
    rank: np.ndarray
    srm_rank: np.ndarray


class FakeModels:
    """Signals and ranks that depend on every argument and on all that was told before."""

    def __init__(self, users, steps, flops=0.0):
        self.users = users
        self.steps = steps
        self.flops = flops
        self.begun = []
        self.snapshots = []
        self.made_of = {}

    def begin(self, device, version, step, row):
        assert version == 1 or (device, version - 1) in self.made_of
        self.begun.append((device, version, step, row))
        before = self.made_of.get((device, version - 1), "")
        self.made_of[device, version] = f"{before} {step} {row}"

    def retrain(self, known_step):
        version = len(self.snapshots) + 1
        self.snapshots.append(known_step)
        before = self.made_of.get((0, version - 1), "")
        for device in range(len(self.users)):
            self.made_of[device, version] = f"{before} {known_step.tolist()}"
        return self.flops * version

    def signal(self, name, device, version, row):
        assert name in (*SIGNALS, "predicted_gain")
        return self._draws(name, device, version, row).random(self.steps, np.float32)

    def outcome(self, version, held_row, shown_row):
        shape = version.shape
        consistency = np.zeros(shape, np.float32)
        rank = np.zeros(shape, np.int64)
        for device, step in np.ndindex(shape):
            of_device = device, int(version[device, step])
            consistency[device, step] = self._cells(*of_device, held_row[device, step])[step]
            rank[device, step] = 1 + 49 * self._cells(*of_device, shown_row[device, step])[step]
        return FakeOutcome(consistency, rank, rank)

    def _cells(self, device, version, row):
        return self.signal("footrule", device, version, row) if version else np.zeros(self.steps)

    def _draws(self, name, device, version, row):
        what = f"{name} {self.users[device]} {self.made_of[device, version]} {row}"
        digest = hashlib.sha256(what.encode()).digest()
        return np.random.default_rng(int.from_bytes(digest[:8], "big"))


class FakeAdaptation:
    """Settings for a world, and the models that the last simulation of it used."""

    def __init__(self, steps):
        self.steps = steps
        self.models = None

    def on_device(self, every_interactions=3, training_flops=0.0):
        return OnDeviceAdaptation(every_interactions, training_flops, 512, self._make)

    def from_cloud(self, every_s=60.0, flops=0.0, parameter_bytes=100_000):
        def make(users):
            return self._make(users, flops)

        return FromCloudAdaptation(every_s, 1e9, parameter_bytes, make)

    def _make(self, users, flops=0.0):
        self.models = FakeModels(users, self.steps, flops)
        return self.models
