"""What holds in every world, whatever it is made of and whatever goes wrong in it.

Requests end once, bytes are somewhere, replicas work only when they can, nothing comes before its
cause, Little's law holds, energy is what its parts are, and the same world leaves the same bytes.
"""

import dataclasses
import hashlib
import math
from collections import defaultdict
from enum import Enum
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from random_whole_worlds import WHOLE_WORLDS, whole_world
from watched_cloud import Run, assert_littles_law
from watched_links import WatchedLinks

from sim.client.request import NEVER_S, Answer, Outcome
from sim.cloud.records import End, ReplicaState
from sim.engine import simulate
from sim.network.traffic import Flow
from sim.radio.radio import Radio

ROUNDING_S = 1e-6
USED = (Outcome.DELIVERED, Outcome.SUPERSEDED)


@dataclasses.dataclass
class Seen:
    """A world, what it left behind, and what was seen of its links and its cloud."""

    world: object
    run: Run
    post: WatchedLinks

    @classmethod
    def of(cls, world):
        post = WatchedLinks()
        with pytest.MonkeyPatch.context() as patch:
            post.watch(patch)
            run = Run.of(world)
        return cls(world, run, post)

    @property
    def result(self):
        return self.run.result

    @property
    def horizon_s(self):
        return self.result.simulated_s

    @property
    def attempts(self):
        """All attempts that were sent into a network."""
        return [each.message for each in self.post.letters if each.up and not each.parameters]


def digest(thing):
    """Return a digest of everything in a record, down to the last bit."""
    parts = hashlib.sha256()

    def take(what):
        parts.update(type(what).__name__.encode())
        if isinstance(what, np.ndarray):
            parts.update(f"{what.dtype} {what.shape}".encode())
            parts.update(np.ascontiguousarray(what).tobytes())
        elif dataclasses.is_dataclass(what):
            for field in dataclasses.fields(what):
                take(getattr(what, field.name))
        elif isinstance(what, dict):
            for key, value in what.items():
                take(key)
                take(value)
        elif isinstance(what, list | tuple):
            for each in what:
                take(each)
        else:
            assert isinstance(what, bool | int | float | str | Enum | np.generic | None), what
            parts.update(repr(what).encode())

    take(thing)
    return parts.hexdigest()


def assert_outcomes(seen):
    """Every request has one outcome, and every attempt in the cloud at most one end."""
    interactions, requests, serving = (
        seen.result.interactions,
        seen.result.requests,
        seen.world.serving,
    )
    counts = np.bincount(requests.outcome, minlength=len(Outcome))
    assert len(counts) == len(Outcome)
    assert counts.sum() == interactions.requested.sum() == len(requests.device)
    asked = list(zip(*np.nonzero(interactions.requested), strict=True))
    assert asked == list(zip(requests.device, requests.step, strict=True))
    kinds = (interactions.requested, interactions.suppressed, interactions.held_back)
    assert (sum(kind.astype(int) for kind in kinds) <= interactions.happened).all()
    in_flight = requests.outcome == Outcome.IN_FLIGHT
    np.testing.assert_array_equal(in_flight, np.isinf(requests.ended_s))
    expires_s = requests.sent_s + serving.timeout_s
    assert (requests.ended_s[~in_flight] <= expires_s[~in_flight]).all()
    assert (requests.attempts <= serving.retry.attempts).all()
    assert (requests.attempts >= 1).all()
    delivered = np.isin(requests.outcome, USED)
    assert (requests.answer[delivered] == Answer.LIST).all()
    np.testing.assert_array_equal(requests.reply_s[delivered], requests.ended_s[delivered])
    # The cloud counts the same attempts that the links brought it.
    cloud, horizon_s = seen.result.cloud, seen.horizon_s
    arrived = [each for each in seen.attempts if each.arrived_cloud_s <= horizon_s]
    assert cloud.arrived == len(arrived)
    assert cloud.unfinished >= 0
    answers = [each.answer for each in arrived if each.answered_s <= horizon_s]
    for end, answer in (
        (End.SERVED, Answer.LIST),
        (End.REJECTED, Answer.REJECTION),
        (End.FAILED, Answer.FAILURE),
    ):
        assert cloud.ends[end] == answers.count(answer)
    assert sum(cloud.ends.values()) <= cloud.arrived


