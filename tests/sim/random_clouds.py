"""Clouds of all kinds and what can happen to them, as values of a scenario."""

from hypothesis import strategies as st

AT_MOST_REPLICAS = 3

TIMES_S = st.integers(0, 60).map(float) | st.floats(0, 60)
DURATIONS_S = st.integers(1, 30).map(float) | st.floats(0.1, 30)
REPLICA = st.integers(0, AT_MOST_REPLICAS - 1)
WORK = st.sampled_from(["retried", "lost"])

THRESHOLDS = st.sampled_from(
    [
        {"queue_per_replica": {"up": 2.0, "down": 1.0}},
        {"queue_per_replica": {"up": 0.5, "down": 0.2}},
        {"utilisation": {"up": 0.6, "down": 0.4}},
    ]
)


@st.composite
def clouds(draw):
    """Return settings of a cloud with at most `AT_MOST_REPLICAS` replicas, and at least as many."""
    scaling = {"kind": "none"}
    if draw(st.booleans()):
        scaling = {
            "kind": "reactive",
            "minimum": draw(st.integers(1, AT_MOST_REPLICAS)),
            "maximum": AT_MOST_REPLICAS,
            "every_s": draw(st.sampled_from([1.0, 3.7])),
            "start_up_s": draw(st.sampled_from([0.0, 2.0, 7.3])),
            "cooldown_s": draw(st.sampled_from([0.0, 5.0])),
            **draw(THRESHOLDS),
        }
    return {
        "replicas": AT_MOST_REPLICAS,
        "queue_limit": draw(st.integers(1, 20)),
        "order": draw(st.sampled_from(["arrival", "oldest_list"])),
        "drop_expired": draw(st.booleans()),
        "routing": draw(
            st.sampled_from(["shared", "round_robin", "least_outstanding", "join_shortest_queue"])
        ),
        "autoscaling": scaling,
        **draw(st.sampled_from(["static", "continuous"]).flatmap(_work)),
    }


def _work(kind):
    if kind == "continuous":
        # One sequence reads 16 tokens at 1 ms each, and each iteration takes 0.1 s.
        service_time = {
            "kind": "roofline",
            "accelerator": "t4",
            "served_model": {"parameters": 1e9, "prompt_tokens": 16, "output_tokens": 10},
            "memory_utilisation": 0.0625,
        }
        return st.fixed_dictionaries(
            {
                "batching": st.fixed_dictionaries(
                    {"kind": st.just("continuous"), "size": st.integers(1, 4)}
                ),
                "service_time": st.just(service_time),
            }
        )
    return st.fixed_dictionaries(
        {
            "batching": st.fixed_dictionaries(
                {
                    "kind": st.just("static"),
                    "size": st.integers(1, 4),
                    "wait_s": st.sampled_from([0.0, 0.25]),
                }
            ),
            "service_time": st.fixed_dictionaries(
                {"kind": st.just("fixed"), "seconds": st.sampled_from([0.0, 0.5, 2.0, 4.1])}
            ),
        }
    )


OUTAGES = st.lists(
    st.fixed_dictionaries(
        {
            "start_s": st.sampled_from([0.0, 20.0, 40.0]),
            "duration_s": st.floats(0.5, 20.0) | st.just(20.0),
            "behaviour": st.sampled_from(["refuse", "silent"]),
            "work": st.sampled_from(["lost", "kept"]),
        }
    ),
    max_size=2,
    unique_by=lambda outage: outage["start_s"],
).map(tuple)

CRASHES = st.lists(
    st.fixed_dictionaries(
        {"at_s": TIMES_S, "replica": REPLICA, "down_s": DURATIONS_S, "work": WORK}
    ),
    max_size=4,
).map(tuple)

FAULTS = st.fixed_dictionaries(
    {
        "outages": OUTAGES,
        "crashes": CRASHES,
        "random_crashes": st.fixed_dictionaries(
            {
                "mean_time_between_s": st.sampled_from([float("inf"), 5.0, 20.0]),
                "mean_down_s": st.sampled_from([0.5, 5.0]),
                "work": WORK,
            }
        ),
        "slow_replicas": st.lists(
            st.fixed_dictionaries(
                {
                    "start_s": TIMES_S,
                    "duration_s": DURATIONS_S,
                    "replica": REPLICA,
                    "factor": st.sampled_from([1.5, 4.0]),
                }
            ),
            max_size=2,
        ).map(tuple),
    }
)
