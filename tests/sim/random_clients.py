"""Clients that wait, retry and give up, as values of a scenario."""

from hypothesis import strategies as st

# Where everything else happens at whole seconds and quarters of them, no sum of these times does:
# a reply of the very instant of a decision may depend on a later decision of the same instant, and
# only the engine, which goes by times alone, counts it as arrived.
ATTEMPT_TIMEOUT_S = 0.37
BACKOFF_S = 0.31

SERVINGS = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(["stale", "wait"]),
        "deadline_s": st.sampled_from([0.5, 5.0]),
        "timeout_s": st.sampled_from([1.0, 4.0, 30.0]),
        "no_coverage": st.sampled_from(["wait", "time_out", "fail"]),
        "retry": st.fixed_dictionaries(
            {
                "attempts": st.integers(1, 4),
                "attempt_timeout_s": st.sampled_from([None, ATTEMPT_TIMEOUT_S]),
                "backoff_s": st.sampled_from([0.0, BACKOFF_S]),
                "backoff_cap_s": st.sampled_from([1.0, 30.0]),
                "jitter": st.sampled_from(["none", "full"]),
            }
        ),
        "circuit_breaker": st.fixed_dictionaries(
            {
                "failures": st.sampled_from([None, 1, 2, 3]),
                "open_s": st.sampled_from([0.0, 3.0, 11.0]),
            }
        ),
    }
)
