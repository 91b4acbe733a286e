"""Which replica an attempt goes to: the rules, and what they do in a cloud."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

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


def test_what_is_in_service_counts_for_least_outstanding_only():
    serving = [Load(0, waiting=1, in_service=4), Load(1, waiting=2, in_service=0)]
    assert LeastOutstanding().choose(serving, -1) == 1
    assert JoinShortestQueue().choose(serving, -1) == 0


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=6),
    st.integers(-1, 6),
)
def test_ties_go_to_the_lower_number(loads, last):
    serving = [Load(3 * at, *load) for at, load in enumerate(loads)]
    for routing, measure in (
        (LeastOutstanding(), lambda load: load.waiting + load.in_service),
        (JoinShortestQueue(), lambda load: load.waiting),
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
