"""The plain reference program: one process a device, one consultation a step, one timer a request.

It is written the way one writes such a simulation without thinking of speed, and shares with the
engine only what both must agree on: the settings, the random draws, and the order of things that
happen at the same time. The engine is tested to leave bit for bit the same records.
"""

import math
from collections.abc import Generator
from typing import Any

import numpy as np
from simpy import Event

from benchmarks.plain_cloud import PlainCloud, is_plain
from sim.client.request import Answer, Attempt, Outcome, Request
from sim.clock import DECISION, RETRAINING, RETRY, SETTLEMENT, TIMEOUT, Clock
from sim.cloud.cloud import Cloud
from sim.energy import fleet_energy_j, network_records
from sim.network.message import Direction
from sim.network.transfers import NO_RADIO, Crossing
from sim.policies import PolicyView
from sim.radio.meter import spent
from sim.radio.wake_energy import wake_energy_j
from sim.records.interactions import InteractionRecords, RankedBy
from sim.records.requests import RequestRecords
from sim.records.result import SimulationResult
from sim.retraining.adaptation import FromCloudAdaptation, OnDeviceAdaptation
from sim.retraining.cloud_training import CLOUD, known_steps, next_turn
from sim.retraining.records import AdaptationRecords, Push, Training, TrainingLog
from sim.world import World
from workloads import draws

# After everything else that happens at one and the same time.
END_OF_INSTANT = 2**63


def simulate_plainly(world: World) -> SimulationResult:
    """Run a world until its last session has ended, step by step."""
    return PlainProgram(world).run()


