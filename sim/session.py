"""One device's session: what it holds, shows and asks for, step by step."""

import numpy as np
from numpy.typing import NDArray
from simpy import Event

from sim.adaptation import AdaptedModels
from sim.circuit_breaker import CircuitBreaker
from sim.device_training import DeviceTraining
from sim.downloads import Downloads
from sim.policies import PolicyView
from sim.records import InteractionRecords
from sim.request import Outcome, Request
from sim.timeline import expected_times_s
from sim.world import World


class Session:
    """The state of one device, moved on from one request to the next.

    Between two requests nothing that the device does concerns anyone else, so the steps in between
    are written down all at once.

    Args:
        world: the world that the device lives in.
        device: which device.
        draws: float64, shape [steps]; its policy draws (or empty).
        records: columns of the fleet, of which the session fills its device's row.
        parameters: the SRM's parameters on this device; None where they never change.
        models: what other than the shipped parameters would show; None where there are none.
    """

    def __init__(
        self,
        world: World,
        device: int,
        draws: NDArray[np.float64],
        records: InteractionRecords,
        parameters: DeviceTraining | Downloads | None = None,
        models: AdaptedModels | None = None,
    ) -> None:
        self._world = world
        self._device = device
        self._draws = draws
        self._records = records
        self._parameters = parameters
        self._models = models
        self._user = int(world.sessions.user[device])
        self._think_s = world.sessions.think_s[device]
        self._decision_s, self._scored_s = expected_times_s(
            float(world.sessions.start_s[device]), self._think_s, world.scoring_s
        )
        self._shown_s = self._scored_s.copy()
        self._step = 0
        self._asking: int | None = None
        self._breaker = CircuitBreaker(world.serving.circuit_breaker)
        self._row = world.first_row
        self._cloud_knows_step = -world.first_upload(self._user)

    def next_request(self) -> int | None:
        """Consult the policy and go on to the step at which it asks.

        None: it asks at none of the steps that the present parameters are known to serve.
        """
        step, steps, self._asking = self._step, self._world.table.steps, None
        if step == steps:
            return None
        version, end = 0, steps
        if self._parameters is not None:
            version = self._parameters.version_at(float(self._decision_s[step]))
            end = self._parameters.first_change(step, self._decision_s, self._scored_s)
        asking = self._first_request(self._view(end, version), step)
        self._asking = asking
        if asking is None:
            self._step = end
        self._hold(step, end if asking is None else asking + 1)
        self._settle(step, end if asking is None else asking)
        return asking

    def _first_request(self, view: PolicyView, step: int) -> int | None:
        """Return the first step at which the policy asks and the circuit breaker lets it."""
        policy, open_until_s = self._world.policy, self._breaker.open_until_s
        asking = policy.first_request(view, step)
        if self._decision_s[step] < open_until_s:
            held_back = self._records.held_back[self._device]
            held_back[step:] = False  # what was foreseen before other parameters came
            while asking is not None and self._decision_s[asking] < open_until_s:
                held_back[asking] = True
                asking = policy.first_request(view, asking + 1)
        return asking

    def request(self, step: int, ended: Event) -> Request:
        """Make the request of a step; `ended` will happen when it ends."""
        serving, sent_s = self._world.serving, float(self._scored_s[step])
        self._records.requested[self._device, step] = True
        return Request(
            device=self._device,
            step=step,
            sent_s=sent_s,
            bytes_up=serving.payload.request_bytes(step - self._cloud_knows_step),
            ended=ended,
            expires_s=sent_s + serving.timeout_s,
            history_interactions=int(self._world.context_interactions[self._user]) + step,
            list_age_steps=step - self._world.basis_step(self._row),
        )

    def waking_s(self, now_s: float) -> float | None:
        """Return when the device has to be looked at again; None: never, its session is over.

        That is when a request is sent, which is as soon as the held list is scored; or at the first
        decision that other parameters serve, as far as is known; or at the last decision, as long
        as parameters may still come.
        """
        if self._asking is not None:
            return float(self._scored_s[self._asking])
        if self._step < self._world.table.steps:
            return float(self._decision_s[self._step])
        last_s = float(self._decision_s[-1])
        return last_s if self._renewable and now_s <= last_s else None

    @property
    def _renewable(self) -> bool:
        """Whether parameters may come at any time."""
        return isinstance(self._parameters, Downloads)

    def reconsider(self, now_s: float) -> None:
        """Go back to the first decision at or after now, because other parameters have come.

        What was decided before now stays, also where it has not been carried out yet.
        """
        undecided = int(np.searchsorted(self._decision_s, now_s))
        self._step = undecided if self._asking is None else min(undecided, self._asking)

    def resume(self, request: Request) -> None:
        """Go on to the first decision after the end of a request.

        A list that came after the window's last decision was of no use: its request is marked as
        superseded.
        """
        delivered = request.outcome == Outcome.DELIVERED
        self._breaker.note(delivered, request.ended_s)
        shown_at_once = self._world.serving.mode == "wait" and self._wait(request, delivered)
        suppressed_from = request.step + 1
        decided_before_end = int(np.searchsorted(self._decision_s, request.ended_s))
        self._step = max(suppressed_from, decided_before_end)
        self._hold(suppressed_from, self._step)
        self._settle(request.step, self._step)
        self._records.suppressed[self._device, suppressed_from : self._step] = True
        if delivered:
            self._row = self._cloud_knows_step = request.step
            if self._step == self._world.table.steps and not shown_at_once:
                request.outcome = Outcome.SUPERSEDED

    def close(self) -> None:
        """Write down the times of the finished session, and what depends on them all."""
        self._records.decision_s[self._device] = self._decision_s
        self._records.shown_s[self._device] = self._shown_s
        if isinstance(self._parameters, Downloads):
            self._records.version[self._device] = self._parameters.versions_at(self._decision_s)

    def _wait(self, request: Request, delivered: bool) -> bool:
        """Let the asking step wait for its list; tell whether it showed it."""
        step, scoring_s = request.step, self._world.scoring_s
        limit_s = request.sent_s + self._world.serving.deadline_s
        in_time = delivered and request.ended_s <= limit_s
        if in_time:
            self._records.shown_row[self._device, step] = step
        shown_s = min(request.ended_s, limit_s) + (scoring_s if in_time else 0.0)
        self._shown_s[step] = shown_s
        if step + 1 < self._world.table.steps:
            later = slice(step + 1, None)
            self._decision_s[later], self._scored_s[later] = expected_times_s(
                shown_s + float(self._think_s[step]), self._think_s[later], scoring_s
            )
            self._shown_s[later] = self._scored_s[later]
        return in_time

    def _hold(self, start: int, end: int) -> None:
        """Hold and show the present list at steps start .. end - 1."""
        self._records.held_row[self._device, start:end] = self._row
        self._records.shown_row[self._device, start:end] = self._row

    def _settle(self, start: int, end: int) -> None:
        """Let the device train at steps start .. end - 1, of which everything is known."""
        if not isinstance(self._parameters, DeviceTraining):
            return
        version, shown_row = self._records.version, self._records.shown_row[self._device]
        for step in range(start, end):
            version[self._device, step] = self._parameters.version_at(float(self._decision_s[step]))
            shown_s, row = float(self._shown_s[step]), int(shown_row[step])
            self._parameters.show(step, self._world.table.steps, shown_s, row)

    def _view(self, end: int, version: int) -> PolicyView:
        table, step = self._world.table, self._step
        offset = int(table.cell_offset[self._row])
        consistency = table.consistency[self._user, offset + step : offset + end]
        fresh_consistency = float(table.fresh_consistency[self._user, self._row])
        if version:
            consistency, fresh_consistency = self._adapted(version, end, fresh_consistency)
        return PolicyView(
            first_step=step,
            consistency=consistency,
            fresh_consistency=fresh_consistency,
            list_age_steps=np.arange(step, end) - self._world.basis_step(self._row),
            decision_s=self._decision_s[step:end],
            draws=self._draws[step:end],
        )

    def _adapted(
        self, version: int, end: int, shipped_fresh: float
    ) -> tuple[NDArray[np.float32], float]:
        """Return what `_view` shows of the consistency with other than the shipped parameters."""
        if not self._world.policy.reads_consistency:
            return np.full(end - self._step, np.nan, np.float32), np.nan
        assert self._models is not None
        cells = self._models.consistency(self._device, version, self._row)
        made = self._world.first_step_of(self._row)
        fresh = shipped_fresh if made is None else float(cells[made])
        return cells[self._step : end], fresh
