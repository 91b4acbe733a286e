"""Request policies, on views small enough to read."""

import numpy as np
import pytest
from every_policy import POLICIES
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from sim.outcome_table import SIGNALS
from sim.policies import AnyPolicy, PolicyView
from sim.policies.age_and_consistency import AgeAndConsistency
from sim.policies.always import Always
from sim.policies.budgeted import Budgeted
from sim.policies.consistency import Consistency
from sim.policies.consistency_drop import ConsistencyDrop
from sim.policies.hindsight import HindsightBound
from sim.policies.interest_drift import InterestDrift
from sim.policies.learned import Learned
from sim.policies.mixture import Mixture
from sim.policies.network_aware import NetworkAware
from sim.policies.never import Never
from sim.policies.periodic import Periodic
from sim.policies.random import Random
from sim.policies.schedule import Schedule
from sim.policies.staleness import Staleness
from sim.policies.uncertainty import Uncertainty

POLICY = TypeAdapter(AnyPolicy)
CONSISTENCY = [1.0, 0.7, 0.4, 0.5, 0.0]


def view(numbers, first_step=0, fresh=0.9, draws=None, **given):
    """Return a view whose signals are all the same numbers, but for what is given by name."""
    numbers = np.asarray(numbers, dtype=np.float32)
    steps = np.arange(first_step, first_step + len(numbers))
    names = (*SIGNALS, "predicted_gain")
    signals = {name: np.asarray(given.pop(name, numbers), np.float32) for name in names}
    return PolicyView(
        first_step=first_step,
        list_age_steps=steps + 1,
        list_age_s=20.0 * (steps + 1),
        decision_s=20.0 * steps,
        signals=signals,
        fresh_signals=dict.fromkeys(signals, fresh),
        candidate_count=50,
        session_draw=0.5,
        draws=np.linspace(0.05, 0.95, len(numbers)) if draws is None else np.asarray(draws),
        **given,
    )


@pytest.mark.parametrize(
    ("policy", "asks"),
    [
        (Never(), [0, 0, 0, 0, 0]),
        (Always(), [1, 1, 1, 1, 1]),
        (Periodic(every=1), [1, 1, 1, 1, 1]),
        (Periodic(every=2), [0, 1, 0, 1, 0]),
        (Periodic(every=5), [0, 0, 0, 0, 1]),
        # With the session's draw of .5 a period of 4 has two steps behind it.
        (Periodic(every=4, phase="random"), [0, 1, 0, 0, 0]),
        (Random(probability=0.3), [1, 1, 0, 0, 0]),
        (Staleness(steps=4), [0, 0, 0, 1, 1]),
        (Staleness(seconds=60.0), [0, 0, 1, 1, 1]),
        (Schedule(steps=(0, 3, 17)), [1, 0, 0, 1, 0]),
        (Consistency(threshold=0.5), [0, 0, 1, 0, 1]),
        (Consistency(threshold=0.0), [0, 0, 0, 0, 0]),
        (Consistency(threshold=1.01), [1, 1, 1, 1, 1]),
        (Consistency(threshold=0.5, measure="kendall"), [0, 0, 1, 0, 1]),
        (ConsistencyDrop(threshold=0.35), [0, 0, 1, 1, 1]),
        # 0.12 x age + 1 - consistency: .12, .54, .96, .98, 1.6
        (AgeAndConsistency(threshold=0.97, age_weight=0.12), [0, 0, 0, 1, 1]),
        (InterestDrift(threshold=0.55), [0, 0, 1, 0, 1]),
        (Uncertainty(threshold=0.45), [1, 1, 0, 1, 0]),
        (Uncertainty(threshold=0.45, by="margin"), [0, 0, 1, 1, 1]),
        (Learned(threshold=0.45), [1, 1, 0, 1, 0]),
        (Mixture(first=Never(), second=Periodic(every=2), share=0.4), [0, 1, 0, 0, 0]),
    ],
    ids=repr,
)
def test_where_a_policy_asks(policy, asks):
    np.testing.assert_array_equal(policy.asks(view(CONSISTENCY)), np.array(asks, dtype=bool))


def test_the_penalty_counts_invalid_candidates_in_ranks():
    # Two invalid candidates: (4 + 0.6)^2 - 4^2 = 5.16 ranks, of 25 that are a consistency of 0.
    seen = view([0.7, 0.7, 0.1], invalid_candidates=[0, 2, 2])
    measured = Consistency(threshold=0.5, invalid_penalty=True).measured(seen)
    np.testing.assert_allclose(measured, [0.7, 0.7 - 5.16 / 25, 0.0], rtol=1e-6)


