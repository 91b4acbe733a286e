"""The cloud against Ciw, an independent simulator of queues: request by request the same times.

Both are given the same arrivals, and the same service times in the order in which a server needs
them (Palmer, Knight, Harper and Hawa, Ciw: an open-source discrete event simulation library,
Journal of Simulation 13, 2019; https://ciw.readthedocs.io). Where they add up times in another
order, they differ by rounding.
"""

import math

import ciw
import numpy as np
import pytest
from cloud_by_hand import CloudByHand

from sim.client.request import Answer
from sim.clock import Clock
from sim.cloud.service_time.random import RandomServiceTime
from sim.network.processor_sharing import ProcessorSharing
from workloads import draws

REQUESTS = 1500
LISTS_AGES = (0, 1, 2)
ROUNDING_S = 1e-9
SERVICE_TIME = {
    "kind": "random",
    "distribution": "lognormal",
    "mean_s": 1.0,
    "coefficient_of_variation": 1.5,
}
# With one server at each node, both lengths put nodes into the same order: whoever is in service is
# part of the queue, as in the literature. Ciw's own JoinShortestQueue leaves that one out.
ROUTINGS = {
    "join_shortest_queue": lambda nodes: ciw.routing.LoadBalancing(nodes, tie_break="order"),
    "least_outstanding": lambda nodes: ciw.routing.LoadBalancing(nodes, tie_break="order"),
    "round_robin": ciw.routing.Cycle,
}
FOREVER_S = 1e9


def random_arrivals_s(rate, seed):
    return np.cumsum(-np.log(draws.uniform(seed, "arrivals", 0, REQUESTS)) / rate)


def timers(seed, replicas):
    """Return what draws the product's service times, for each replica."""
    service_time = RandomServiceTime.model_validate(SERVICE_TIME)
    return [service_time.timer(seed, replica) for replica in range(replicas)]


def cloud_of(arrivals_s, seed, replicas=1, **settings):
    return CloudByHand(
        arrivals_s.tolist(),
        seed=seed,
        **{
            "replicas": replicas,
            "queue_limit": len(arrivals_s),
            "service_time": SERVICE_TIME,
            **settings,
        },
    )


class DrawnByServers(ciw.dists.Distribution):
    """Service times of which each server has a sequence of its own."""

    def __init__(self, timers):
        super().__init__()
        self.timers = timers

    def sample(self, t=None, ind=None):  # noqa: ARG002
        # A server that has been away comes back with another number.
        return self.timers[(ind.server.id_number - 1) % len(self.timers)](1)


def arriving_at(arrivals_s):
    """Return Ciw's distribution of the times between given arrivals, after which nobody comes."""
    return ciw.dists.Sequential([*np.diff(arrivals_s, prepend=0.0).tolist(), math.inf])


def records_of_ciw(node_class=None, **network):
    """Return Ciw's records in the order of arrivals."""
    simulation = ciw.Simulation(ciw.create_network(**network), node_class=node_class)
    simulation.simulate_until_max_time(FOREVER_S)
    return sorted(simulation.get_all_records(), key=lambda record: record.id_number)


def assert_same_times(cloud, records):
    """Compare starts and ends of service of those whom Ciw served, in the order of arrivals."""
    served = [attempt for attempt in cloud.attempts if attempt.answer == Answer.LIST]
    assert len(served) == len(records)
    ours_s = [[each.service_start_s, each.service_end_s] for each in served]
    theirs_s = [[each.service_start_date, each.service_end_date] for each in records]
    np.testing.assert_allclose(ours_s, theirs_s, rtol=0, atol=ROUNDING_S)


def waited(cloud):
    """Tell which share of the served requests waited: a comparison without waits shows little."""
    waits_s = np.array(cloud.starts) - np.array(cloud.column("arrived_cloud_s"))
    return (waits_s[np.isfinite(waits_s)] > 0).mean()


