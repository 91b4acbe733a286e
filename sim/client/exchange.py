"""The way of a request: up the link, through the cloud, down the link, or into a timeout."""

from simpy import Event

from sim.client.backoff import Backoff
from sim.client.request import NEVER_S, Answer, Attempt, Outcome, Request
from sim.client.timeouts import Timeouts
from sim.clock import RETRY, Clock
from sim.network.links import Links
from sim.network.message import Direction
from sim.world import World


class Exchange:
    """Carries requests to the cloud and replies back, and tells each device how its request ended.

    A request is sent again after a failed attempt, as its `serving.retry` says. What has been sent
    stays under way: a list in reply to an attempt that was given up is taken as long as its request
    is open.

    Args:
        clock: simulated time.
        links: the devices' links.
        world: settings of the cloud and of serving.
    """

    def __init__(self, clock: Clock, links: Links, world: World) -> None:
        serving = world.serving
        self._clock = clock
        self._links = links
        self.cloud = world.make_cloud(clock, self._reply)
        self._list_bytes = serving.payload.reply_bytes(world.table.candidate_count)
        self._bare_bytes = serving.payload.reply_bytes(0)
        self._no_coverage = serving.no_coverage
        self._retry = serving.retry
        self._backoff = Backoff(serving.retry, world.seed, world.devices)
        self._open_requests = Timeouts[Request](clock, _is_open, self._give_up)
        self._open_attempts = Timeouts[Attempt](clock, _is_awaited, self._fail)

    def send(self, request: Request) -> Event:
        """Send a request now and return the event of its end."""
        self._try(request)
        self._open_requests.watch(request, request.expires_s)
        return request.ended

    def _try(self, request: Request) -> None:
        """Send an attempt of a request."""
        attempt = Attempt.of(request, self._clock.now)
        if self._no_coverage == "wait" or self._links.covered(request.device, attempt.sent_s):
            upload = self._links.carry(self._clock, Direction.UP, attempt, attempt.bytes_up)
            assert upload.callbacks is not None
            upload.callbacks.append(self._arrive)
        elif self._no_coverage == "time_out":
            self._links.lose(self._clock, Direction.UP, attempt, attempt.bytes_up)
        else:
            attempt.bytes_up = 0
            self._fail(attempt)
            return
        if self._retry.attempt_timeout_s is not None:
            deadline_s = attempt.sent_s + self._retry.attempt_timeout_s
            if deadline_s < request.expires_s:
                self._open_attempts.watch(attempt, deadline_s)

    def _arrive(self, upload: Event) -> None:
        attempt: Attempt = upload.value  # type: ignore[assignment]
        self.cloud.submit(attempt)

    def _reply(self, attempt: Attempt) -> None:
        served = attempt.answer == Answer.LIST
        attempt.answered_s = self._clock.now
        attempt.bytes_down = self._list_bytes if served else self._bare_bytes
        download = self._links.carry(self._clock, Direction.DOWN, attempt, attempt.bytes_down)
        assert download.callbacks is not None
        download.callbacks.append(self._receive)

    def _receive(self, download: Event) -> None:
        attempt: Attempt = download.value  # type: ignore[assignment]
        attempt.reply_s = self._clock.now
        if not _is_open(attempt.request):
            return
        if attempt.answer == Answer.LIST:
            attempt.request.end(Outcome.DELIVERED, self._clock.now, attempt)
        elif _is_awaited(attempt):
            self._fail(attempt)

    def _fail(self, attempt: Attempt) -> None:
        """Send a request again whose newest attempt failed, or end it if that was the last one."""
        request, now_s = attempt.request, self._clock.now
        attempt.failed_s = now_s
        if len(request.attempts) == self._retry.attempts:
            replied = attempt.reply_s == now_s
            rejected = replied and attempt.answer == Answer.REJECTION
            outcome = Outcome.REJECTED if rejected else Outcome.LOST
            request.end(outcome, now_s, attempt if replied else None)
            return
        retry_s = now_s + self._backoff.wait_s(attempt.number, request.device, request.step)
        if retry_s < request.expires_s:
            retry = self._clock.at(retry_s, RETRY + request.device, request)
            retry.callbacks = [self._try_again]

    def _try_again(self, retry: Event) -> None:
        request: Request = retry.value  # type: ignore[assignment]
        if not _is_open(request):
            return
        if request.can_retry is None or request.can_retry(request, self._clock.now):
            self._try(request)

    def _give_up(self, request: Request) -> None:
        request.end(Outcome.TIMED_OUT, self._clock.now)


def _is_open(request: Request) -> bool:
    """Tell whether the device still waits for a request."""
    return not request.ended.triggered


def _is_awaited(attempt: Attempt) -> bool:
    """Tell whether an attempt has neither failed nor become superfluous."""
    return attempt.failed_s == NEVER_S and _is_open(attempt.request)