def test_a_bucket_gives_out_its_tokens_and_fills_again():
    hourly = Budgeted(per_hour=180.0, burst=2.0, inner=Always())  # a token every 20 s
    asks = hourly.asks(view(CONSISTENCY))
    np.testing.assert_array_equal(asks, [1, 1, 1, 1, 1])  # full, and nothing was taken
    # Two at 0 s and 10 s leave half a token; at 20 s it is one.
    taken = view(CONSISTENCY, requested_s=np.array([0.0, 10.0]))
    np.testing.assert_array_equal(hourly.asks(taken), [0, 1, 1, 1, 1])
    nothing = Budgeted(per_hour=0.0, inner=Always())
    np.testing.assert_array_equal(
        nothing.asks(view(CONSISTENCY, requested_s=np.array([0.0]))), np.zeros(5)
    )


def test_an_endless_budget_is_there_at_once():
    endless = Budgeted(per_hour=np.inf, burst=1.0, inner=Always())
    now = view([0.5], requested_s=np.array([0.0]))  # a second decision at the very same time
    np.testing.assert_array_equal(endless.asks(now), [1])


def test_a_mixture_of_neighbours_is_as_eager_as_what_lies_between():
    between = Mixture(first=Staleness(steps=2), second=Staleness(steps=3), share=0.25)
    assert between.eagerness == pytest.approx(1 / 2.25)
    assert between.with_eagerness(1 / 2.25).share == pytest.approx(0.25)
    assert between.with_eagerness(0.5) == Staleness(steps=2)
    assert not Mixture(first=Never(), second=Staleness(steps=3), share=0.25).is_adjustable


def test_a_network_aware_policy_asks_earlier_where_that_is_cheap_and_holds_back_where_dear():
    aware = NetworkAware(inner=Consistency(threshold=0.505), earlier=0.2, later=0.2)
    for wake_energy_j, threshold in ((0.5, 0.707), (5.0, 0.505), (12.0, 0.303), (np.inf, 0.303)):
        np.testing.assert_array_equal(
            aware.asks(view([0.6, 0.4, 0.2], wake_energy_j=wake_energy_j)),
            Consistency(threshold=threshold).asks(view([0.6, 0.4, 0.2])),
        )


def part(whole, begin, end):
    """Return the part of a view that covers steps begin .. end - 1."""
    cut = slice(begin - whole.first_step, end - whole.first_step)
    return whole._replace(
        first_step=begin,
        list_age_steps=whole.list_age_steps[cut],
        list_age_s=whole.list_age_s[cut],
        decision_s=whole.decision_s[cut],
        signals={name: values[cut] for name, values in whole.signals.items()},
        draws=whole.draws[cut],
    )


@given(
    policy=st.sampled_from(POLICIES),
    numbers=st.lists(st.floats(0, 1, width=32), min_size=1, max_size=12),
    first_step=st.integers(0, 9),
    wake_energy_j=st.sampled_from([0.0, 5.0, 12.0]),
    requested_s=st.lists(st.floats(-500, -1), max_size=3),
    data=st.data(),
)
def test_vectors_of_steps_decide_as_step_by_step(
    policy, numbers, first_step, wake_energy_j, requested_s, data
):
    draw = st.floats(0, 1, exclude_min=True, exclude_max=True)
    draws = data.draw(st.lists(draw, min_size=len(numbers), max_size=len(numbers)))
    last = first_step + len(numbers)
    from_step = data.draw(st.integers(first_step, last))
    whole = view(
        numbers,
        first_step,
        draws=draws,
        wake_energy_j=wake_energy_j,
        requested_s=np.array(sorted(requested_s)),
    )
    singly = (
        step
        for step in range(from_step, last)
        if policy.first_request(part(whole, step, step + 1), step) == step
    )
    assert policy.first_request(whole, from_step) == next(singly, None)


TUNABLE = [policy for policy in POLICIES if policy.parameter]


