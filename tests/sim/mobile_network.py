"""Networks of mobility that several tests use, and when counts of devices fit a probability."""

import numpy as np
from pydantic import TypeAdapter

from sim.network import AnyNetwork

FAST = {"up_bps": 8e6, "down_bps": 16e6, "rtt_s": 0.1}
SLOW = {"up_bps": 8e3, "down_bps": 16e3, "rtt_s": 0.4}
NO_HEADERS = {"header_bytes": 0}
CHAIN = {
    "mean_s": {"3g": 40.0, "4g": 100.0, "none": 15.0},
    "next": {
        "3g": {"4g": 0.7, "none": 0.3},
        "4g": {"3g": 0.6, "none": 0.4},
        "none": {"3g": 0.5, "4g": 0.5},
    },
}
BY_CLASS = {
    "commuters": {
        "device_class": ("low", "mid"),
        "schedule": ({"at_s": 0.0, "regime": "slow"}, {"at_s": 60.0, "regime": "none"}),
    },
    "at_home": {"device_class": "high", "schedule": ({"at_s": 0.0, "regime": "fast"},)},
}


def network(**values):
    if "schedule" in values:
        values["schedule"] = tuple({"at_s": at_s, "regime": r} for at_s, r in values["schedule"])
    regimes = {
        name: {"framing": NO_HEADERS, **figures} for name, figures in values.pop("regimes").items()
    }
    values = {"kind": "mobility", "framing": NO_HEADERS, "regimes": regimes, **values}
    return TypeAdapter(AnyNetwork).validate_python(values)


def chain(devices=4000, seed=11, **values):
    regimes = {"3g": {"preset": "3g"}, "4g": {"preset": "4g"}}
    markov = {"markov": {**CHAIN, **values}}
    mobile = TypeAdapter(AnyNetwork).validate_python(
        {"kind": "mobility", "regimes": regimes, **markov}
    )
    return mobile, mobile.links(seed, devices, 1)


def assert_binomial(counts, devices, share):
    """Counts of independent devices deviate by more than 4.5 sigma once in 150,000 times each."""
    sigma = np.sqrt(devices * share * (1 - share))
    assert (np.abs(counts - devices * share) <= 4.5 * sigma).all()
