import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from workloads import draws

seeds = st.integers(0, 2**63)
counts = st.integers(1, 40)


@given(seeds, st.text(max_size=8), st.integers(0, 1000), counts, counts)
def test_more_entities_change_no_draw(seed, purpose, index, few, more):
    long = draws.uniform(seed, purpose, index, few + more)
    assert np.array_equal(draws.uniform(seed, purpose, index, few), long[:few])


@given(seeds, counts, counts)
def test_more_indices_change_no_draw(seed, few, more):
    for table in (draws.uniform_table, draws.standard_normal_table):
        assert np.array_equal(table(seed, "x", 3, few), table(seed, "x", 3, few + more)[:, :few])


@given(seeds)
def test_seed_purpose_and_index_each_matter(seed):
    base = draws.uniform(seed, "think", 0, 20)
    for other in (
        draws.uniform(seed + 1, "think", 0, 20),
        draws.uniform(seed, "start", 0, 20),
        draws.uniform(seed, "think", 1, 20),
    ):
        assert not np.intersect1d(base, other).size


def test_draws_are_uniform_and_normal_and_independent():
    uniform = draws.uniform_table(7, "x", 400, 50)
    normal = draws.standard_normal_table(7, "x", 400, 50)
    assert ((uniform > 0) & (uniform < 1)).all()
    assert stats.kstest(uniform.ravel(), "uniform").pvalue > 1e-3
    assert stats.kstest(normal.ravel(), "norm").pvalue > 1e-3
    neighbours = np.corrcoef(uniform[:, :-1].ravel(), uniform[:, 1:].ravel())[0, 1]
    assert abs(neighbours) < 4 / np.sqrt(uniform.size)


@given(st.integers(0, 2**31), st.integers(0, 50), st.integers(0, 1000))
def test_one_draw_is_that_of_the_array(seed, index, entity):
    alone = draws.uniform_one(seed, "loss", index, entity)
    assert alone == draws.uniform(seed, "loss", index, 1001)[entity]