@pytest.mark.parametrize("policy", TUNABLE, ids=repr)
def test_the_more_eager_a_policy_the_more_it_asks(policy):
    if policy.kind == "budgeted":  # asks no oftener than what is inside
        policy = Budgeted(per_hour=40.0, inner=Always())
    seen = view(np.linspace(0.02, 0.98, 40), requested_s=np.array([-5.0]))
    asks = [policy.with_eagerness(u).asks(seen).sum() for u in np.linspace(0, 1, 41)]
    assert asks[0] == 0
    assert asks[-1] == 40
    if not isinstance(policy, Periodic):  # a mixture of every 2 and every 3 may ask at fewer steps
        assert (np.diff(asks) >= 0).all()


@pytest.mark.parametrize("policy", TUNABLE, ids=repr)
def test_a_policy_is_as_eager_as_its_parameter_says(policy):
    again = policy.with_eagerness(policy.eagerness)
    assert again.kind in (policy.kind, "mixture")
    if again.kind == policy.kind:
        assert again.eagerness == pytest.approx(policy.eagerness)


def test_a_policy_is_told_by_its_parameter_or_by_a_wanted_frequency():
    assert POLICY.validate_python({"kind": "periodic", "every": 4}) == Periodic(every=4)
    wanted = POLICY.validate_python({"kind": "consistency", "target_frequency": 0.3})
    assert wanted.target_frequency == 0.3
    with pytest.raises(ValueError, match="to be calibrated first"):
        wanted.asks(view(CONSISTENCY))
    for wrong in (
        {"kind": "sometimes"},
        {"kind": "random", "probability": 1.5},
        {"kind": "random"},
        {"kind": "random", "probability": 0.5, "target_frequency": 0.5},
        {"kind": "random", "target_frequency": 0.0},
        {"kind": "staleness", "steps": 3, "seconds": 5.0},
        {"kind": "never", "target_frequency": 0.5},
        {"kind": "consistency", "threshold": 40.0},
        {"kind": "consistency", "threshold": {"quantile": 1.5}},
        {"kind": "network_aware", "inner": {"kind": "always"}},
        {"kind": "network_aware", "inner": {"kind": "hindsight", "request_price": 0.1}},
        {"kind": "budgeted", "per_hour": 4.0, "inner": {"kind": "hindsight", "request_price": 0.1}},
        {"kind": "hindsight", "request_price": np.nan},
        {"kind": "age_and_consistency", "threshold": 0.5, "age_weight": np.inf},
        {
            "kind": "budgeted",
            "target_frequency": 0.2,
            "inner": {"kind": "random", "target_frequency": 0.5},
        },
        {
            "kind": "mixture",
            "share": 0.5,
            "first": {"kind": "hindsight", "request_price": 0.1},
            "second": {"kind": "never"},
        },
        {
            "kind": "mixture",
            "share": 0.5,
            "first": {
                "kind": "budgeted",
                "per_hour": 4.0,
                "inner": {"kind": "consistency", "target_frequency": 0.5},
            },
            "second": {"kind": "never"},
        },
    ):
        with pytest.raises(ValidationError):
            POLICY.validate_python(wrong)


def test_what_is_wrong_inside_a_policy_is_told_with_its_place():
    with pytest.raises(ValidationError) as error:
        POLICY.validate_python(
            {"kind": "budgeted", "per_hour": 4.0, "inner": {"kind": "random", "probability": "a"}}
        )
    assert error.value.errors()[0]["loc"][-1] == "probability"
    assert "inner" in error.value.errors()[0]["loc"]


def test_a_network_aware_policy_hands_the_wanted_frequency_on():
    aware = POLICY.validate_python(
        {"kind": "network_aware", "target_frequency": 0.2, "inner": {"kind": "consistency"}}
    )
    assert aware.inner.target_frequency == 0.2


def test_series_leave_out_what_decides_how_often_to_ask():
    assert Consistency(threshold=0.3).series == "consistency"
    assert Consistency(threshold=0.3, measure="kendall").series == "consistency (kendall)"
    assert Uncertainty(target_frequency=0.3, by="margin").series == "uncertainty (margin)"
    assert Staleness(seconds=30.0).series == "staleness (seconds)"
    budgeted = Budgeted(per_hour=4.0, burst=3.0, inner=Random(probability=0.2))
    assert budgeted.series == "budgeted (burst 3): random"
    assert HindsightBound(target_frequency=0.3).series == "hindsight"


@pytest.mark.parametrize("policy", POLICIES, ids=repr)
def test_what_is_written_of_a_policy_reads_the_same(policy):
    assert POLICY.validate_python(policy.model_dump(mode="json")) == policy
