"""What a world costs, counted: a change that makes it cost more is seen on any machine."""

from random_world import make_world

from sim.cloud.batching.static import StaticBatching
from sim.cloud.service_time.fixed import FixedServiceTime
from sim.cloud.settings import CloudSettings
from sim.compiled.columns import EVENT, REQUEST, SESSION, SHOWN
from sim.compiled.simulation import simulate_compiled
from sim.engine import simulate_events
from sim.policies.consistency import Consistency

CLOUD = CloudSettings(
    replicas=2,
    batching=StaticBatching(size=8, wait_s=0.02),
    service_time=FixedServiceTime(seconds=0.1),
)


def world():
    return make_world(devices=400, steps=20, policy=Consistency(threshold=0.45), cloud=CLOUD)


def events_per_request(result):
    assert len(result.requests.device) > 1000
    return result.events / len(result.requests.device)


def test_a_request_takes_few_events():
    # Of a request: sent, arrived, settled, due, answered with its batch, at the link, received.
    compiled = simulate_compiled(world(), world().make_links())
    assert events_per_request(compiled) < 6.5
    # Its end, the device's session and the watch over timeouts have events of their own.
    assert events_per_request(simulate_events(world(), world().make_links())) < 8.5


def test_a_device_a_step_and_a_request_take_few_bytes():
    assert SESSION.itemsize <= 112
    assert SHOWN.itemsize <= 24
    assert REQUEST.itemsize <= 136
    assert EVENT.itemsize <= 32


def test_records_take_few_bytes_a_step():
    # What nobody writes takes none: versions, who ranked, what a circuit breaker held back.
    records = simulate_compiled(world(), world().make_links()).interactions
    shown = records.decision_s.base
    assert shown.itemsize == SHOWN.itemsize
    for name in SHOWN.names:
        assert getattr(records, name).base is shown