def assert_bytes(seen):
    """Bytes sent are received, lost or in flight, each counted on its own."""
    log, horizon_s, letters = seen.post.links.log.columns(), seen.horizon_s, seen.post.letters
    last_s = seen.result.interactions.last_decision_s
    requests, traffic = seen.result.requests, seen.result.network.traffic
    assert (log.lost_bytes >= 0).all()
    assert (log.lost_bytes <= log.wire_bytes).all()
    # Nobody takes parameters that are pushed after a device's last decision.
    too_late = log.parameters & (log.first_sent_s > last_s[log.device])
    counts = (log.sent_s <= horizon_s) & ~too_late
    for up, flow in ((True, traffic.up), (False, traffic.down)):
        mine = log.where(counts & ((log.direction == 0) == up))
        kept_bytes = mine.wire_bytes - mine.lost_bytes
        there, gone = mine.arrived_s <= horizon_s, mine.end_s <= horizon_s
        under_way = kept_bytes[~there].sum() + mine.lost_bytes[~gone].sum()
        again = mine.wire_bytes[mine.transmission > 0].sum()
        counted = Flow(
            sent_bytes=mine.wire_bytes.sum(),
            received_bytes=kept_bytes[there].sum(),
            lost_bytes=mine.lost_bytes[gone].sum(),
            in_flight_bytes=under_way,
            retransmitted_bytes=again,
        )
        assert flow == counted
        assert flow.sent_bytes == flow.received_bytes + flow.lost_bytes + flow.in_flight_bytes
        # What was given to the links, without a look at their log.
        given = [
            each
            for each in letters
            if each.up == up
            and each.sent_s <= horizon_s
            and not (each.parameters and each.sent_s > last_s[each.message.device])
        ]
        assert flow.sent_bytes - flow.retransmitted_bytes == sum(each.wire_bytes for each in given)
        # Of messages that are there all bytes are, and of others some can be.
        complete = sum(each.wire_bytes for each in given if each.received_s <= horizon_s)
        assert complete <= kept_bytes[there].sum()
        post = [each for each in given if not each.parameters]
        payload = sum(each.size_bytes for each in post)
        assert payload == (requests.bytes_up if up else requests.bytes_down).sum()
    assert_every_byte_is_logged_once(log, letters)


def assert_every_byte_is_logged_once(log, letters):
    """Each device's bytes, in the order of sending, are those of its messages."""
    sent = defaultdict(int)
    for each in letters:
        sent[each.message.device, each.direction, each.sent_s, each.parameters] += each.wire_bytes
    logged = defaultdict(int)
    for row in np.flatnonzero(log.transmission == 0).tolist():
        key = int(log.device[row]), log.direction[row], log.sent_s[row], log.parameters[row]
        logged[key] += int(log.wire_bytes[row])
    assert logged == sent


def assert_capacity(seen):
    """Replicas work one batch at a time, when they are up, and never longer than that."""
    cloud, log, world = seen.result.cloud, seen.run.log, seen.world
    up_s = cloud.on_s - cloud.starting_s - cloud.failed_s
    assert (cloud.busy_s >= 0).all()
    assert (cloud.busy_s <= up_s + ROUNDING_S).all()
    assert (cloud.on_s <= seen.horizon_s + ROUNDING_S).all()
    working = {ReplicaState.SERVING, ReplicaState.STOPPING}
    for states, works in zip(log.states, log.works_of, strict=True):
        times_s = [time_s for time_s, _ in states]
        assert times_s == sorted(times_s)
        for work, following in pairwise(works):
            assert work.end_s <= following.start_s
        for work in works:
            assert work.start_s <= work.end_s
            assert 1 <= work.requests <= world.cloud.batching.size
            assert 0 <= work.cached_tokens <= work.prompt_tokens
            for (from_s, state), (until_s, _) in pairwise([*states, (NEVER_S, None)]):
                overlap_s = min(until_s, work.end_s) - max(from_s, work.start_s)
                assert overlap_s <= 0 or state in working
            for outage in world.faults.outages:
                if outage.work == "lost":
                    assert work.end_s <= outage.start_s or work.start_s >= outage.end_s