@pytest.mark.parametrize("load", [0.5, 0.9])
@pytest.mark.parametrize("replicas", [1, 2, 5])
def test_replicas_that_share_a_queue(replicas, load):
    arrivals_s = random_arrivals_s(load * replicas, seed=1)
    cloud = cloud_of(arrivals_s, seed=1, replicas=replicas)
    records = records_of_ciw(
        arrival_distributions=[arriving_at(arrivals_s)],
        service_distributions=[DrawnByServers(timers(1, replicas))],
        number_of_servers=[replicas],
    )
    assert_same_times(cloud, records)
    assert waited(cloud) > 0.1


@pytest.mark.parametrize(("replicas", "places"), [(1, 1), (1, 5), (3, 2)])
def test_a_bounded_queue_rejects_the_same_requests(replicas, places):
    arrivals_s = random_arrivals_s(1.2 * replicas, seed=2)
    cloud = cloud_of(arrivals_s, seed=2, replicas=replicas, queue_limit=places)
    records = records_of_ciw(
        arrival_distributions=[arriving_at(arrivals_s)],
        service_distributions=[DrawnByServers(timers(2, replicas))],
        number_of_servers=[replicas],
        queue_capacities=[places],
    )
    rejected = [each.record_type == "rejection" for each in records]
    assert [each == Answer.REJECTION for each in cloud.column("answer")] == rejected
    assert 0.1 < np.mean(rejected) < 0.9
    assert_same_times(cloud, [each for each in records if each.record_type == "service"])


@pytest.mark.parametrize("replicas", [1, 3])
def test_older_lists_first_are_priorities(replicas):
    arrivals_s = random_arrivals_s(0.9 * replicas, seed=3)
    cloud = cloud_of(arrivals_s, seed=3, replicas=replicas, order="oldest_list")
    ages = np.array([attempt.request.list_age_steps for attempt in cloud.attempts])
    assert sorted(set(ages)) == [*LISTS_AGES]
    drawn = DrawnByServers(timers(3, replicas))
    records = records_of_ciw(
        arrival_distributions={
            f"{age}": [arriving_at(arrivals_s[ages == age])] for age in LISTS_AGES
        },
        service_distributions={f"{age}": [drawn] for age in LISTS_AGES},
        priority_classes={f"{age}": max(LISTS_AGES) - age for age in LISTS_AGES},
        number_of_servers=[replicas],
    )
    assert_same_times(cloud, records)
    starts_s = np.array(cloud.starts)
    assert (np.diff(starts_s) < 0).mean() > 0.05  # some do overtake


@pytest.mark.parametrize("routing", ROUTINGS)
def test_replicas_with_queues_of_their_own(routing):
    replicas, load = 3, 0.85
    arrivals_s = random_arrivals_s(load * replicas, seed=4)
    cloud = cloud_of(arrivals_s, seed=4, replicas=replicas, routing=routing)
    # In Ciw, whoever arrives passes a node without delay, which sends it on.
    nodes = list(range(2, replicas + 2))
    leave = [ciw.routing.Leave() for _ in nodes]
    records = records_of_ciw(
        arrival_distributions=[arriving_at(arrivals_s), *[None] * replicas],
        service_distributions=[
            ciw.dists.Deterministic(0.0),
            *[DrawnByServers([timer]) for timer in timers(4, replicas)],
        ],
        number_of_servers=[math.inf, *[1] * replicas],
        routing=ciw.routing.NetworkRouting([ROUTINGS[routing](nodes), *leave]),
    )
    assert_same_times(cloud, [each for each in records if each.node > 1])
    assert waited(cloud) > 0.1


@pytest.mark.parametrize("order", ["arrival", "oldest_list"])
def test_whoever_is_dropped_has_reneged(order):
    """Where a queue has no limit, it is the same to leave it at once or when one would be next."""
    patience_s = 3.0
    arrivals_s = random_arrivals_s(1.6, seed=5)
    cloud = cloud_of(
        arrivals_s, seed=5, replicas=2, order=order, drop_expired=True, patience_s=patience_s
    )
    ages = np.array([attempt.request.list_age_steps for attempt in cloud.attempts])
    drawn = DrawnByServers(timers(5, 2))
    records = records_of_ciw(
        arrival_distributions={
            f"{age}": [arriving_at(arrivals_s[ages == age])] for age in LISTS_AGES
        },
        service_distributions={f"{age}": [drawn] for age in LISTS_AGES},
        priority_classes={
            f"{age}": max(LISTS_AGES) - age if order == "oldest_list" else 0 for age in LISTS_AGES
        },
        reneging_time_distributions={
            f"{age}": [ciw.dists.Deterministic(patience_s)] for age in LISTS_AGES
        },
        number_of_servers=[2],
    )
    reneged = [each.record_type == "renege" for each in records]
    assert [each == Answer.NOTHING for each in cloud.column("answer")] == reneged
    assert 0.02 < np.mean(reneged) < 0.5
    assert_same_times(cloud, [each for each in records if each.record_type == "service"])