class PlainProgram:
    """A world as a heap of simple processes."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.clock = Clock()
        self.links = world.make_links()
        self.draws = world.policy_draws()
        self.records = InteractionRecords.empty(
            world.sessions.steps, world.table.steps, batteries=world.hardware.battery is not None
        )
        self.crossings: list[list[Crossing]] = [[] for _ in range(world.devices)]
        self.links.log.note = self.note
        self.requests: list[Request] = []
        self.replied: dict[Attempt, Event] = {}
        self.decided_s: list[list[float]] = [[] for _ in range(world.devices)]
        self.scorings, self.trainings = [0] * world.devices, [0] * world.devices
        self.start_j = [
            world.phones.of(device).battery_j * float(share)
            for device, share in enumerate(world.battery_start_shares)
        ]
        self.charge_j = list(self.start_j)
        self.cloud: Cloud | PlainCloud
        if is_plain(world.cloud, world.faults):
            self.cloud = PlainCloud(self.clock, world.cloud, world.replicas, self.answer)
        else:
            self.cloud = world.make_cloud(self.clock, self.answer)
        users, adaptation = world.sessions.user, world.adaptation
        self.models: Any = None if adaptation is None else adaptation.models(users)
        self.pushed_bytes = 0 if adaptation is None else adaptation.parameter_bytes
        self.log = TrainingLog()
        self.downloaded_version = [0] * world.devices
        self.released_version, self.released_s = 0, -math.inf

    def run(self) -> SimulationResult:
        """Run every device to its end."""
        for device in range(self.world.devices):
            self.clock.process(self.device(device))
        if isinstance(self.world.adaptation, FromCloudAdaptation):
            self.clock.process(self.cloud_training(self.world.adaptation))
        self.clock.run()
        requests = RequestRecords.collect(self.requests, self.records.horizon_s)
        adaptation = None
        if self.models is not None:
            adaptation = AdaptationRecords.of(self.log, self.records, self.models)
        network = network_records(self.links, self.records)
        return SimulationResult(
            interactions=self.records,
            requests=requests,
            cloud=self.cloud.records(self.records.horizon_s),
            events=self.clock.count_events(),
            energy_j=fleet_energy_j(self.world, network, self.records, adaptation),
            network=network,
            adaptation=adaptation,
        )

    def device(self, device: int) -> Generator[Event, None, None]:
        """Live through the steps of one device."""
        world, clock, serving = self.world, self.clock, self.world.serving
        user = int(world.sessions.user[device])
        row = world.first_row
        cloud_knows_step = -world.first_upload(user)
        request: Request | None = None
        decision_s = float(world.sessions.start_s[device])
        failed_in_a_row, breaker_open_until_s = 0, -math.inf
        version, training_ends_s, budget = 0, math.inf, world.hardware.compute_budget()
        phone, battery = world.phones.of(device), world.hardware.battery
        scoring_s = phone.computing_s(world.scoring_flops, world.scoring_bytes)
        training_s = self.training_s(device)
        steps = int(world.sessions.steps[device])
        yield clock.at(decision_s)
        if self.released_version and self.released_s < decision_s:
            clock.process(self.download(device, self.released_version))
        for step in range(steps):
            yield clock.at(decision_s, DECISION + device)
            if request is not None and not request.ended.triggered:
                # A reply at exactly the decision time has arrived, also one that is caused by what
                # comes after decisions: a crash, or a batch without a service time.
                yield request.ended | clock.at(decision_s, END_OF_INSTANT)
                yield clock.at(decision_s, DECISION + device)
            if request is not None and request.ended.triggered:
                failed_in_a_row += 1
                if request.outcome == Outcome.DELIVERED:
                    row = cloud_knows_step = request.step
                    failed_in_a_row = 0
                breaker = serving.circuit_breaker
                if breaker.failures is not None and failed_in_a_row >= breaker.failures:
                    breaker_open_until_s = request.ended_s + breaker.open_s
                request = None
            if training_ends_s <= decision_s:
                version, training_ends_s = version + 1, math.inf
            version = max(version, self.downloaded_version[device])
            scores = is_on = True
            if battery is not None:
                is_on = self.drain(device, decision_s)
                share = self.charge_j[device] / phone.battery_j
                self.records.battery_share[device, step] = share
                scores = battery.allows(share, step)
            if world.hardware.budget_covers == "all" and scores:
                scores = budget.spend(decision_s, world.scoring_flops)
            shown_row, shown_s = row, decision_s
            if scores:
                shown_s += scoring_s
                self.scorings[device] += 1
            else:
                self.records.ranked_by[device, step] = RankedBy.LLM
            sent = None
            if request is not None:
                self.records.suppressed[device, step] = True
            elif (
                is_on
                and world.policies.of(device).first_request(
                    self.view(device, row, step, version, scores), step
                )
                == step
            ):
                if decision_s < breaker_open_until_s:
                    self.records.held_back[device, step] = True
                else:
                    self.records.requested[device, step] = True
                    self.decided_s[device].append(decision_s)
                    yield clock.at(shown_s, DECISION + device)
                    sent = request = self.send(
                        device, step, row, serving.payload.request_bytes(step - cloud_knows_step)
                    )
            if sent is not None and serving.mode == "wait":
                limit_s = sent.sent_s + serving.deadline_s
                # A reply at exactly the deadline is in time, so the deadline is its instant's last.
                yield sent.ended | clock.at(limit_s, SETTLEMENT + 1)
                shown_s = min(sent.ended_s, limit_s)
                if sent.ended.triggered and sent.outcome == Outcome.DELIVERED:
                    shown_row = step
                    if scores:
                        self.scorings[device] += 1
                        if world.hardware.budget_covers == "all":
                            budget.owe(shown_s, world.scoring_flops)
                        shown_s += scoring_s
            self.shown(device, shown_row, step)
            self.records.decision_s[device, step] = decision_s
            self.records.shown_s[device, step] = shown_s
            self.records.held_row[device, step] = row
            self.records.shown_row[device, step] = shown_row
            self.records.version[device, step] = version
            training = world.adaptation if is_on else None
            if isinstance(training, OnDeviceAdaptation) and training.trains_at(step, steps):
                if training_ends_s < math.inf:
                    self.log.skipped_while_training += 1
                elif not budget.spend(shown_s, training.training_flops):
                    self.log.skipped_for_budget += 1
                else:
                    self.trainings[device] += 1
                    training_ends_s = shown_s + training_s
                    self.models.begin(device, version + 1, step, shown_row)
                    self.log.trainings.append(
                        Training(device, version + 1, shown_s, training_ends_s)
                    )
            if step + 1 < steps:
                decision_s = shown_s + float(world.sessions.think_s[device, step])
                if world.availability is not None:
                    decision_s = world.availability.on_s(device, decision_s)
        if request is not None:
            yield request.ended
            unused = shown_row != request.step
            if unused and request.outcome == Outcome.DELIVERED:
                request.outcome = Outcome.SUPERSEDED

    def shown(self, device: int, row: int, step: int) -> None:
        """Show a list; what comes of it is in the table."""

    def note(self, device: int, crossing: Crossing) -> None:
        """Take a transfer down."""
        if crossing.radio != NO_RADIO:
            self.crossings[device].append(crossing)

    def training_s(self, device: int) -> float:
        """Return how long a device trains."""
        adaptation = self.world.adaptation
        if not isinstance(adaptation, OnDeviceAdaptation):
            return 0.0
        return self.world.phones.of(device).computing_s(adaptation.training_flops)

    def drain(self, device: int, time_s: float) -> bool:
        """Look at the charge of a device, and tell whether there is any."""
        world, phone = self.world, self.world.phones.of(device)
        scoring_s = phone.computing_s(world.scoring_flops, world.scoring_bytes)
        used_j = (
            phone.idle_power_w * (time_s - float(world.sessions.start_s[device]))
            + phone.active_power_w * scoring_s * self.scorings[device]
            + phone.active_power_w * self.training_s(device) * self.trainings[device]
            + self.radio_energy_j(device, time_s)
        )
        left_j = max(self.start_j[device] - used_j, 0.0)
        self.charge_j[device] = min(self.charge_j[device], left_j)
        return self.charge_j[device] > 0

    def radio_energy_j(self, device: int, time_s: float) -> float:
        """Return what a device's radio has cost, of the transfers that are over."""
        over = sorted(each for each in self.crossings[device] if each.end_s < time_s)
        if not over:
            return 0.0
        return spent(self.links.radios.radios, over).with_tail_j(time_s)

    def cloud_training(self, adaptation: FromCloudAdaptation) -> Generator[Event, None, None]:
        """Train in the cloud, and push what comes of it to whoever is there."""
        turn = 1
        while turn * adaptation.every_s <= self.world.last_decision_s:
            yield self.clock.at(turn * adaptation.every_s, RETRAINING)
            start_s = self.clock.now
            flops = self.models.retrain(known_steps(self.world, self.requests))
            end_s = start_s + flops / adaptation.accelerator_flops
            yield self.clock.at(end_s, RETRAINING)
            self.released_version, self.released_s = self.released_version + 1, end_s
            self.log.trainings.append(Training(CLOUD, self.released_version, start_s, end_s))
            for device in range(self.world.devices):
                if self.world.sessions.start_s[device] <= end_s:
                    self.clock.process(self.download(device, self.released_version))
            turn = next_turn(turn, adaptation.every_s, end_s)

    def download(self, device: int, version: int) -> Generator[Event, None, None]:
        """Bring a device new parameters."""
        push = Push(device, version, self.clock.now, self.pushed_bytes)
        self.log.pushes.append(push)
        yield self.links.carry(self.clock, Direction.DOWN, push, self.pushed_bytes)
        push.received_s = self.clock.now
        self.downloaded_version[device] = max(self.downloaded_version[device], version)

    def view(self, device: int, row: int, step: int, version: int, scores: bool) -> PolicyView:
        """Let the policy see the present step and nothing else."""
        world, policy, now_s = self.world, self.world.policies.of(device), self.clock.now
        asked_s = float(world.sessions.start_s[device])
        if row < world.table.steps:
            asked_s = float(self.records.decision_s[device, row])
        wake_j = math.nan
        if policy.reads_link:
            over = sorted(each for each in self.crossings[device] if each.end_s < now_s)
            so_far = spent(self.links.radios.radios, over) if over else None
            wake_j = wake_energy_j(self.links, device, now_s, so_far)
        both = {name: self.signal(name, device, row, step, version) for name in policy.signals}
        if not scores:
            both = dict.fromkeys(both, (math.nan, math.nan))
        return PolicyView(
            first_step=step,
            list_age_steps=np.array([step - world.basis_step(row)]),
            list_age_s=np.array([now_s - asked_s]),
            decision_s=np.array([now_s]),
            signals={name: np.array([value], np.float32) for name, (value, _) in both.items()},
            fresh_signals={name: fresh for name, (_, fresh) in both.items()},
            requested_s=np.array(self.decided_s[device]),
            candidate_count=world.table.candidate_count,
            wake_energy_j=wake_j,
            draws=self.draws[device, step : step + 1],
            session_draw=float(self.draws[device, -1]) if self.draws.size else math.nan,
        )

    def signal(
        self, name: str, device: int, row: int, step: int, version: int
    ) -> tuple[float, float]:
        """Return a signal of the held list at a step, and when the list was made."""
        table, user = self.world.table, int(self.world.sessions.user[device])
        fresh = float(table.fresh_signal(name)[user, row])
        if not version:
            return float(table.signal(name)[user, int(table.cell_offset[row]) + step]), fresh
        adapted = self.models.signal(name, device, version, row)
        if row != table.steps:  # the preloaded list was made before the window
            fresh = float(adapted[row if row < table.steps else 0])
        return float(adapted[step]), fresh

    def send(self, device: int, step: int, row: int, bytes_up: int) -> Request:
        """Send a request and give it a timer."""
        now_s = self.clock.now
        request = Request(
            device=device,
            step=step,
            sent_s=now_s,
            bytes_up=bytes_up,
            ended=self.clock.event(),
            expires_s=now_s + self.world.serving.timeout_s,
            history_interactions=int(
                self.world.context_interactions[self.world.sessions.user[device]] + step
            ),
            list_age_steps=step - self.world.basis_step(row),
        )
        self.requests.append(request)
        self.clock.process(self.attempts(request))
        self.clock.process(self.timer(request))
        return request

    def timer(self, request: Request) -> Generator[Event, None, None]:
        """Give the request up when its time is up."""
        yield self.clock.at(request.expires_s, TIMEOUT)
        if not request.ended.triggered:
            request.end(Outcome.TIMED_OUT, self.clock.now)

    def attempts(self, request: Request) -> Generator[Event, None, None]:
        """Try until one attempt succeeds, none is left, or the request has ended otherwise."""
        retry = self.world.serving.retry
        for number in range(retry.attempts):
            attempt = Attempt.of(request, self.clock.now)
            yield from self.attempt(attempt)
            if request.ended.triggered:
                return
            attempt.failed_s = self.clock.now
            if number + 1 == retry.attempts:
                rejected = attempt.reply_s < math.inf and attempt.answer == Answer.REJECTION
                request.end(Outcome.REJECTED if rejected else Outcome.LOST, self.clock.now)
                return
            wait_s = min(retry.backoff_cap_s, retry.backoff_s * 2.0**number)
            if retry.jitter == "full":
                wait_s *= draws.uniform_one(
                    self.world.seed, f"backoff {number}", request.step, request.device
                )
            if self.clock.now + wait_s >= request.expires_s:
                return
            yield self.clock.at(self.clock.now + wait_s, RETRY + request.device)
            if request.ended.triggered:
                return
            has_battery = self.world.hardware.battery is not None
            if has_battery and not self.drain(request.device, self.clock.now):
                return

    def attempt(self, attempt: Attempt) -> Generator[Event, None, None]:
        """Try once, until the request ends or the attempt fails."""
        request, serving = attempt.request, self.world.serving
        replied = self.replied[attempt] = self.clock.event()
        if serving.no_coverage == "wait" or self.links.covered(request.device, self.clock.now):
            self.clock.process(self.journey(attempt))
        elif serving.no_coverage == "time_out":
            self.links.lose(self.clock, Direction.UP, attempt, attempt.bytes_up)
        else:
            attempt.bytes_up = 0
            return
        awaited = replied | request.ended
        if serving.retry.attempt_timeout_s is not None:
            deadline_s = attempt.sent_s + serving.retry.attempt_timeout_s
            if deadline_s < request.expires_s:
                awaited |= self.clock.at(deadline_s, TIMEOUT)
        yield awaited

    def journey(self, attempt: Attempt) -> Generator[Event, None, None]:
        """Go up the link and into the cloud."""
        request = attempt.request
        yield self.links.carry(self.clock, Direction.UP, attempt, request.bytes_up)
        self.cloud.submit(attempt)

    def answer(self, attempt: Attempt) -> None:
        """Send the cloud's answer on its way."""
        self.clock.process(self.way_back(attempt))

    def way_back(self, attempt: Attempt) -> Generator[Event, None, None]:
        """Go down the link to the device."""
        attempt.answered_s = self.clock.now
        served = attempt.answer == Answer.LIST
        candidates = self.world.table.candidate_count if served else 0
        attempt.bytes_down = self.world.serving.payload.reply_bytes(candidates)
        yield self.links.carry(self.clock, Direction.DOWN, attempt, attempt.bytes_down)
        attempt.reply_s = self.clock.now
        self.replied[attempt].succeed()
        if served and not attempt.request.ended.triggered:
            attempt.request.end(Outcome.DELIVERED, self.clock.now, attempt)