def assert_causes_come_first(seen):
    """Nothing happens before what it follows from."""
    for letter in seen.post.letters:
        assert letter.sent_s <= letter.received_s
        if not letter.parameters:
            began, came = ("sent_s", "arrived_cloud_s") if letter.up else ("answered_s", "reply_s")
            assert getattr(letter.message, began) == letter.sent_s
            assert getattr(letter.message, came) == letter.received_s
    for attempt in seen.attempts:
        assert attempt.sent_s <= attempt.arrived_cloud_s
        assert attempt.arrived_cloud_s <= min(attempt.service_start_s, attempt.answered_s)
        assert attempt.service_start_s <= attempt.service_end_s
        assert attempt.answered_s <= attempt.reply_s
        if attempt.answer == Answer.LIST:
            assert attempt.service_end_s <= attempt.answered_s < NEVER_S
            assert attempt.batch_size >= 1
    log = seen.post.links.log.columns()
    for earlier, later in pairwise((log.sent_s, log.wake_s, log.start_s, log.end_s, log.arrived_s)):
        assert (earlier <= later).all()
    assert_records_in_order(seen)
    assert_lists_were_asked_for(seen)


def assert_records_in_order(seen):
    """What is written down of requests and of sessions is in the order of time."""
    world, records, requests = seen.world, seen.result.interactions, seen.result.requests
    assert (requests.sent_s <= requests.arrived_cloud_s).all()
    served = np.isfinite(requests.service_start_s)
    assert (requests.arrived_cloud_s <= requests.service_start_s)[served].all()
    assert (requests.service_start_s <= requests.service_end_s).all()
    listed = requests.answer == Answer.LIST
    assert (requests.service_end_s <= requests.reply_s)[listed].all()
    assert (requests.sent_s <= np.minimum(requests.reply_s, requests.ended_s)).all()
    asked_s = records.decision_s[requests.device, requests.step]
    assert (asked_s <= requests.sent_s).all()
    # One request of a device at a time.
    same = requests.device[1:] == requests.device[:-1]
    assert (requests.ended_s[:-1] <= requests.sent_s[1:])[same].all()
    happened = records.happened
    assert (world.sessions.start_s <= records.decision_s[:, 0]).all()
    assert (records.decision_s <= records.shown_s)[happened].all()
    gaps_s = records.decision_s[:, 1:] - records.shown_s[:, :-1]
    later = happened[:, 1:]
    assert (gaps_s >= world.sessions.think_s - ROUNDING_S)[later].all()
    assert (records.shown_s[happened] <= seen.horizon_s).all()
    waiting_s = (records.shown_s - records.decision_s)[happened]
    limit_s = min(world.serving.deadline_s, world.serving.timeout_s)
    longest_s = 2 * max(world.phones.scoring_s) + (limit_s if world.serving.mode == "wait" else 0)
    assert (waiting_s <= longest_s + ROUNDING_S).all()


def assert_lists_were_asked_for(seen):
    """Every list that is held or shown had come by then, and what is called used has been."""
    records, requests = seen.result.interactions, seen.result.requests
    ends = {
        (device, step): (ended_s, outcome)
        for device, step, ended_s, outcome in zip(
            requests.device, requests.step, requests.ended_s, requests.outcome, strict=True
        )
    }
    first_row, used = seen.world.first_row, set()
    for rows, times_s in (
        (records.held_row, records.decision_s),
        (records.shown_row, records.shown_s),
    ):
        for device, step in zip(*np.nonzero(records.happened), strict=True):
            row = rows[device, step]
            if row == first_row:
                continue
            ended_s, outcome = ends[device, row]
            assert outcome == Outcome.DELIVERED
            assert row <= step
            assert ended_s <= times_s[device, step]
            used.add((device, row))
    delivered = {key for key, (_, outcome) in ends.items() if outcome == Outcome.DELIVERED}
    assert used == delivered


