"""A cloud without devices and network: attempts arrive at given times, and answers are kept."""

from sim.client.request import NEVER_S, Attempt, Request
from sim.clock import Clock
from sim.cloud.cloud import Cloud
from sim.cloud.service_time.fixed import FixedServiceTime
from sim.cloud.settings import CloudSettings
from sim.faults.settings import FaultSettings


class CloudByHand:
    """Serves one attempt of each device, numbered in the order of `arrivals_s`."""

    def __init__(
        self,
        arrivals_s,
        *,
        seconds=3.0,
        size=1,
        until_s=1000.0,
        seed=0,
        patience_s=NEVER_S,
        **values,
    ):
        faults = FaultSettings.model_validate(values.pop("faults", {}))
        settings = CloudSettings.model_validate(
            {
                "service_time": FixedServiceTime(seconds=seconds),
                "batching": {"kind": "static", "size": size, "wait_s": 0.0},
                **values,
            }
        )
        self.clock = Clock()
        self.answers = []
        replicas = settings.replicas_for(len(arrivals_s))
        self.cloud = Cloud(
            self.clock, settings, replicas, self.answer, seed, faults, until_s=until_s
        )
        self.attempts = [
            Attempt.of(
                Request(
                    device,
                    0,
                    time_s,
                    0,
                    self.clock.event(),
                    expires_s=time_s + patience_s,
                    list_age_steps=device % 3,
                ),
                time_s,
            )
            for device, time_s in enumerate(arrivals_s)
        ]
        for attempt in self.attempts:
            arrival = self.clock.at(attempt.sent_s, value=attempt)
            arrival.callbacks.append(lambda event: self.cloud.submit(event.value))
        self.clock.run()

    def answer(self, attempt):
        attempt.answered_s = self.clock.now
        self.answers.append(attempt)

    def column(self, name):
        """Return an attribute of all attempts, in the order of devices."""
        return [getattr(attempt, name) for attempt in self.attempts]

    @property
    def starts(self):
        return self.column("service_start_s")

    @property
    def ends(self):
        return self.column("service_end_s")

    def records(self, horizon_s=100.0):
        return self.cloud.records(horizon_s)
