"""One device's session: what it holds, shows and asks for, step by step."""

import numpy as np
from numpy.typing import NDArray
from simpy import Event

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
    """

    def __init__(
        self, world: World, device: int, draws: NDArray[np.float64], records: InteractionRecords
    ) -> None:
        self._world = world
        self._device = device
        self._draws = draws
        self._records = records
        self._user = int(world.sessions.user[device])
        self._think_s = world.sessions.think_s[device]
        self._decision_s, self._scored_s = expected_times_s(
            float(world.sessions.start_s[device]), self._think_s, world.scoring_s
        )
        self._shown_s = self._scored_s.copy()
        self._step = 0
        self._row = world.first_row
        self._cloud_knows_step = -world.first_upload(self._user)

    def next_request(self) -> int | None:
        """Consult the policy and go on to the step at which it asks; None: it asks no more."""
        steps = self._world.table.steps
        if self._step == steps:
            return None
        asking = self._world.policy.first_request(self._view(), self._step)
        end = steps if asking is None else asking + 1
        self._hold(self._step, end)
        return asking

    def request(self, step: int, ended: Event) -> Request:
        """Make the request of a step; `ended` will happen when it ends."""
        payload = self._world.serving.payload
        self._records.requested[self._device, step] = True
        return Request(
            device=self._device,
            step=step,
            sent_s=float(self._scored_s[step]),
            bytes_up=payload.request_bytes(step - self._cloud_knows_step),
            ended=ended,
        )

    def sending_s(self, step: int) -> float:
        """When a request of this step is sent: as soon as the held list is scored."""
        return float(self._scored_s[step])

    def resume(self, request: Request) -> None:
        """Go on to the first decision after the end of a request.

        A list that came after the window's last decision was of no use: its request is marked as
        superseded.
        """
        delivered = request.outcome == Outcome.DELIVERED
        shown_at_once = self._world.serving.mode == "wait" and self._wait(request, delivered)
        suppressed_from = request.step + 1
        decided_before_end = int(np.searchsorted(self._decision_s, request.ended_s))
        self._step = max(suppressed_from, decided_before_end)
        self._hold(suppressed_from, self._step)
        self._records.suppressed[self._device, suppressed_from : self._step] = True
        if delivered:
            self._row = self._cloud_knows_step = request.step
            if self._step == self._world.table.steps and not shown_at_once:
                request.outcome = Outcome.SUPERSEDED

    def close(self) -> None:
        """Write down the times of the finished session."""
        self._records.decision_s[self._device] = self._decision_s
        self._records.shown_s[self._device] = self._shown_s

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

    def _view(self) -> PolicyView:
        table, step = self._world.table, self._step
        offset = int(table.cell_offset[self._row])
        return PolicyView(
            first_step=step,
            consistency=table.consistency[self._user, offset + step : offset + table.steps],
            fresh_consistency=float(table.fresh_consistency[self._user, self._row]),
            list_age_steps=np.arange(step, table.steps) - self._world.basis_step(self._row),
            decision_s=self._decision_s[step:],
            draws=self._draws[step:],
        )
