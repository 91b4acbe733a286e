"""The way of a request: up the link, through the cloud, down the link, or into a timeout."""

from collections import deque
from collections.abc import Generator

from simpy import Event

from sim.clock import TIMEOUT, Clock
from sim.cloud.cloud import Cloud
from sim.cloud.settings import CloudSettings
from sim.network.links import Links
from sim.network.message import Direction
from sim.request import Answer, Attempt, Outcome, Request
from sim.serving import ServingSettings


class Exchange:
    """Carries requests to the cloud and replies back, and tells each device how its request ended.

    Args:
        clock: simulated time.
        links: the devices' links.
        cloud: settings of the cloud.
        replicas: number of its replicas.
        serving: timeout and payload.
        candidate_count: items in a list.
    """

    def __init__(
        self,
        clock: Clock,
        links: Links,
        cloud: CloudSettings,
        replicas: int,
        serving: ServingSettings,
        candidate_count: int,
    ) -> None:
        self._clock = clock
        self._links = links
        self._cloud = Cloud(clock, cloud, replicas, self._reply)
        self._timeout_s = serving.timeout_s
        self._list_bytes = serving.payload.reply_bytes(candidate_count)
        self._rejection_bytes = serving.payload.reply_bytes(0)
        self._pending: deque[Request] = deque()
        self._watching = False

    def send(self, request: Request) -> Event:
        """Send a request now and return the event of its end."""
        attempt = Attempt.of(request, self._clock.now)
        upload = self._links.carry(self._clock, Direction.UP, attempt, request.bytes_up)
        assert upload.callbacks is not None
        upload.callbacks.append(self._arrive)
        self._pending.append(request)
        if not self._watching:
            self._watching = True
            self._clock.process(self._watch_timeouts())
        return request.ended

    def _arrive(self, upload: Event) -> None:
        attempt: Attempt = upload.value  # type: ignore[assignment]
        self._cloud.submit(attempt)

    def _reply(self, attempt: Attempt) -> None:
        served = attempt.answer == Answer.LIST
        attempt.answered_s = self._clock.now
        attempt.bytes_down = self._list_bytes if served else self._rejection_bytes
        download = self._links.carry(self._clock, Direction.DOWN, attempt, attempt.bytes_down)
        assert download.callbacks is not None
        download.callbacks.append(self._receive)

    def _receive(self, download: Event) -> None:
        attempt: Attempt = download.value  # type: ignore[assignment]
        attempt.reply_s = self._clock.now
        request = attempt.request
        if not request.ended.triggered:
            served = attempt.answer == Answer.LIST
            request.outcome = Outcome.DELIVERED if served else Outcome.REJECTED
            request.ended_s = self._clock.now
            request.ended.succeed()

    def _watch_timeouts(self) -> Generator[Event, None, None]:
        """End the requests whose time is up.

        All have the same patience, so they time out in the order in which they were sent, and one
        process that sleeps until the oldest one's deadline stands for one timer a request.
        """
        while self._pending:
            oldest = self._pending[0]
            if not oldest.ended.triggered:
                deadline_s = oldest.sent_s + self._timeout_s
                if self._clock.now < deadline_s:
                    yield self._clock.at(deadline_s, TIMEOUT)
                    continue
                oldest.outcome = Outcome.TIMED_OUT
                oldest.ended_s = self._clock.now
                oldest.ended.succeed()
            self._pending.popleft()
        self._watching = False
