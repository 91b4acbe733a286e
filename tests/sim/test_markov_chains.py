"""Regimes that follow one another by chance, against the theory of Markov chains."""

import numpy as np
import pytest
from mobile_network import assert_binomial, chain

# Rates of `chain`: -1 / mean stay on the diagonal, and the rest of a row by where jumps lead.
GENERATOR = np.array(
    [
        [-1 / 40, 0.7 / 40, 0.3 / 40],
        [0.6 / 100, -1 / 100, 0.4 / 100],
        [0.5 / 15, 0.5 / 15, -1 / 15],
    ]
)


def test_shares_of_regimes_are_the_stationary_ones_at_all_times():
    mobile, links = chain()
    share = mobile.markov.initial_shares()
    np.testing.assert_allclose(share @ GENERATOR, 0.0, atol=1e-15)
    counts = links.conditions.devices_in(np.array([0.0, 10.0, 100.0, 2000.0]), 4000)
    assert counts.sum(axis=1).tolist() == [4000] * 4
    assert_binomial(counts, 4000, share)


def test_a_chain_forgets_its_start_as_fast_as_theory_says():
    # Kolmogorov's equations: shares(t) = initial x exp(generator x t).
    _, links = chain(initial={"none": 1.0})
    values, vectors = np.linalg.eig(GENERATOR)
    times_s = np.array([0.0, 5.0, 20.0, 60.0])
    counts = links.conditions.devices_in(times_s, 4000)
    assert counts[0].tolist() == [0, 0, 4000]
    for time_s, count in zip(times_s[1:], counts[1:], strict=True):
        transition = (vectors * np.exp(values * time_s)) @ np.linalg.inv(vectors)
        assert_binomial(count, 4000, np.real(transition[2]))


def test_stays_are_exponential_and_lead_where_they_should():
    _, links = chain()
    stays, jumps = {0: [], 1: [], 2: []}, np.zeros((3, 3))
    for device in range(400):
        stretch = links.conditions.stretch(device, 50.0)
        while stretch.end_s < 3000.0:
            after = links.conditions.stretch(device, stretch.end_s)
            stays[after.regime].append(after.end_s - after.start_s)
            jumps[stretch.regime, after.regime] += 1
            stretch = after
    for regime, mean_s in enumerate((40.0, 100.0, 15.0)):
        stay_s = np.array(stays[regime])
        # Mean and standard deviation of an exponential time are equal; 4.5 standard errors.
        assert stay_s.mean() == pytest.approx(mean_s, rel=4.5 / np.sqrt(len(stay_s)))
        assert stay_s.std() == pytest.approx(mean_s, rel=4.5 * np.sqrt(2 / len(stay_s)))
    for origin, row in enumerate([[0, 0.7, 0.3], [0.6, 0, 0.4], [0.5, 0.5, 0]]):
        assert_binomial(jumps[origin], jumps[origin].sum(), np.array(row))


def test_more_devices_change_no_device():
    few, many = chain(devices=5)[1].conditions, chain(devices=50)[1].conditions
    for device in range(5):
        for time_s in (0.0, 77.0, 500.0):
            assert few.stretch(device, time_s) == many.stretch(device, time_s)


def test_the_order_of_looking_changes_nothing():
    forwards, backwards = chain(devices=5)[1].conditions, chain(devices=5)[1].conditions
    looked = [(device, time_s) for device in range(5) for time_s in np.arange(0.0, 900.0, 37.0)]
    seen = {key: forwards.stretch(*key) for key in looked}
    for key in reversed(looked):
        assert backwards.stretch(*key) == seen[key]
        assert forwards.stretch(*key) == seen[key]
