"""Request policies, on views small enough to read."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from sim.policies import AnyPolicy, PolicyView
from sim.policies.always import Always
from sim.policies.consistency import Consistency
from sim.policies.consistency_drop import ConsistencyDrop
from sim.policies.never import Never
from sim.policies.periodic import Periodic
from sim.policies.random import Random


def view(consistency, first_step=0, fresh=0.9, draws=None):
    consistency = np.asarray(consistency, dtype=np.float32)
    steps = np.arange(first_step, first_step + len(consistency))
    return PolicyView(
        first_step=first_step,
        consistency=consistency,
        fresh_consistency=fresh,
        list_age_steps=steps + 1,
        decision_s=20.0 * steps,
        draws=np.linspace(0.05, 0.95, len(consistency)) if draws is None else np.asarray(draws),
    )


@pytest.mark.parametrize(
    ("policy", "asks"),
    [
        (Never(), [0, 0, 0, 0, 0]),
        (Always(), [1, 1, 1, 1, 1]),
        (Periodic(every=1), [1, 1, 1, 1, 1]),
        (Periodic(every=2), [0, 1, 0, 1, 0]),
        (Periodic(every=5), [0, 0, 0, 0, 1]),
        (Random(probability=0.3), [1, 1, 0, 0, 0]),
        (Consistency(threshold=0.5), [0, 0, 1, 0, 1]),
        (Consistency(threshold=0.0), [0, 0, 0, 0, 0]),
        (Consistency(threshold=1.01), [1, 1, 1, 1, 1]),
        (ConsistencyDrop(threshold=0.35), [0, 0, 1, 1, 1]),
    ],
    ids=repr,
)
def test_where_a_policy_asks(policy, asks):
    seen = view([1.0, 0.7, 0.4, 0.5, 0.0])
    np.testing.assert_array_equal(policy.asks(seen), np.array(asks, dtype=bool))


POLICIES = st.sampled_from(
    [
        Never(),
        Always(),
        Periodic(every=3),
        Random(probability=0.2),
        Consistency(threshold=0.4),
        ConsistencyDrop(threshold=0.2),
    ]
)


@given(
    policy=POLICIES,
    consistency=st.lists(st.floats(0, 1, width=32), min_size=1, max_size=12),
    first_step=st.integers(0, 9),
    data=st.data(),
)
def test_vectors_of_steps_decide_as_step_by_step(policy, consistency, first_step, data):
    draws = data.draw(
        st.lists(
            st.floats(0, 1, exclude_min=True, exclude_max=True),
            min_size=len(consistency),
            max_size=len(consistency),
        )
    )
    last = first_step + len(consistency)
    from_step = data.draw(st.integers(first_step, last))
    whole = policy.first_request(view(consistency, first_step, draws=draws), from_step)
    singly = (
        step
        for step in range(from_step, last)
        if policy.first_request(
            view(
                consistency[step - first_step : step - first_step + 1],
                step,
                draws=draws[step - first_step : step - first_step + 1],
            ),
            step,
        )
        == step
    )
    assert whole == next(singly, None)


def test_policies_are_found_by_their_names():
    adapter = TypeAdapter(AnyPolicy)
    assert adapter.validate_python({"kind": "periodic", "every": 4}) == Periodic(every=4)
    with pytest.raises(ValidationError):
        adapter.validate_python({"kind": "sometimes"})
    with pytest.raises(ValidationError):
        adapter.validate_python({"kind": "random", "probability": 1.5})
