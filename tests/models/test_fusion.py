import numpy as np
import pytest

from models.fusion import VARIANTS, Variant, fuse, opinion

RANK = np.array([1.0, 2.0, 3.0, 4.0])
P = np.array([0.05, 0.5, 0.95, 0.88])


@pytest.mark.parametrize(
    ("variant", "expected"),
    [
        (1, [-1, -2, -3, -4]),
        # |p - 0.5| is 0.45, 0, 0.45 and 0.38, so only the first and the third are corrected
        (2, [-0.25 + 0.5 - 0.45, -0.5 + 0.5, -0.75 + 0.5 + 0.45, -1 + 0.5]),
        (3, [-0.25 - 0.45, -0.5, -0.75 + 0.45, -1 + 0.38]),
        (4, [-0.25 - 0.9, -0.5, -0.75 + 0.9, -1 + 0.76]),
        (5, [0.05, 0.5, 0.95, 0.88]),
        ("learned", [-0.25 - 3 * 0.45, -0.5, -0.75 + 3 * 0.45, -1 + 3 * 0.38]),
    ],
)
def test_variants_by_hand(variant: Variant, expected: list[float]) -> None:
    np.testing.assert_allclose(fuse(variant, RANK, np.array([4]), P, 3.0), expected, atol=1e-15)


@pytest.mark.parametrize(("weight", "same_as"), [(1.0, 3), (2.0, 4)])
def test_the_learned_weight_contains_variants(weight: float, same_as: Variant) -> None:
    learned = fuse("learned", RANK, np.array([4]), P, weight)
    assert learned.tolist() == fuse(same_as, RANK, np.array([4]), P, 7.0).tolist()


def test_no_weight_is_the_order_of_the_llm_and_a_large_one_that_of_the_srm() -> None:
    nothing, much = (fuse("learned", RANK, np.array([4]), P, w) for w in (0.0, 64.0))
    assert np.argsort(-nothing).tolist() == [0, 1, 2, 3]
    assert np.argsort(-much).tolist() == np.argsort(-P).tolist()


def test_unknown_variant_is_refused() -> None:
    with pytest.raises(ValueError, match="accepted: 1 to 5, or learned"):
        fuse(6, RANK, np.array([4]), P, 1.0)  # type: ignore[arg-type]
    assert VARIANTS == (1, 2, 3, 4, 5, "learned")


def test_softmax_logits_are_standardised_over_the_items_left() -> None:
    logit = np.array([3.0, 1.0, 100.0, 2.0], np.float32)
    left = np.array([True, True, False, True])
    # 3, 1, 2: mean 2, population standard deviation sqrt(2/3)
    z = 1 / np.sqrt(2 / 3)
    expected = [1 / (1 + np.exp(-z)), 1 / (1 + np.exp(z)), 0.5]
    np.testing.assert_allclose(opinion(logit, left, False)[[0, 1, 3]], expected, rtol=1e-12)


@pytest.mark.parametrize("value", [0.1, -3.7, 1e6])
def test_equal_logits_give_no_opinion(value: float) -> None:
    left = np.array([True, True, True, False])
    logit = np.array([value, value, value, 5.0], np.float32)
    assert opinion(logit, left, False)[:3].tolist() == [0.5, 0.5, 0.5]


def test_an_item_dropped_changes_no_other_opinion() -> None:
    left = np.array([True, True, True, False])
    values = [
        opinion(np.array([1.0, 2.0, 4.0, dropped], np.float32), left, False)[:3].tolist()
        for dropped in (-50.0, 0.0, 50.0)
    ]
    assert values[0] == values[1] == values[2]


def test_binary_logits_are_not_standardised() -> None:
    logit = np.array([0.0, np.log(3.0)], np.float64)
    np.testing.assert_allclose(opinion(logit, np.ones(2, bool), True), [0.5, 0.75])
