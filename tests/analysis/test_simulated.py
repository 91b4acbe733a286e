"""Sections of a scenario in words."""

from analysis.simulated import in_words


def test_names_first_units_last_and_nothing_that_is_not_given() -> None:
    section = {
        "radio": "3g",
        "preset": "3g",
        "down_bps": 1.6e6,
        "rtt_s": 0.3,
        "jitter": {"sigma": 0.3, "distribution": "lognormal"},
        "replicas": None,
    }
    assert in_words(section) == (
        "3g, radio 3g, down 1.6 Mbit/s, rtt 0.3 s, jitter (lognormal, sigma 0.3)"
    )


def test_wrapped_policies() -> None:
    inner = {"kind": "consistency", "threshold": 0.4}
    assert in_words({"kind": "budgeted", "per_hour": 4, "inner": inner}) == (
        "budgeted, per hour 4, inner (consistency, threshold 0.4)"
    )