def assert_energy(seen):
    """No part is negative, parts are what they are parts of, and batteries give no more."""
    world, result = seen.world, seen.result
    records, energy_j = result.interactions, result.energy_j
    assert all(0 <= own_j < math.inf for own_j in energy_j.values())
    by_radio = result.network.radio_energy_j
    for state in ("promotion", "transfer", "tail") if by_radio else ():
        own_j = sum(of_radio[state] for of_radio in by_radio.values())
        assert own_j == pytest.approx(energy_j[f"radio_{state}"])
    lived_s = records.last_shown_s - world.sessions.start_s
    scoring_j, idle_j = np.zeros(world.devices), np.zeros(world.devices)
    scored = records.happened & (records.ranked_by == 0)
    for device in range(world.devices):
        phone = world.phones.of(device)
        anew = scored[device] & (records.shown_row[device] != records.held_row[device])
        scorings = int(scored[device].sum() + anew.sum())
        scoring_j[device] = phone.active_power_w * world.phones.scoring_s_of(device) * scorings
        idle_j[device] = phone.idle_power_w * lived_s[device]
    assert energy_j.get("idle", 0.0) == pytest.approx(idle_j.sum())
    if result.adaptation is None:
        assert energy_j["compute"] == pytest.approx(scoring_j.sum())
    else:
        assert energy_j["compute"] >= scoring_j.sum() * (1 - 1e-9)
    assert_radio_power(seen)
    if records.battery_share.size:
        last = world.sessions.steps - 1
        shares = records.battery_share[np.arange(world.devices), last]
        full_j = np.array([world.phones.of(device).battery_j for device in range(world.devices)])
        used_j = (world.battery_start_shares - shares) * full_j
        # Shares are float32.
        assert (used_j >= -1e-6 * full_j).all()
        assert used_j.sum() <= sum(energy_j.values()) * (1 + 1e-9) + 1e-6 * full_j.sum()


def assert_radio_power(seen):
    """No radio took more than its greatest power all the time, and what its bytes cost."""
    radios, result = seen.post.links.radios.radios, seen.result
    time_s, traffic = seen.world.devices * seen.horizon_s, result.network.traffic

    def most_w(radio: Radio):
        return max(radio.beta_w, radio.promotion_w, *(power_w for _, power_w in radio.tail), 0.0)

    bits_j = 8e-6 * (
        max(radio.alpha_up_w_per_mbps for radio in radios) * traffic.up.sent_bytes
        + max(radio.alpha_down_w_per_mbps for radio in radios) * traffic.down.sent_bytes
    )
    spent_j = sum(own_j for state, own_j in result.energy_j.items() if state.startswith("radio_"))
    assert spent_j <= (sum(map(most_w, radios)) * time_s + bits_j) * (1 + 1e-9)


def assert_sound(values, traces):
    """Check all that holds in every world in one that is made of these values."""
    seen = Seen.of(whole_world(values, traces))
    assert_outcomes(seen)
    assert_bytes(seen)
    assert_capacity(seen)
    assert_causes_come_first(seen)
    assert_energy(seen)
    if seen.horizon_s:
        assert_littles_law(seen.run, seen.horizon_s)
    again = simulate(whole_world(values, traces))
    assert digest(again) == digest(seen.result)


@given(values=WHOLE_WORLDS)
@settings(max_examples=25)
def test_it_holds_in_every_world(traces, values):
    assert_sound(values, traces)


@pytest.mark.slow
@given(values=WHOLE_WORLDS)
@settings(max_examples=600, suppress_health_check=list(HealthCheck))
def test_it_holds_in_hundreds_of_worlds(traces, values):
    assert_sound(values, traces)
