import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from models.catalogue_ranking import hide, target_ranks, top

# few distinct values, so that ties (also at the cut) are the rule
tied_logits = arrays.arrays(
    np.float32,
    st.tuples(st.integers(1, 4), st.integers(2, 12)),
    elements=st.sampled_from([0, 1, 2]),
)


def order_of(row: np.ndarray) -> list[int]:
    return sorted(range(len(row)), key=lambda item: (-row[item], item))


@given(tied_logits, st.data())
def test_top_is_the_head_of_the_full_order(logits: np.ndarray, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, logits.shape[1]))
    ids, best = top(torch.from_numpy(logits), count)
    for row, items, values in zip(logits, ids.tolist(), best.tolist(), strict=True):
        assert items == order_of(row)[:count]
        assert values == row[items].tolist()


@given(tied_logits, st.data())
def test_rank_is_the_place_in_the_full_order(logits: np.ndarray, data: st.DataObject) -> None:
    target = data.draw(
        st.lists(st.integers(0, logits.shape[1] - 1), min_size=len(logits), max_size=len(logits))
    )
    found = target_ranks(torch.from_numpy(logits), torch.tensor(target)).tolist()
    assert found == [order_of(row).index(t) + 1 for row, t in zip(logits, target, strict=True)]


def test_hidden_items_are_never_listed_and_have_no_rank() -> None:
    logits = torch.tensor([[3.0, 2.0, 1.0, 0.0]])
    hide(logits, torch.tensor([0, 0]), torch.tensor([0, 2]))
    assert top(logits, 2)[0].tolist() == [[1, 3]]
    assert target_ranks(logits, torch.tensor([2])).tolist() == [0]
    assert target_ranks(logits, torch.tensor([3])).tolist() == [2]
