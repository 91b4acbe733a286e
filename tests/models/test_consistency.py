import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.consistency import footrule_consistency


def consistency(first: list[int], second: list[int], left: list[bool] | None = None) -> float:
    kept = np.ones(len(first), bool) if left is None else np.array(left)
    return float(footrule_consistency(np.array(first), np.array(second), kept))


@pytest.mark.parametrize("n", [2, 3, 4, 7, 50])
def test_same_order_is_one_and_reverse_is_zero(n: int) -> None:
    order = list(range(1, n + 1))
    assert consistency(order, order) == 1.0
    assert consistency(order, order[::-1]) == 0.0


def test_by_hand() -> None:
    # |1-2| + |2-1| + |3-3| + |4-4| = 2 of floor(16 / 2) = 8
    assert consistency([1, 2, 3, 4], [2, 1, 3, 4]) == 0.75
    # |1-3| + |2-1| + |3-2| = 4 of floor(9 / 2) = 4
    assert consistency([1, 2, 3], [3, 1, 2]) == 0.0


def test_dropped_items_do_not_count() -> None:
    assert consistency([1, 2, 9, 3], [2, 1, 1, 3], [True, True, False, True]) == 0.5


@pytest.mark.parametrize("left", [[False, False], [True, False]])
def test_fewer_than_two_items_agree(left: list[bool]) -> None:
    assert consistency([1, 2], [2, 1], left) == 1.0


@given(st.permutations(range(1, 9)), st.permutations(range(1, 9)))
def test_symmetric_and_in_the_unit_interval(first: list[int], second: list[int]) -> None:
    value = consistency(first, second)
    assert value == consistency(second, first)
    assert 0.0 <= value <= 1.0


def test_unrelated_orders_of_fifty_score_about_a_third() -> None:
    random = np.random.default_rng(0)
    first, second = (np.argsort(random.random((2000, 50))) + 1 for _ in range(2))
    mean = float(footrule_consistency(first, second, np.ones((2000, 50), bool)).mean())
    # E footrule = (n^2 - 1) / 3 (Diaconis and Graham 1977): 1 - 833 / 1250
    assert mean == pytest.approx(1 - 833 / 1250, abs=0.01)
