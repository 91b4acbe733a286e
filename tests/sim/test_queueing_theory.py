"""The cloud against queueing theory: attempts arrive as a Poisson process, which theory knows.

Each comparison rests on independent runs, one a seed. The first tenth of their attempts is left
out, because the cloud is empty at first. Their mean has a Student t-interval at the level `LEVEL`:
theory's value lies outside of it for one correct program in a thousand, and for some one of the 30
intervals here for 3 in 100. As seeds are fixed, the outcome is the same on every day. Half an
interval must also be narrow, so that a wrong program can fail: below 16% of theory's value, and
below 4% in what is slow. Services that are 5% slower lie outside of it. Processor sharing is
compared with theory in test_shared_cells.py.

The mean service time is 1 s unless something else is said.
"""

import gc
import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from cloud_by_hand import CloudByHand
from scipy import stats

from sim.client.request import Answer
from workloads import draws

LEVEL = 0.999
UNLIMITED = 10**9
LOADS = (0.5, 0.8)
# Attempts of a run; waits are correlated for the longer, the higher the load.
ATTEMPTS = {0.5: 4_000, 0.8: 6_000}
RUNS, PRECISION = 30, 0.16
SLOW_RUNS, SLOW_PRECISION = 400, 0.04


def poisson_arrivals_s(seed, rate, attempts):
    gaps_s = -np.log(draws.uniform(seed, "gap between arrivals", 0, attempts)) / rate
    return np.cumsum(gaps_s)


def random_service(distribution="exponential", mean_s=1.0, variation=None, per_request_s=0.0):
    return {
        "kind": "random",
        "distribution": distribution,
        "mean_s": mean_s,
        "mean_s_per_request": per_request_s,
        "coefficient_of_variation": variation,
    }


def served(arrivals_s, **settings):
    """Let attempts arrive in a cloud; the collector of garbage would take half of the time."""
    gc.disable()
    try:
        return CloudByHand(arrivals_s.tolist(), **{"queue_limit": UNLIMITED, **settings})
    finally:
        gc.enable()


