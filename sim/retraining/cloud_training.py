"""The cloud re-trains the small model now and then, and pushes it to every device."""

import math
from collections.abc import Callable, Generator, Sequence

import numpy as np
from numpy.typing import NDArray
from simpy import Event

from sim.client.request import Request
from sim.clock import RETRAINING, Clock
from sim.network.links import Links
from sim.network.message import Direction
from sim.retraining.adaptation import CloudModels, FromCloudAdaptation
from sim.retraining.records import Push, Training, TrainingLog
from sim.world import World

CLOUD = -1
"""Stands for the cloud where a training says whose it is."""


class CloudTraining:
    """The trainings in the cloud and the way of their results to the devices.

    Args:
        clock: simulated time.
        links: the devices' links.
        world: who is there, and how long at most.
        adaptation: when it trains, and how fast.
        models: told what the cloud knows.
        requests: all requests so far; those that it has taken in are what it knows.
        log: the trainings and pushes.
        receive: called with (device, version) when a download ends.
    """

    def __init__(
        self,
        clock: Clock,
        links: Links,
        world: World,
        adaptation: FromCloudAdaptation,
        models: CloudModels,
        requests: Sequence[Request],
        log: TrainingLog,
        receive: Callable[[int, int], None],
    ) -> None:
        self._clock = clock
        self._links = links
        self._world = world
        self._adaptation = adaptation
        self._models = models
        self._requests = requests
        self._log = log
        self._receive = receive
        self._version = 0
        self._released_s = -math.inf

    def run(self) -> Generator[Event, None, None]:
        """Train as long as somebody may still decide."""
        every_s, turn = self._adaptation.every_s, 1
        while turn * every_s <= self._world.last_decision_s:
            yield self._clock.at(turn * every_s, RETRAINING)
            start_s = self._clock.now
            flops = self._models.retrain(known_steps(self._world, self._requests))
            end_s = start_s + flops / self._adaptation.accelerator_flops
            yield self._clock.at(end_s, RETRAINING)
            self._version += 1
            self._released_s = end_s
            self._log.trainings.append(Training(CLOUD, self._version, start_s, end_s))
            for device in np.flatnonzero(self._world.sessions.start_s <= end_s).tolist():
                self._push(device)
            turn = next_turn(turn, every_s, end_s)

    def join(self, device: int) -> None:
        """Push the newest weights, if there are any, to a device whose session begins now."""
        if self._version and self._released_s < self._world.sessions.start_s[device]:
            self._push(device)

    def _push(self, device: int) -> None:
        size_bytes = self._adaptation.parameter_bytes
        push = Push(device, self._version, self._clock.now, size_bytes)
        self._log.pushes.append(push)
        download = self._links.carry(self._clock, Direction.DOWN, push, size_bytes)
        assert download.callbacks is not None
        download.callbacks.append(self._arrive)

    def _arrive(self, download: Event) -> None:
        push: Push = download.value  # type: ignore[assignment]
        push.received_s = self._clock.now
        self._receive(push.device, push.version)


def next_turn(turn: int, every_s: float, end_s: float) -> int:
    """Return the first later turn that is not before the end of a training."""
    later = max(turn + 1, math.floor(end_s / every_s))
    while later * every_s < end_s:
        later += 1
    return later


def known_steps(world: World, requests: Sequence[Request]) -> NDArray[np.int64]:
    """Return up to which step the cloud knows each device, from the requests that it has taken in.

    What is turned away, by a full queue or an outage, tells it nothing. What arrives in the very
    instant of a training is too late for it: it is queued when all of that instant has happened.

    Returns:
        int64, shape [devices]; as `CloudModels.retrain` takes it.
    """
    known = np.array([-world.first_upload(int(user)) for user in world.sessions.user], np.int64)
    for request in requests:
        if any(attempt.taken_in for attempt in request.attempts):
            known[request.device] = max(known[request.device], request.step)
    return known
