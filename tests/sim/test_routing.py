"""Which replica an attempt goes to: the rules, and what they do in a cloud."""

from dataclasses import dataclass

import pytest
from cloud_by_hand import CloudByHand
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from sim.client.request import Answer
from sim.cloud.routing import AnyRouting
from sim.cloud.routing.join_shortest_queue import JoinShortestQueue
from sim.cloud.routing.least_outstanding import LeastOutstanding
from sim.cloud.routing.round_robin import RoundRobin
from sim.cloud.routing.shared import Shared
from workloads.settings import Settings


@dataclass(frozen=True)
class Load:
    number: int
    waiting: int = 0
    in_service: int = 0


class Routed(Settings):
    routing: AnyRouting = Shared()


def test_round_robin_takes_every_serving_replica_in_turn():
    serving = [Load(0), Load(2), Load(5)]
    chosen, last = [], -1
    for _ in range(7):
        last = RoundRobin().choose(serving, last)
        chosen.append(last)
    assert chosen == [0, 2, 5, 0, 2, 5, 0]


def test_round_robin_goes_on_after_a_replica_that_is_gone():
    assert RoundRobin().choose([Load(0), Load(2)], 1) == 2
    assert RoundRobin().choose([Load(0), Load(1)], 2) == 0


def test_what_is_in_service_adds_to_the_queue_or_settles_ties():
    serving = [Load(0, waiting=1, in_service=4), Load(1, waiting=2, in_service=0)]
    assert LeastOutstanding().choose(serving, -1) == 1
    assert JoinShortestQueue().choose(serving, -1) == 0
    assert JoinShortestQueue().choose([Load(0, in_service=2), Load(1, in_service=1)], -1) == 1


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=6),
    st.integers(-1, 6),
)
def test_ties_go_to_the_lower_number(loads, last):
    serving = [Load(3 * at, *load) for at, load in enumerate(loads)]
    for routing, measure in (
        (LeastOutstanding(), lambda load: load.waiting + load.in_service),
        (JoinShortestQueue(), lambda load: (load.waiting, load.in_service)),
    ):
        least = min(map(measure, serving))
        lowest = min(load.number for load in serving if measure(load) == least)
        assert routing.choose(serving, last) == lowest


@pytest.mark.parametrize("kind", ["shared", "round_robin", "least_outstanding"])
def test_a_bare_name_stands_for_the_settings_of_its_kind(kind):
    bare = Routed.model_validate({"routing": kind})
    assert bare == Routed.model_validate({"routing": {"kind": kind}})
    assert bare.routing.kind == kind
    assert Routed.model_validate(bare.model_dump()) == bare


def test_an_unknown_name_is_refused():
    with pytest.raises(ValidationError, match="union_tag_invalid"):
        Routed.model_validate({"routing": "random"})


def cloud(arrivals_s, routing, **values):
    return CloudByHand(arrivals_s, replicas=2, routing=routing, **values)


def test_each_replica_has_its_own_queue():
    # Replica 0 gets devices 0 and 2, replica 1 gets 1 and 3, also when the other one is free.
    served = cloud([0.0, 0.0, 0.0, 0.5], "round_robin", seconds=3.0)
    assert served.starts == [0.0, 0.0, 3.0, 3.0]
    shared = cloud([0.0, 0.0, 0.0, 0.5], "shared", seconds=3.0)
    assert shared.starts == [0.0, 0.0, 3.0, 3.0]
    # Nobody waits in either queue, but replica 1 is idle.
    assert cloud([0.0, 1.0], "join_shortest_queue").starts == [0.0, 1.0]
    assert cloud([0.0, 1.0], "least_outstanding").starts == [0.0, 1.0]


def test_arrivals_of_one_instant_see_those_before_them():
    served = cloud([0.0] * 4, "join_shortest_queue", seconds=3.0)
    assert served.starts == [0.0, 0.0, 3.0, 3.0]


def test_the_limit_holds_for_each_queue():
    served = cloud([0.0, 0.1, 0.2, 0.3, 0.4, 0.5], "round_robin", queue_limit=1)
    answers = [Answer.LIST] * 4 + [Answer.REJECTION] * 2
    assert served.column("answer") == answers


def test_a_replica_that_is_down_gets_nothing():
    crash = {"at_s": 0.5, "replica": 0, "down_s": 10.0}
    served = cloud([1.0, 2.0, 11.0], "round_robin", faults={"crashes": (crash,)})
    assert served.starts == [1.0, 4.0, 11.0]


def test_with_nowhere_to_go_an_attempt_fails_at_once():
    for routing in ("shared", "round_robin"):
        crashes = tuple({"at_s": 0.5, "replica": replica, "down_s": 10.0} for replica in (0, 1))
        served = cloud([1.0, 10.5], routing, faults={"crashes": crashes})
        assert served.column("answer") == [Answer.FAILURE, Answer.LIST]
        assert served.column("answered_s") == [1.0, 13.5]
