"""Users, items and histories as text: what a text-to-text model reads and writes.

Every user and every item is one word, `user_23` or `item_1042`, which a tokenizer splits into a few
tokens. Words are parted by spaces.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.corpus import Corpus
from models.histories import seen_pairs
from models.prefixes import Ints, Prefixes
from workloads.interaction_log import InteractionLog

BEFORE_ITEMS = ("has", "taken")
AFTER_ITEMS = ("and", "takes", "next")
FRAME_WORDS = 1 + len(BEFORE_ITEMS) + len(AFTER_ITEMS)
"""Words of a prompt besides its items: `user_23 has taken item_1000 item_1007 and takes next`."""

PAD, END, UNKNOWN = "<pad>", "</s>", "<unk>"
"""Special tokens of a fresh tokenizer, numbered 0, 1 and 2 as in T5 (Raffel et al. 2020)."""


def item_numbers(corpus: Corpus) -> Ints:
    """Return the number that stands for each item in text: int64 [items].

    Sequential indexing (Hua et al. 2023, arXiv 2305.06569, section 3.2; Geng et al. 2022 use it in
    P5): items are numbered in the order of their first appearance in the users' training histories,
    one user after the other, so that neighbours in a history share leading digits. Items that are
    never trained on come last, by id. All numbers have equally many digits, so that none is the
    beginning of another.
    """
    log = corpus.log
    _, trained = seen_pairs(log, np.arange(log.users), corpus.split.train_stop)
    item, first = np.unique(trained, return_index=True)
    appearance = np.full(corpus.items, len(trained), np.int64)
    appearance[item] = first
    number = np.empty(corpus.items, np.int64)
    number[np.argsort(appearance, kind="stable")] = first_numbers(corpus.items)
    return number


def first_numbers(items: int) -> Ints:
    """Return the lowest `items` numbers of the fewest digits that give so many: int64 [items]."""
    lowest = 1
    while 9 * lowest < items:
        lowest *= 10
    return lowest + np.arange(items)


def user_words(users: int) -> list[str]:
    """Return the words of all users, by position in the log."""
    return [f"user_{user}" for user in range(users)]


def item_words(numbers: Ints) -> list[str]:
    """Return the words of all items, by item id."""
    return [f"item_{number}" for number in numbers]


def fresh_tokenizer() -> Any:
    """Return a tokenizer of prompts: a `PreTrainedTokenizerFast` of about 330 tokens.

    A number is cut into pairs of digits from the left and its first pair carries the word's name,
    so `item_1042` is `item_10`, `42`: neighbours in sequential indexing share leading tokens.
    """
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast  # here, because its import takes seconds

    leading = [str(number) for number in range(100)]
    pairs = [f"{number:02}" for number in range(100)]
    tokens = [PAD, END, UNKNOWN, *BEFORE_ITEMS, *AFTER_ITEMS]
    tokens += [f"{name}_{number}" for name in ("user", "item") for number in leading]
    tokens += [str(digit) for digit in range(10)] + pairs
    tokenizer = Tokenizer(
        models.WordLevel({token: i for i, token in enumerate(tokens)}, unk_token=UNKNOWN)
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Split(Regex(r"(user_|item_)?\d{1,2}"), behavior="isolated"),
        ]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"$A {END}", special_tokens=[(END, tokens.index(END))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=PAD, eos_token=END, unk_token=UNKNOWN
    )


@dataclass(frozen=True)
class Prompts:
    """Tokenized prompts, padded on the right.

    Attributes:
        token: int64, shape [R, L].
        word: int64, shape [R, L]: which word of its prompt a token belongs to, from 1; 0 for the
            end token and for padding (Geng et al. 2022, figure 4).
        real: bool, shape [R, L]: not padding.
    """

    token: Ints
    word: Ints
    real: NDArray[np.bool_]


class _Words:
    """The tokens of some words, one after the other; the last word is empty."""

    def __init__(self, words: Sequence[Sequence[int]]) -> None:
        self.length = np.array([*map(len, words), 0], np.int64)
        self._first = np.cumsum(self.length) - self.length
        self._tokens = np.array([token for word in words for token in word], np.int64)

    def expand(self, rows: Ints, padding: int) -> tuple[Ints, Ints, NDArray[np.bool_]]:
        """Return the tokens of rows of words.

        Args:
            rows: int64, shape [R, W]; the empty word where a row is shorter.
            padding: the token to pad with.

        Returns:
            (tokens int64, column of each token's word int64, real bool), each of shape [R, L].
        """
        length = self.length[rows]
        total = length.sum(axis=1)
        real = np.arange(total.max(initial=1)) < total[:, None]
        tokens, column = np.full(real.shape, padding, np.int64), np.zeros(real.shape, np.int64)
        each = length.ravel()
        within = np.arange(each.sum()) - np.repeat(np.cumsum(each) - each, each)
        tokens[real] = self._tokens[np.repeat(self._first[rows].ravel(), each) + within]
        column[real] = np.repeat(np.tile(np.arange(rows.shape[1]), len(rows)), each)
        return tokens, column, real


class ItemText:
    """Prompts and targets of one corpus in the tokens of one tokenizer.

    Args:
        tokenizer: of `transformers`, with a padding and an end token; splits at spaces.
        numbers: int64, shape [items]: of `item_numbers`.
        users: users of the log.
        prompt_items: newest interactions of a history that a prompt holds, at most.
    """

    def __init__(self, tokenizer: Any, numbers: Ints, users: int, prompt_items: int) -> None:
        self.tokenizer = tokenizer
        self.prompt_items = prompt_items
        self.pad: int = tokenizer.pad_token_id
        self.end: int = tokenizer.eos_token_id
        words = [*user_words(users), *item_words(numbers), *BEFORE_ITEMS, *AFTER_ITEMS]
        tokens = tokenizer(words, add_special_tokens=False)["input_ids"]
        self._words = _Words([*tokens, [self.end]])
        self._first_item, self._frame = users, users + len(numbers)
        self._end_word = self._frame + FRAME_WORDS - 1
        self._empty_word = self._end_word + 1
        self._item_length = self._words.length[self._first_item : self._frame]

    @property
    def words(self) -> int:
        """Indices of whole words: 0 and one for each word of the longest prompt."""
        return 1 + FRAME_WORDS + self.prompt_items

    @property
    def item_tokens(self) -> float:
        """Mean tokens of an item's word."""
        return float(self._item_length.mean())

    def prompt_tokens(self, items: int) -> float:
        """Return the mean tokens of a prompt of a history of so many items, its end included."""
        users = self._words.length[: self._first_item].mean()
        frame = self._words.length[self._frame : self._empty_word].sum()
        return float(users + frame + min(items, self.prompt_items) * self.item_tokens)

    def codes(self) -> Ints:
        """Return the tokens of every item's word: int64 [items, longest], padded with -1."""
        words = np.arange(self._first_item, self._frame)[:, None]
        return self._words.expand(words, padding=-1)[0]

    def prompts(self, log: InteractionLog, prefixes: Prefixes) -> Prompts:
        """Return the prompts of some histories: the user and the newest items."""
        items = np.minimum(prefixes.stop - prefixes.start, self.prompt_items)
        row = np.arange(len(prefixes))
        before, after = 1 + len(BEFORE_ITEMS), len(AFTER_ITEMS)
        rows = np.full((len(row), before + items.max(initial=0) + after + 1), self._empty_word)
        rows[:, 0] = prefixes.user
        rows[:, 1:before] = self._frame + np.arange(before - 1)
        place = np.arange(items.max(initial=0))
        within = place < items[:, None]
        first = log.offsets[prefixes.user] + prefixes.stop - items
        taken = log.items[(first[:, None] + place)[within]].astype(np.int64)
        rows[:, before : before + len(place)][within] = self._first_item + taken
        for k in range(after):
            rows[row, before + items + k] = self._frame + before - 1 + k
        end = before + items + after
        rows[row, end] = self._end_word
        token, column, real = self._words.expand(rows, self.pad)
        word = np.where(real & (column < end[:, None]), column + 1, 0)
        return Prompts(token, word, real)

    def targets(self, items: Ints) -> tuple[Ints, NDArray[np.bool_]]:
        """Return the tokens of items' words, each with the end token, padded on the right.

        Returns:
            (tokens int64, real bool), both of shape [R, L].
        """
        rows = np.stack((self._first_item + items, np.full_like(items, self._end_word)), axis=1)
        token, _, real = self._words.expand(rows, self.pad)
        return token, real
