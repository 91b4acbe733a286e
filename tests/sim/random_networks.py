"""Networks of all kinds and what can happen to them, as values of a scenario."""

import math

import numpy as np
from hypothesis import strategies as st

TRACES_MS = {
    # An opportunity every second: waits are long, and many things happen at one instant.
    "sparse": [1000],
    "bursts": [0, 0, 0, 7, 7, 1500, 1500, 4000],
    "steady": list(range(3, 3001, 3)),
}

LOSS = st.sampled_from([0.0, 0.2]).map(lambda probability: {"probability": probability})
JITTER = st.sampled_from(
    [{"distribution": "none", "sigma": 0.0}, {"distribution": "lognormal", "sigma": 0.4}]
)
# Slow enough that changes fall into transfers.
REGIME = st.fixed_dictionaries(
    {
        "up_bps": st.sampled_from([2e3, 1e5]),
        "down_bps": st.sampled_from([4e3, 1e6]),
        "rtt_s": st.sampled_from([0.0, 0.2, 1.0]),
        "radio": st.sampled_from(["none", "3g", "lte"]),
        "loss": LOSS,
        "jitter": JITTER,
    }
)
CHAIN = st.fixed_dictionaries(
    {
        "mean_s": st.fixed_dictionaries(
            {"a": st.sampled_from([2.0, 20.0]), "b": st.sampled_from([2.0, 20.0])},
            optional={"none": st.sampled_from([1.0, 10.0])},
        )
    }
)
# Whole seconds, so that changes coincide with decisions and timeouts.
SCHEDULE = st.lists(
    st.tuples(st.integers(1, 5), st.sampled_from(["a", "b", "none"])), max_size=10
).map(
    lambda pairs: (
        {"at_s": 0.0, "regime": "a"},
        *(
            {"at_s": float(at_s), "regime": regime}
            for at_s, (_, regime) in zip(
                np.cumsum([gap for gap, _ in pairs]).tolist(), pairs, strict=True
            )
        ),
    )
)
MOBILE_OR_STEADY = st.one_of(
    REGIME,
    st.builds(
        lambda a, b, markov: {"kind": "mobility", "regimes": {"a": a, "b": b}, "markov": markov},
        REGIME,
        REGIME,
        CHAIN,
    ),
    st.builds(
        lambda a, b, changes: {
            "kind": "mobility",
            "regimes": {"a": a, "b": b},
            "schedule": changes,
        },
        REGIME,
        REGIME,
        SCHEDULE,
    ),
)
STEADY = {
    "radio": st.sampled_from(["none", "3g"]),
    "loss": LOSS,
    "rtt_s": st.sampled_from([0.0, 0.1]),
    "jitter": JITTER,
}
CELLS = st.fixed_dictionaries(
    {
        "kind": st.just("cell"),
        "cells": st.integers(1, 3),
        "up_bps": st.sampled_from([4_000.0, 100_000.0]),
        "down_bps": st.sampled_from([20_000.0, 500_000.0]),
        "device_down_bps": st.sampled_from([10_000.0, np.inf]),
        **STEADY,
    }
)
TRACED = st.fixed_dictionaries(
    {
        "kind": st.just("trace"),
        "up": st.sampled_from(sorted(TRACES_MS)),
        "down": st.sampled_from(sorted(TRACES_MS)),
        **STEADY,
    }
)
"""Traces by their names in `TRACES_MS`; the fixture `traces` has their paths."""

WINDOW = {
    "start_s": st.integers(0, 20).map(float),
    "duration_s": st.sampled_from([1.0, 5.0, 30.0, math.inf]),
}
WHOM = st.sampled_from([{}, {"share": 0.5}, {"regions": (1,)}])
COVERAGE_LOSSES = st.builds(
    lambda window, whom: {**window, **whom}, st.fixed_dictionaries(WINDOW), WHOM
)
DEGRADATIONS = st.builds(
    lambda window, whom: {**window, **whom},
    st.fixed_dictionaries(
        {
            **WINDOW,
            "bandwidth_factor": st.sampled_from([0.1, 1.0]),
            "extra_rtt_s": st.sampled_from([0.0, 1.0]),
        }
    ),
    WHOM,
)
LINK_FAULTS = st.builds(
    lambda losses, degradations: {
        "regions": 2,
        "coverage_losses": tuple(losses),
        "degradations": tuple(degradations),
    },
    st.lists(COVERAGE_LOSSES, max_size=2),
    st.lists(DEGRADATIONS, max_size=2),
)
