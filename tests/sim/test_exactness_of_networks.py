"""The engine leaves the records of the plain program over traces and shared cells, too."""

import numpy as np
from equal_records import assert_equal_records
from every_engine import simulate
from fake_adaptation import FakeAdaptation
from hypothesis import given, settings
from hypothesis import strategies as st
from random_networks import CELLS, TRACED
from random_world import make_world

from benchmarks.plain_program import simulate_plainly
from sim.client.settings import ServingSettings
from sim.cloud.batching.static import StaticBatching
from sim.cloud.service_time.fixed import FixedServiceTime
from sim.cloud.settings import CloudSettings
from sim.faults.settings import FaultSettings
from sim.network.cell import CellNetwork
from sim.network.trace import TraceNetwork
from sim.policies.consistency import Consistency

FAULTS = st.one_of(
    st.just({}),
    st.fixed_dictionaries(
        {
            "regions": st.just(2),
            "coverage_losses": st.tuples(
                st.fixed_dictionaries(
                    {
                        "start_s": st.sampled_from([2.0, 4.7]),
                        "duration_s": st.sampled_from([4.0, 6.6]),
                        "regions": st.sampled_from([(0,), (0, 1)]),
                    }
                )
            ),
            "degradations": st.tuples(
                st.fixed_dictionaries(
                    {
                        "start_s": st.sampled_from([1.0, 5.0]),
                        "duration_s": st.sampled_from([3.0, 6.9]),
                        "share": st.just(0.5),
                        "bandwidth_factor": st.sampled_from([0.1, 0.5]),
                        "extra_rtt_s": st.sampled_from([0.0, 0.3]),
                    }
                )
            ),
        }
    ),
).map(FaultSettings.model_validate)
CLIENTS = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(["stale", "wait"]),
        "deadline_s": st.just(2.0),
        "timeout_s": st.sampled_from([1.0, 30.0]),
        "no_coverage": st.sampled_from(["wait", "time_out", "fail"]),
        "retry": st.sampled_from(
            [{}, {"attempts": 3, "attempt_timeout_s": 0.37, "backoff_s": 0.31, "jitter": "none"}]
        ),
    }
).map(ServingSettings.model_validate)
ADAPTATIONS = st.one_of(
    st.none(),
    st.builds(
        FakeAdaptation(7).from_cloud,
        every_s=st.sampled_from([1.0, 3.0]),
        flops=st.sampled_from([0.0, 1e8]),
        parameter_bytes=st.sampled_from([0, 10_000]),
    ),
)
WORLDS = {
    "faults": FAULTS,
    "adaptation": ADAPTATIONS,
    "serving": CLIENTS,
    "seed": st.integers(0, 1000),
    "service_s": st.sampled_from([0.0, 0.25, 2.0]),
    "whole_seconds": st.booleans(),
}


def assert_exact(network, seed, service_s, whole_seconds, **parts):
    think_s = np.random.default_rng(seed).integers(1, 4, (12, 6)).astype(float)
    world = make_world(
        devices=12,
        users=6,
        steps=7,
        seed=seed,
        policy=Consistency(threshold=0.8),
        think_s=think_s if whole_seconds else None,
        start_spread_s=0.0 if whole_seconds else 20.0,
        scoring_flops=0.0 if whole_seconds else 7e6,
        network=network,
        cloud=CloudSettings(
            queue_limit=5,
            batching=StaticBatching(size=3, wait_s=0.25),
            service_time=FixedServiceTime(seconds=service_s),
        ),
        **parts,
    )
    assert_equal_records(simulate(world), simulate_plainly(world))


@given(values=TRACED, world=st.fixed_dictionaries(WORLDS))
@settings(max_examples=30)
def test_engine_equals_plain_program_over_traces(traces, values, world):
    values = {**values, "up": traces[values["up"]], "down": traces[values["down"]]}
    assert_exact(TraceNetwork.model_validate(values), **world)


@given(network=CELLS.map(CellNetwork.model_validate), world=st.fixed_dictionaries(WORLDS))
@settings(max_examples=30)
def test_engine_equals_plain_program_over_cells(network, world):
    assert_exact(network, **world)