def settled(column):
    """Leave out the first tenth."""
    return column[len(column) // 10 :]


@dataclass(frozen=True)
class Estimate:
    """What independent runs tell of a mean."""

    mean: float
    half_width: float

    @classmethod
    def of(cls, runs):
        error = stats.sem(runs)
        quantile = stats.t.ppf((1 + LEVEL) / 2, len(runs) - 1)
        return cls(float(np.mean(runs)), float(quantile * error))

    def agrees_with(self, theory, precision):
        """Tell whether theory's value is in the interval, which must be narrow enough to tell."""
        assert self.half_width < precision * theory
        return abs(self.mean - theory) <= self.half_width


# M/M/c, M/D/1 and M/G/1: all replicas draw from one queue.


@dataclass(frozen=True)
class Queue:
    """A station with Poisson arrivals, as Kendall writes it."""

    servers: int = 1
    distribution: str = "exponential"
    variation: float | None = None

    def mean_wait_s(self, load):
        """Return theory's mean wait before service."""
        if self.distribution == "exponential":
            return erlang_c(self.servers, load * self.servers) / (self.servers * (1 - load))
        squared = 0.0 if self.distribution == "deterministic" else self.variation**2
        # Pollaczek and Khinchine: rho (1 + C^2) / (2 (1 - rho)) services (Kleinrock, Queueing
        # Systems I, 1975, section 5.5).
        return load * (1 + squared) / (2 * (1 - load))

    def waits_s(self, load, seed, mean_s=1.0):
        """Return how long the attempts of one run waited before service."""
        arrivals_s = poisson_arrivals_s(seed, load * self.servers, ATTEMPTS[load])
        cloud = served(
            arrivals_s,
            seed=seed,
            replicas=self.servers,
            service_time=random_service(self.distribution, mean_s, self.variation),
        )
        return settled(np.array(cloud.starts) - arrivals_s)


def erlang_b(servers, offered):
    """Return the share of time in which all servers of M/M/c/c are busy.

    The recursion of B(c) = a B(c - 1) / (c + a B(c - 1)) (Jagerman, Bell System Technical Journal
    53, 1974).
    """
    blocked = 1.0
    for count in range(1, servers + 1):
        blocked = offered * blocked / (count + offered * blocked)
    return blocked


def erlang_c(servers, offered):
    """Return the share of the customers of M/M/c that wait (Kleinrock I, section 3.5)."""
    blocked = erlang_b(servers, offered)
    load = offered / servers
    return blocked / (1 - load * (1 - blocked))


QUEUES = {
    "M/M/1": Queue(),
    "M/M/2": Queue(2),
    "M/M/4": Queue(4),
    "M/D/1": Queue(distribution="deterministic"),
    "M/G/1 lognormal": Queue(distribution="lognormal", variation=1.2),
    "M/G/1 gamma": Queue(distribution="gamma", variation=1.5),
}


@cache
def runs_of(name, load, mean_s=1.0):
    return [QUEUES[name].waits_s(load, seed, mean_s) for seed in range(RUNS)]


def mean_wait(name, load, mean_s=1.0):
    return Estimate.of([waits_s.mean() for waits_s in runs_of(name, load, mean_s)])


def test_formulas_are_those_of_the_books():
    # By hand: B(c, a) = (a^c / c!) / sum of a^n / n! up to c, and rho of M/M/1 customers wait.
    assert erlang_b(2, 1.0) == pytest.approx(1 / 5)
    assert erlang_b(3, 2.0) == pytest.approx(4 / 19)
    assert erlang_c(2, 1.0) == pytest.approx(1 / 3)
    assert erlang_c(1, 0.8) == pytest.approx(0.8)
    assert Queue().mean_wait_s(0.8) == pytest.approx(4.0)
    gamma = Queue(distribution="gamma", variation=1.0)
    assert gamma.mean_wait_s(0.8) == pytest.approx(4.0)
    assert Queue(distribution="deterministic").mean_wait_s(0.8) == pytest.approx(2.0)


@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize("name", QUEUES)
def test_the_mean_wait_is_that_of_theory(name, load):
    assert mean_wait(name, load).agrees_with(QUEUES[name].mean_wait_s(load), PRECISION)


@pytest.mark.slow
@pytest.mark.parametrize("load", LOADS)
@pytest.mark.parametrize("name", QUEUES)
def test_the_mean_wait_is_that_of_theory_in_many_runs(name, load):
    # Runs of their own, so that they are further evidence.
    seeds = range(1000, 1000 + SLOW_RUNS)
    estimate = Estimate.of([QUEUES[name].waits_s(load, seed).mean() for seed in seeds])
    assert estimate.agrees_with(QUEUES[name].mean_wait_s(load), SLOW_PRECISION)


@pytest.mark.parametrize(("name", "load"), [("M/M/1", 0.5), ("M/D/1", 0.8)])
def test_services_that_are_5_percent_slower_are_found_out(name, load):
    """The check is able to fail."""
    estimate = mean_wait(name, load, mean_s=1.05)
    assert not estimate.agrees_with(QUEUES[name].mean_wait_s(load), PRECISION)
    # And it is the slower services that it tells of.
    slower_s = 1.05 * QUEUES[name].mean_wait_s(1.05 * load)
    assert estimate.agrees_with(slower_s, PRECISION)


# M/M/1: P(wait > t) = rho exp(-(1 - rho) t), with an atom of 1 - rho at no wait (Kleinrock I,
# section 5.7).


def uniform_if_as_in_theory(name, load, mean_s=1.0):
    """Return every 20th wait as a number that is uniform in (0, 1) if theory is right.

    Waits of the M/M/1 queue that are n attempts apart have a correlation below (4 rho / (1 +
    rho)^2)^n (Daley, Journal of the Australian Mathematical Society 8, 1968): below 0.1 here, so
    they count as independent. The distribution function takes waits into (0, 1), and the atom at no
    wait into its whole part of it by a draw.
    """
    waits_s = np.concatenate([run[::20] for run in runs_of(name, load, mean_s)])
    share = 1 - load * np.exp(-(1 - load) * waits_s)
    atom = (1 - load) * draws.uniform(0, "place in the atom", 0, len(waits_s))
    return np.where(waits_s == 0, atom, share)


def test_waits_have_the_distribution_of_theory():
    shares = uniform_if_as_in_theory("M/M/1", 0.5)
    assert len(shares) > 5000
    assert stats.kstest(shares, "uniform").pvalue > 1 - LEVEL


def test_the_distribution_of_waits_finds_slower_services_out():
    shares = uniform_if_as_in_theory("M/M/1", 0.5, mean_s=1.05)
    assert stats.kstest(shares, "uniform").pvalue < 1 - LEVEL


# A bounded queue: M/M/c/K.


@dataclass(frozen=True)
class BoundedQueue:
    """M/M/c with so many places to wait; the offered load may be above the capacity."""

    servers: int
    places: int
    load: float

    @property
    def states(self):
        """Shares of time with 0, 1, ... customers: a birth and death process."""
        offered = self.load * self.servers
        factors = [offered / min(n, self.servers) for n in range(1, self.servers + self.places + 1)]
        weights = np.cumprod([1.0, *factors])
        return weights / weights.sum()

    @property
    def rejected(self):
        """Share of the arrivals that find it full, as Poisson arrivals see time averages."""
        return self.states[-1]

    @property
    def mean_wait_s(self):
        """Mean wait of those who get in, by Little's law."""
        waiting = np.maximum(np.arange(len(self.states)) - self.servers, 0)
        return (self.states @ waiting) / (self.load * self.servers * (1 - self.rejected))

    def run(self, seed):
        """Return the share of the attempts that were rejected, and the mean wait of the others."""
        arrivals_s = poisson_arrivals_s(seed, self.load * self.servers, 3_000)
        cloud = served(
            arrivals_s,
            seed=seed,
            replicas=self.servers,
            queue_limit=self.places,
            service_time=random_service(),
        )
        rejected = settled(np.array(cloud.column("answer")) == Answer.REJECTION)
        waits_s = settled(np.array(cloud.starts) - arrivals_s)
        return rejected.mean(), waits_s[~rejected].mean()


def test_a_queue_without_places_would_have_erlangs_loss_formula():
    assert BoundedQueue(3, 0, 2 / 3).rejected == pytest.approx(erlang_b(3, 2.0))
    assert BoundedQueue(1, 4, 1.0).rejected == pytest.approx(1 / 6)


@pytest.mark.parametrize(
    "queue", [BoundedQueue(1, 3, 0.8), BoundedQueue(1, 3, 1.5), BoundedQueue(4, 2, 0.9)], ids=str
)
def test_a_bounded_queue_turns_away_whom_theory_does(queue):
    rejected, waits_s = np.array([queue.run(seed) for seed in range(RUNS)]).T
    assert Estimate.of(rejected).agrees_with(queue.rejected, 0.08)
    assert Estimate.of(waits_s).agrees_with(queue.mean_wait_s, 0.08)


# Bulk service: a free replica takes whoever waits, up to a limit, and whoever comes later does not
# join a batch in service (Neuts's general bulk service rule with a minimum of 1: Annals of
# Mathematical Statistics 38, 1967; Chaudhry and Templeton, A First Course in Bulk Queues, 1983).


@dataclass(frozen=True)
class BulkQueue:
    """M/G^[1, size]/1; a batch of k takes `alone_s` + k `each_s` in the mean."""

    load: float
    size: int
    distribution: str
    alone_s: float = 1.0
    each_s: float = 0.0

    @property
    def rate(self):
        """Arrivals a second; at a load of 1 full batches would just suffice."""
        return self.load * self.size / self.service_s(self.size)

    def service_s(self, batch):
        return self.alone_s + batch * self.each_s

    @property
    def theory(self):
        """The mean wait and the mean size of a batch.

        From the Markov chain of the number left behind by a batch at its end: with j left, the next
        batch takes k = min(max(j, 1), size) of them, after an idle time where j = 0, and as many
        are left at its end as did not fit into it and arrived meanwhile. The queue's length over
        the time from one end to the next, and so its mean, follows (Markov renewal reward), and the
        wait by Little's law.
        """
        states = 400
        left = np.arange(states)
        batch = np.clip(left, 1, self.size)
        mean_s = self.service_s(batch)
        second_moment = mean_s**2 * (1.0 if self.distribution == "deterministic" else 2.0)
        staying = np.maximum(left - self.size, 0)
        chain = np.zeros((states, states))
        for state in left:
            arriving = np.arange(states - staying[state])
            if self.distribution == "deterministic":
                share = stats.poisson.pmf(arriving, self.rate * mean_s[state])
            else:
                share = stats.geom.pmf(arriving + 1, 1 / (1 + self.rate * mean_s[state]))
            chain[state, staying[state] :] = share
        balance = chain.T - np.eye(states)
        balance[-1] = 1.0  # one equation follows from the others; instead, shares add up to 1
        often = np.linalg.solve(balance, np.append(np.zeros(states - 1), 1.0))
        assert often[-1] < 1e-12
        cycle_s = often @ mean_s + often[0] / self.rate
        queue_seconds = often @ (staying * mean_s + self.rate * second_moment / 2)
        return queue_seconds / cycle_s / self.rate, often @ batch

    def run(self, seed):
        arrivals_s = poisson_arrivals_s(seed, self.rate, 5_000)
        cloud = served(
            arrivals_s,
            seed=seed,
            batching={"size": self.size, "wait_s": 0.0},
            service_time=random_service(self.distribution, self.alone_s, per_request_s=self.each_s),
        )
        sizes = settled(np.array(cloud.column("batch_size")))
        # Attempts see large batches more often: each batch counts once.
        return settled(np.array(cloud.starts) - arrivals_s).mean(), len(sizes) / (1 / sizes).sum()


def test_the_chain_of_bulk_service_gives_known_results():
    # Batches of one: M/M/1 and M/D/1.
    for distribution, wait_s in (("exponential", 1.0), ("deterministic", 0.5)):
        assert BulkQueue(0.5, 1, distribution).theory == pytest.approx((wait_s, 1.0))
    # Exponential services: with r < 1 the root of r^(b+1) - (1 + a) r + a = 0 (a arrivals a
    # service), n wait behind a busy replica for a share p r^n of time (Medhi, Stochastic Models in
    # Queueing Theory, 2003, chapter 4).
    bulk = BulkQueue(0.8, 4, "exponential")
    rate = bulk.rate
    roots = np.roots([1.0, 0.0, 0.0, 0.0, -(1 + rate), rate])
    (r,) = (root.real for root in roots if abs(root.imag) < 1e-12 and 0 < root.real < 1 - 1e-9)
    p = 1 / (1 / (1 - r) + 1 / rate)
    assert bulk.theory[0] == pytest.approx(p * r / (1 - r) ** 2 / rate)


@pytest.mark.parametrize(
    "bulk",
    [
        BulkQueue(0.5, 4, "exponential"),
        BulkQueue(0.7, 4, "exponential"),
        BulkQueue(0.8, 4, "deterministic"),
        BulkQueue(0.7, 4, "deterministic", alone_s=0.6, each_s=0.2),
    ],
    ids=str,
)
def test_bulk_service_is_that_of_theory(bulk):
    wait_s, batch = bulk.theory
    waits_s, sizes = np.array([bulk.run(seed) for seed in range(RUNS)]).T
    assert Estimate.of(waits_s).agrees_with(wait_s, PRECISION)
    assert Estimate.of(sizes).agrees_with(batch, 0.03)


# Those with the oldest lists first: priorities without interruption.


def test_whoever_has_an_older_list_waits_as_long_as_theory_says():
    """Cobham: W_k = W_0 / ((1 - s_{k-1}) (1 - s_k)), s_k the load of classes 1 to k together.

    Operations Research 2 (1954); W_0 = lambda E[S^2] / 2 is what is left of the service under way.
    Lists are 2, 1 and 0 steps old, a third of the attempts each, at random.
    """
    load, classes = 0.8, 3
    runs = []
    for seed in range(RUNS):
        # Of three streams, one of each class; `CloudByHand` gives every third device equal ages.
        streams_s = [
            poisson_arrivals_s(100 * age + seed, load / classes, 2_000) for age in (0, 1, 2)
        ]
        end_s = min(stream_s[-1] for stream_s in streams_s)
        each = min(int(np.searchsorted(stream_s, end_s)) for stream_s in streams_s)
        arrivals_s = np.column_stack([stream_s[:each] for stream_s in streams_s]).ravel()
        cloud = served(
            arrivals_s,
            seed=seed,
            order="oldest_list",
            service_time=random_service(),
        )
        waits_s = (np.array(cloud.starts) - arrivals_s).reshape(-1, classes)
        # At the end of the shorter streams the others go on alone: that part is left out, too.
        runs.append(waits_s[each // 10 : each - each // 10].mean(axis=0))
    loads = load * np.arange(classes + 1) / classes
    theory_s = load / ((1 - loads[:-1]) * (1 - loads[1:]))
    for age, wait_s in zip((2, 1, 0), theory_s, strict=True):
        estimate = Estimate.of([run[age] for run in runs])
        assert estimate.agrees_with(wait_s, PRECISION)
    assert math.isclose(theory_s.mean(), load / (1 - load))
