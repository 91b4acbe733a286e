"""Worlds with one device whose requests can be followed by hand."""

from one_device import one_device

from sim.client.settings import ServingSettings
from sim.engine import simulate
from sim.faults.settings import FaultSettings
from sim.policies.periodic import Periodic

ASKED_S = 50.0
"""When `one_request` asks."""


def one_client(*, serving, faults=None, **parts):
    """One device as of `one_device`, with settings of serving and of faults as scenarios have."""
    return one_device(
        serving=ServingSettings.model_validate(serving),
        faults=FaultSettings.model_validate(faults or {}),
        **parts,
    )


def one_request(**parts):
    """One device that decides at 0, 50 and 100 s, and asks at 50 s only."""
    return one_client(policy=Periodic(every=2), steps=3, think_s=ASKED_S, **parts)


def the_request(world):
    """Simulate a world with one request and return its record's fields by name."""
    requests = simulate(world).requests
    assert len(requests.device) == 1
    columns = {name: column[0] for name, column in vars(requests).items()}
    return {**columns, "received_s": requests.received_s[0]}


def outage(start_s, end_s, behaviour="refuse"):
    """Take the whole cloud out of service."""
    return {
        "outages": ({"start_s": start_s, "duration_s": end_s - start_s, "behaviour": behaviour},)
    }


def no_network(start_s, end_s):
    """Take the device's network away."""
    return {"coverage_losses": ({"start_s": start_s, "duration_s": end_s - start_s},)}
