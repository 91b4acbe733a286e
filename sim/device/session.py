"""One device's session: what it holds, shows and asks for, step by step."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from simpy import Event

from sim.client.circuit_breaker import CircuitBreaker
from sim.client.request import Outcome, Request
from sim.device.reserves import Reserves
from sim.policies import PolicyView
from sim.records.interactions import InteractionRecords, RankedBy
from sim.retraining.adaptation import AdaptedModels
from sim.retraining.device_training import DeviceTraining
from sim.retraining.downloads import Downloads
from sim.world import World


class Session:
    """The state of one device, moved on from one request to the next.

    Between two requests nothing that the device does concerns anyone else, so the steps in between
    are written down all at once. Where it can run out of something, what is left depends on what
    its radio did until then, so it is looked at again at each of its decisions.

    Args:
        world: the world that the device lives in.
        device: which device.
        draws: float64, shape [steps + 1]; its policy draws, the last of the session (or empty).
        records: columns of the fleet, of which the session fills its device's row.
        parameters: the SRM's parameters on this device; None where they never change.
        models: what other than the shipped parameters would show; None where there are none.
        reserves: what the device can run out of; None where that is nothing, and its policy sees
            no link.
        wake_energy_j: tells what waking the radio would cost at a decision; None where the policy
            sees no link.
    """

    def __init__(
        self,
        world: World,
        device: int,
        draws: NDArray[np.float64],
        records: InteractionRecords,
        parameters: DeviceTraining | Downloads | None = None,
        models: AdaptedModels | None = None,
        reserves: Reserves | None = None,
        wake_energy_j: Callable[[float], float] | None = None,
    ) -> None:
        self._world = world
        self._device = device
        self._draws = draws
        self._records = records
        self._parameters = parameters
        self._models = models
        self._reserves = reserves
        self._wake_energy_j = wake_energy_j
        self._policy = world.policies.of(device)
        self._columns = {name: world.signals[name] for name in self._policy.signals}
        self._woken = False
        self._user = int(world.sessions.user[device])
        self._steps = int(world.sessions.steps[device])
        self._context = int(world.context_interactions[self._user])
        self._timeline = world.timeline_of(device)
        self._decision_s, self._scored_s = self._timeline.expected_times_s(
            float(world.sessions.start_s[device])
        )
        self._shown_s = self._scored_s.copy()
        self._step = 0
        self._asking: int | None = None
        self._breaker = CircuitBreaker(world.serving.circuit_breaker)
        self._row = world.first_row
        self._asked_s = float(world.sessions.start_s[device])
        self._requested_s: list[float] = []
        self._cloud_knows_step = -world.first_upload(self._user)

    def next_request(self) -> int | None:
        """Consult the policy and go on to the step at which it asks.

        None: it asks at none of the steps that the present parameters are known to serve.
        """
        if self._reserves is not None:
            return self._decide(self._reserves)
        step, steps, self._asking = self._step, self._steps, None
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

    def wake(self) -> None:
        """Let the decision be taken for which the device was woken."""
        self._woken = True

    def _decide(self, reserves: Reserves) -> int | None:
        """Consult the policy at the present step, if it is time; return the step if it asks."""
        step, self._asking = self._step, None
        if not self._woken or step == self._steps:
            return None
        self._woken, version = False, 0
        self._begin(step, reserves)
        if self._parameters is not None:
            version = self._parameters.version_at(float(self._decision_s[step]))
        if not reserves.empty:
            self._asking = self._first_request(self._view(step + 1, version), step)
        self._hold(step, step + 1)
        if self._asking is None:
            self._pass(step)
        return self._asking

    def _begin(self, step: int, reserves: Reserves) -> None:
        """Let a step re-rank its list, if what the device has left allows it."""
        decision_s = float(self._decision_s[step])
        scores = reserves.allow(step, decision_s)
        shown_s = decision_s + self._timeline.scoring_s if scores else decision_s
        self._scored_s[step] = self._shown_s[step] = shown_s
        ranked_by = RankedBy.FUSION if scores else RankedBy.LLM
        self._records.ranked_by[self._device, step] = ranked_by
        if self._records.battery_share.size:
            self._records.battery_share[self._device, step] = reserves.share

    def _pass(self, step: int) -> None:
        """Go on from a step that has shown its list to the next decision."""
        self._settle(step, step + 1)
        self._step = step + 1
        if self._step < self._steps:
            shown_s = float(self._shown_s[step])
            self._decision_s[self._step] = self._timeline.next_decision_s(step, shown_s)

    def _pass_decisions_before(self, time_s: float, asked: int, reserves: Reserves) -> None:
        """Live through the step that asked, and those decided before a time while it waits."""
        if self._step == asked:
            self._pass(asked)
        while self._step < self._steps and self._decision_s[self._step] < time_s:
            self._begin(self._step, reserves)
            self._hold(self._step, self._step + 1)
            self._pass(self._step)

    def _can_retry(self, request: Request, now_s: float) -> bool:
        """Live until now, and tell whether there is charge left to send a request again."""
        assert self._reserves is not None
        serving, asked = self._world.serving, request.step
        limit_s = request.sent_s + serving.deadline_s
        if serving.mode == "stale":
            self._pass_decisions_before(now_s, asked, self._reserves)
        elif limit_s < now_s:
            self._shown_s[asked] = limit_s
            self._pass_decisions_before(now_s, asked, self._reserves)
        self._reserves.drain(now_s)
        return not self._reserves.empty

    def _scores(self, step: int) -> bool:
        """Tell whether the SRM scores the list of a step that has been decided."""
        return bool(self._records.ranked_by[self._device, step] == RankedBy.FUSION)

    def _first_request(self, view: PolicyView, step: int) -> int | None:
        """Return the first step at which the policy asks and the circuit breaker lets it."""
        policy, open_until_s = self._policy, self._breaker.open_until_s
        asking = policy.first_request(view, step)
        if self._decision_s[step] < open_until_s:
            held_back = self._records.held_back[self._device]
            held_back[step:] = False  # what was foreseen before other parameters came
            while asking is not None and self._decision_s[asking] < open_until_s:
                held_back[asking] = True
                asking = policy.first_request(view, asking + 1)
        return asking

    def _on(self, step: int) -> bool:
        """Tell whether the battery was not empty at a step that has been decided."""
        share = self._records.battery_share
        return not share.size or bool(share[self._device, step])

    def request(self, step: int, ended: Event) -> Request:
        """Make the request of a step; `ended` will happen when it ends."""
        serving, sent_s = self._world.serving, float(self._scored_s[step])
        self._records.requested[self._device, step] = True
        self._requested_s.append(float(self._decision_s[step]))
        return Request(
            device=self._device,
            step=step,
            sent_s=sent_s,
            bytes_up=serving.payload.request_bytes(step - self._cloud_knows_step),
            ended=ended,
            expires_s=sent_s + serving.timeout_s,
            history_interactions=self._context + step,
            list_age_steps=step - self._world.basis_step(self._row),
            can_retry=None if self._world.hardware.battery is None else self._can_retry,
        )

    def waking_s(self, now_s: float) -> float | None:
        """Return when the device has to be looked at again; None: never, its session is over.

        That is when a request is sent, which is as soon as the held list is scored; or at the first
        decision that other parameters serve, as far as is known, or that depends on what is left;
        or at the last decision, as long as parameters may still come.
        """
        if self._asking is not None:
            return float(self._scored_s[self._asking])
        if self._step < self._steps:
            return float(self._decision_s[self._step])
        last_s = float(self._decision_s[-1])
        return last_s if self.looks_ahead_of_downloads and now_s <= last_s else None

    @property
    def looks_ahead_of_downloads(self) -> bool:
        """Whether parameters may come that change what has been decided ahead."""
        return isinstance(self._parameters, Downloads) and self._reserves is None

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
        if self._reserves is not None:
            self._pass_decisions_before(request.ended_s, request.step, self._reserves)
        else:
            decided_before_end = int(np.searchsorted(self._decision_s, request.ended_s))
            self._step = max(suppressed_from, decided_before_end)
            self._hold(suppressed_from, self._step)
            self._settle(request.step, self._step)
        self._records.suppressed[self._device, suppressed_from : self._step] = True
        if delivered:
            self._row = self._cloud_knows_step = request.step
            self._asked_s = float(self._decision_s[request.step])
            if self._step == self._steps and not shown_at_once:
                request.outcome = Outcome.SUPERSEDED

    def close(self) -> None:
        """Write down the times of the finished session, and what depends on them all."""
        lived = self._device, slice(self._steps)
        self._records.decision_s[lived] = self._decision_s
        self._records.shown_s[lived] = self._shown_s
        if isinstance(self._parameters, Downloads):
            self._records.version[lived] = self._parameters.versions_at(self._decision_s)

    def _wait(self, request: Request, delivered: bool) -> bool:
        """Let the asking step wait for its list; tell whether it showed it."""
        step, scoring_s = request.step, self._timeline.scoring_s
        limit_s = request.sent_s + self._world.serving.deadline_s
        in_time = delivered and request.ended_s <= limit_s
        if in_time:
            self._records.shown_row[self._device, step] = step
        scores_anew = in_time and self._scores(step)
        shown_s = min(request.ended_s, limit_s) + (scoring_s if scores_anew else 0.0)
        self._shown_s[step] = shown_s
        if self._reserves is not None:
            if scores_anew:
                self._reserves.score_anew(request.ended_s)
        elif step + 1 < self._steps:
            later = slice(step + 1, None)
            self._decision_s[later], self._scored_s[later] = self._timeline.expected_times_s(
                self._timeline.next_decision_s(step, shown_s), step + 1
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
            if self._on(step):
                self._parameters.show(step, self._steps, shown_s, row)

    def _view(self, end: int, version: int) -> PolicyView:
        step, decision_s = self._step, self._decision_s[self._step : end]
        signals, fresh_signals = self._signals(end, version)
        wake_energy_j = np.nan
        if self._policy.reads_link:
            assert self._wake_energy_j is not None
            wake_energy_j = self._wake_energy_j(float(decision_s[0]))
        times = {}
        if self._policy.reads_times:
            times = {
                "list_age_s": decision_s - self._asked_s,
                "decision_s": decision_s,
                "requested_s": np.array(self._requested_s),
            }
        return PolicyView(
            first_step=step,
            list_age_steps=np.arange(step, end) - self._world.basis_step(self._row),
            signals=signals,
            fresh_signals=fresh_signals,
            **times,
            candidate_count=self._world.table.candidate_count,
            wake_energy_j=wake_energy_j,
            draws=self._draws[step:end],
            session_draw=float(self._draws[-1]) if len(self._draws) else np.nan,
        )

    def _signals(
        self, end: int, version: int
    ) -> tuple[dict[str, NDArray[np.float32]], dict[str, float]]:
        """Return the signals that the policy reads at the steps before `end`, and when fresh."""
        table, step = self._world.table, self._step
        if self._reserves is not None and not self._scores(step):
            unknown = np.full(end - step, np.nan, np.float32)
            return dict.fromkeys(self._columns, unknown), dict.fromkeys(self._columns, np.nan)
        if version:
            return self._adapted_signals(end, version)
        first = int(table.cell_offset[self._row])
        signals, fresh = {}, {}
        for name, (cells, when_fresh) in self._columns.items():
            signals[name] = cells[self._user, first + step : first + end]
            fresh[name] = float(when_fresh[self._user, self._row])
        return signals, fresh

    def _adapted_signals(
        self, end: int, version: int
    ) -> tuple[dict[str, NDArray[np.float32]], dict[str, float]]:
        """Return what `_signals` does, with other than the shipped parameters."""
        made = self._world.first_step_of(self._row)
        signals, fresh = {}, {}
        for name, (_, when_fresh) in self._columns.items():
            assert self._models is not None
            cells = self._models.signal(name, self._device, version, self._row)
            shipped = when_fresh[self._user, self._row]
            signals[name] = cells[self._step : end]
            fresh[name] = float(shipped if made is None else cells[made])
        return signals, fresh