def test_crashes_whose_work_is_retried_are_breaks_that_interrupt():
    """Who is interrupted begins anew, with another service time; who comes meanwhile goes away."""
    arrivals_s = random_arrivals_s(0.7, seed=6)
    at_s, down_s = np.arange(50.0, arrivals_s[-1], 41.7), 6.3
    crashes = tuple(
        {"at_s": float(each), "replica": 0, "down_s": down_s, "work": "retried"} for each in at_s
    )
    cloud = cloud_of(arrivals_s, seed=6, faults={"crashes": crashes})
    edges_s = np.column_stack([at_s, at_s + down_s]).ravel().tolist()
    records = records_of_ciw(
        arrival_distributions=[arriving_at(arrivals_s)],
        service_distributions=[DrawnByServers(timers(6, 1))],
        number_of_servers=[
            ciw.Schedule(
                numbers_of_servers=[1, *[0, 1] * len(at_s)],
                shift_end_dates=[*edges_s, 2 * FOREVER_S],
                preemption="resample",
            )
        ],
        baulking_functions=[lambda _n, next_node, **_: float(next_node.c == 0)],
    )
    away = {each.id_number - 1 for each in records if each.record_type == "baulk"}
    failed = [each.device for each in cloud.attempts if each.answer == Answer.FAILURE]
    assert away == set(failed)
    assert away
    assert_same_times(cloud, [each for each in records if each.record_type == "service"])
    interrupted = sum(each.record_type == "interrupted service" for each in records)
    assert interrupted > len(at_s) / 3


@pytest.mark.parametrize("at_full_speed", [1, 3])
def test_shared_cells_are_processor_sharing(at_full_speed):
    """As many transfers as `at_full_speed` have their cap of 1 bit/s; more of them share."""
    arrivals_s = random_arrivals_s(0.8 * at_full_speed, seed=7)
    timer = timers(7, 1)[0]
    bits = [timer(1) for _ in arrivals_s]
    clock = Clock()
    sharing = ProcessorSharing(capacity_bps=float(at_full_speed), cap_bps=1.0)
    crossed = [clock.event() for _ in bits]

    def arrive():
        for device, arrival_s in enumerate(arrivals_s.tolist()):
            yield clock.at(arrival_s)
            sharing.begin(clock, device, bits[device], 1.0, crossed[device])

    clock.process(arrive())
    clock.run()
    records = records_of_ciw(
        arrival_distributions=[arriving_at(arrivals_s)],
        service_distributions=[ciw.dists.Sequential(bits)],
        number_of_servers=[math.inf],
        ps_thresholds=[at_full_speed],
        node_class=ciw.PSNode,
    )
    ours_s = [each.value for each in crossed]
    theirs_s = [each.service_end_date for each in records]
    np.testing.assert_allclose(ours_s, theirs_s, rtol=0, atol=ROUNDING_S)


def test_the_comparison_can_fail():
    arrivals_s = random_arrivals_s(0.5, seed=1)
    records = records_of_ciw(
        arrival_distributions=[arriving_at(arrivals_s)],
        service_distributions=[DrawnByServers(timers(1, 1))],
        number_of_servers=[1],
    )
    assert_same_times(cloud_of(arrivals_s, seed=1), records)
    for wrong in (
        cloud_of(arrivals_s, seed=2),
        cloud_of(arrivals_s, seed=1, service_time={**SERVICE_TIME, "mean_s": 1 + 1e-8}),
        cloud_of(arrivals_s, seed=1, order="oldest_list"),
    ):
        with pytest.raises(AssertionError):
            assert_same_times(wrong, records)
