import numpy as np
import pytest
import torch

from models.item_trie import ItemTrie, TrieMask

VARIED = np.array([[3, 4, -1], [3, 4, 5], [3, 6, -1], [7, -1, -1], [7, 4, 8], [9, 9, 9]])
"""Codes of different lengths, some the beginning of others."""


def random_codes(random: np.random.Generator) -> np.ndarray:
    lengths = random.integers(1, 5, 60)
    codes = np.where(np.arange(4) < lengths[:, None], random.integers(2, 8, (60, 4)), -1)
    return np.unique(codes, axis=0)


@pytest.mark.parametrize("seed", range(5))
def test_the_trie_is_prefix_allowed_tokens_fn(seed: int) -> None:
    from transformers import PrefixConstrainedLogitsProcessor

    random = np.random.default_rng(seed)
    codes = random_codes(random) if seed else VARIED
    vocabulary, end, rows, beams = 12, 1, 5, 7
    texts = [[*code[code >= 0].tolist(), end] for code in codes]
    seen = [random.choice(len(codes), len(codes) // 3) for _ in range(rows)]
    unseen = [[t for i, t in enumerate(texts) if i not in each] for each in seen]

    def allowed(row: int, ids: torch.Tensor) -> list[int]:
        """The definition: the next token of every unseen item that begins like this."""
        written = ids[1:].tolist()
        n = len(written)
        return sorted({text[n] for text in unseen[row] if text[:n] == written and len(text) > n})

    trie = ItemTrie(codes, end, vocabulary, "cpu")
    row = np.repeat(np.arange(rows), len(codes) // 3)
    item = np.concatenate(seen)
    pairs = np.tile(np.stack((row, item)), 2)  # a user may take an item more than once
    mask = TrieMask(trie, trie.open_nodes(rows, *torch.from_numpy(pairs)), beams)
    theirs = PrefixConstrainedLogitsProcessor(allowed, beams)
    compared = 0
    for length in range(trie.depth):
        longer = [[text[:length] for text in each if len(text) > length] for each in unseen]
        if not all(longer):
            continue
        written = [random.choice(each) for each in longer for _ in range(beams)]
        start = np.zeros((rows * beams, 1))
        ids = torch.from_numpy(np.concatenate((start, written), axis=1)).to(torch.int64)
        scores = torch.from_numpy(random.normal(size=(rows * beams, vocabulary)))
        assert torch.equal(mask(ids, scores), theirs(ids, scores))
        compared += 1
    assert compared >= 3


def test_what_cannot_become_an_item_has_no_continuation() -> None:
    trie = ItemTrie(VARIED, 1, 12, "cpu")
    none_left = torch.zeros(2, dtype=torch.int64), torch.tensor([3, 4])  # both that begin with 7
    mask = TrieMask(trie, trie.open_nodes(1, *none_left), 4)
    written = torch.tensor([[0, 7], [0, 2], [0, 1], [0, 3]])
    masked = mask(written, torch.zeros(4, 12))
    assert torch.isneginf(masked[:3]).all()
    assert torch.isfinite(masked[3]).nonzero()[:, 0].tolist() == [4, 6]


def test_leaves_of_finds_whole_items_only() -> None:
    trie = ItemTrie(VARIED, 1, 12, "cpu")
    spelled = torch.tensor([[3, 4, 1, 0], [3, 4, 5, 1], [3, 4, 5, 0], [7, 4, 1, 0], [2, 2, 2, 2]])
    assert trie.item[trie.leaves_of(spelled)].tolist() == [0, 1, -1, -1, -1]


def test_two_items_of_the_same_tokens_are_refused() -> None:
    with pytest.raises(ValueError, match="same tokens"):
        ItemTrie(np.array([[3, 4], [3, 4]]), 1, 12, "cpu")
