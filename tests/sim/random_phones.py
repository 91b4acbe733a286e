"""Phones that run out of what they have and whose users go away, as values of a scenario."""

from hypothesis import strategies as st

# Small batteries, so that those of a session of two minutes run down on radio and idle power.
CLASSES = [
    {"kind": "low", "share": 0.5, "battery_j": 300.0, "sustained_flops": 1e7},
    {"kind": "high", "share": 0.5, "battery_j": 900.0},
]
BATTERIES = st.fixed_dictionaries(
    {
        "start": st.sampled_from([{"low": 0.2, "high": 1.0}, {"low": 0.0, "high": 0.3}]),
        "saver_below": st.sampled_from([0.3, 0.6]),
        "saver_every": st.integers(1, 3),
        "stop_below": st.sampled_from([0.0, 0.1, 0.3]),
    }
)
# A scoring takes 7 MFLOP, so these are for 3 scorings, for 7, for trainings alone, or without end.
BUDGETS = st.sampled_from(
    [
        {},
        {"compute_budget_flops_per_hour": 2.1e7, "budget_covers": "all"},
        {"compute_budget_flops_per_hour": 5e7, "budget_covers": "all"},
        {"compute_budget_flops_per_hour": 6e13, "budget_covers": "training"},
    ]
)
DEVICES = st.builds(
    lambda budget, parts: {**budget, **parts},
    BUDGETS,
    st.fixed_dictionaries(
        {},
        optional={
            "classes": st.just(CLASSES),
            "battery": BATTERIES,
            "availability": st.fixed_dictionaries(
                {"on_s": st.sampled_from([5.0, 60.0]), "off_s": st.sampled_from([3.0, 30.0])}
            ),
        },
    ),
)
