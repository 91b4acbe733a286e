"""The trie of all items' tokens: which token may come next, so that every text is an item's."""

import numpy as np
import torch
from torch import Tensor

from models.prefixes import Ints


class ItemTrie:
    """A transition table: node 0 is the root, and each item has a leaf after its end token.

    Tokens that occur in no item share one column and lead, like every impossible token, to the
    last node, from which nothing leads on.

    Args:
        codes: int64, shape [items, longest]: tokens of the items, padded on the right with -1.
        end: the token that ends every item.
        vocabulary: tokens there are.
        device: where the tables live.

    Attributes:
        alphabet: int64, shape [A]: the tokens that occur.
        child: int64, shape [nodes + 1, A + 1]: the node that each token leads to.
        item: int64, shape [nodes + 1]: the item of a leaf; -1 elsewhere.
        depth: tokens of the longest item, its end included.

    Raises:
        ValueError: two items have the same tokens.
    """

    def __init__(self, codes: Ints, end: int, vocabulary: int, device: str) -> None:
        items = len(codes)
        ended = np.concatenate((codes, np.full((items, 1), -1)), axis=1)
        ended[np.arange(items), (codes >= 0).sum(axis=1)] = end
        alphabet = np.unique(ended[ended >= 0])
        path = np.full(ended.shape, -1, np.int64)
        node, nodes = np.zeros(items, np.int64), 1
        edges: list[Ints] = []
        for level in range(ended.shape[1]):
            here = np.flatnonzero(ended[:, level] >= 0)
            letter = np.searchsorted(alphabet, ended[here, level])
            edge, which = np.unique(node[here] * len(alphabet) + letter, return_inverse=True)
            node[here] = path[here, level] = nodes + which
            edges.append(edge)
            nodes += len(edge)
        if len(np.unique(node)) < items:
            raise ValueError("two items have the same tokens")
        self.depth = ended.shape[1]
        path[path < 0] = nodes
        child = np.full((nodes + 1, len(alphabet) + 1), nodes)
        parent, letter = np.divmod(np.concatenate(edges), len(alphabet))
        child[parent, letter] = 1 + np.arange(nodes - 1)
        leaf_item = np.full(nodes + 1, -1)
        leaf_item[node] = np.arange(items)
        column = np.full(vocabulary, len(alphabet))
        column[alphabet] = np.arange(len(alphabet))
        leaves = np.bincount(path.ravel(), minlength=nodes + 1)
        leaves[0], leaves[nodes] = items, 0
        self.alphabet, self.child, self.item, self._column, self._path, self._leaves = (
            torch.from_numpy(table).to(device)
            for table in (alphabet, child, leaf_item, column, path, leaves)
        )

    def walk(self, tokens: Tensor) -> Tensor:
        """Return the nodes that token sequences lead to: int64 [..., length] -> [...]."""
        node = torch.zeros(tokens.shape[:-1], dtype=torch.int64, device=tokens.device)
        for step in range(tokens.shape[-1]):
            node = self.child[node, self._column[tokens[..., step]]]
        return node

    def leaves_of(self, tokens: Tensor) -> Tensor:
        """Return the leaf that each sequence ends at, whatever follows; the last node for none.

        Args:
            tokens: int64, shape [..., length].
        """
        node = torch.zeros(tokens.shape[:-1], dtype=torch.int64, device=tokens.device)
        leaf = torch.full_like(node, len(self.item) - 1)
        for step in range(tokens.shape[-1]):
            node = self.child[node, self._column[tokens[..., step]]]
            leaf = torch.where(self.item[node] >= 0, node, leaf)
        return leaf

    def open_nodes(self, rows: int, row: Tensor, item: Tensor) -> Tensor:
        """Return the nodes beneath which an item is left: bool [rows, nodes + 1].

        Args:
            rows: rows, each with items of its own that are left out.
            row: int64, shape [pairs]: row of each item that is left out; pairs may repeat.
            item: int64, shape [pairs].
        """
        items, nodes = len(self._path), len(self.item)
        pair = torch.unique(row * items + item)
        node = (pair // items)[:, None] * nodes + self._path[pair % items]
        closed = torch.bincount(node.ravel(), minlength=rows * nodes).reshape(rows, nodes)
        closed[:, 0] = torch.bincount(pair // items, minlength=rows)
        left: Tensor = closed < self._leaves
        return left


class TrieMask:
    """Lets beam search write nothing but open items: a logits processor for `generate`.

    The same as `prefix_allowed_tokens_fn`, as tensors. It only needs to be callable; deriving it
    from `LogitsProcessor` would import `transformers`, which takes seconds.

    Args:
        trie: of the items.
        open_nodes: bool, shape [R, nodes + 1].
        beams: sequences of each of the R prompts, which follow each other.
    """

    def __init__(self, trie: ItemTrie, open_nodes: Tensor, beams: int) -> None:
        self._trie = trie
        self._open = open_nodes
        self._row = torch.arange(len(open_nodes), device=open_nodes.device)
        self._row = self._row.repeat_interleave(beams)[:, None]

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Return the scores of the next token, minus infinity where it leads to no open item.

        Args:
            input_ids: int64, shape [R x beams, 1 + length]: a start token and what was written.
            scores: float, shape [R x beams, vocabulary].
        """
        trie = self._trie
        reached = trie.child[trie.walk(input_ids[:, 1:]), :-1]
        allowed = self._open[self._row, reached]
        masked = torch.full_like(scores, -torch.inf)
        masked[:, trie.alphabet] = scores[:, trie.alphabet].masked_fill(~allowed, -torch.inf)
        return masked
