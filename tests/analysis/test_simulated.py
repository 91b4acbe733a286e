"""Sections of a scenario in words."""

from analysis.simulated import in_words, world


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


def test_bursts_regimes_and_schedules() -> None:
    start = {"kind": "burst", "at_s": 300.0, "share": 0.8, "clock_skew_s": 30.0, "spread_s": 600.0}
    network = {
        "kind": "mobility",
        "regimes": {
            "street": {"kind": "preset", "preset": "lte", "loss": {"probability": 0.01}},
            "cellar": {"kind": "preset", "down_bps": 1e6, "up_bps": 5e5, "rtt_s": 0.3},
        },
        "schedules": {
            "commuters": {
                "share": 0.25,
                "schedule": [{"at_s": 0, "regime": "street"}, {"at_s": 90.0, "regime": "none"}],
            }
        },
    }
    scenario = {"workload": {"start": start}, "network": network}
    told = dict(world(scenario))
    assert told["Sessions"] == (
        "80.0% of devices start in a burst at 300 s, as far as their clocks agree (standard "
        "deviation 30 s); the others uniformly within 600 s"
    )
    assert told["Network"] == (
        "mobility, regimes street (lte, loss 1.00%), cellar (down 1 Mbit/s, up 0.5 Mbit/s, rtt "
        "0.3 s), schedules commuters (25.0% of devices): street from 0 s, none from 90 s"
    )
    assert world(scenario, without=["workload.start", "network.schedules"]) == []
    by_class = {"schedule": [{"at_s": 0, "regime": "street"}]}
    schedules = {
        "old": {"device_class": ["low", "mid"], **by_class},
        "new": {"device_class": "high", **by_class},
    }
    assert dict(world({"network": {**network, "schedules": schedules}}))["Network"].endswith(
        "schedules old (classes low, mid): street from 0 s; new (class high): street from 0 s"
    )
    markov = {"mean_s": {"street": 120.0, "none": 20.0}}
    assert dict(world({"network": {**network, "schedules": None, "markov": markov}}))[
        "Network"
    ].endswith("mean stay (street 120 s, none 20 s)")
    assert world({"workload": {"start": {"kind": "spread", "spread_s": 600.0}}}) == []


def test_a_measured_profile_without_what_means_nothing() -> None:
    request = {"prompt_tokens": 50, "max_prompt_tokens": 4096, "output_tokens": 0}
    profile = {"kind": "profile", "path": "service_profile.yaml", "extrapolate": False}
    told = dict(world({"cloud": {"service_time": {**profile, "request": request}}}))
    assert told["Cloud"] == (
        "service time (profile, path service_profile.yaml, request (prompt tokens 50, output "
        "tokens 0))"
    )
    growing = {**request, "tokens_per_interaction": 12}
    grown = {**profile, "request": growing, "extrapolate": True}
    told = dict(world({"cloud": {"service_time": grown}}))
    assert "max prompt tokens 4,096" in told["Cloud"]
    assert "extrapolate True" in told["Cloud"]
