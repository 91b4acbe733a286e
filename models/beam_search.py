"""Candidate lists by beam search: a text-to-text model writes item ids."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.candidate_source import GENERATING, CandidateLists, CandidateSource
from models.corpus import Corpus
from models.errors import NotNumbers
from models.histories import length_groups, seen_pairs
from models.item_trie import ItemTrie, TrieMask
from models.numerics import NumericsPlan
from models.popularity import most_popular_unseen, popularity_order
from models.prefixes import Ints, Prefixes
from models.reading import precision
from models.whole_word_t5 import WholeWordT5
from workloads.progress import SILENT, Progress

if TYPE_CHECKING:
    from transformers import GenerationConfig

WORST_SCORE = -1e8
"""Sums of log-probabilities are above this; `generate` marks beams that lead nowhere by -1e9."""

REMEMBERED_LISTS = 20_000
"""Lists kept at most, besides those of the call at hand."""

DECODER_POSITIONS = 32_768
"""Prompt tokens x beams in one batch, about: what a T5-base reads of them takes 2.4 GB."""


class BeamSearch(CandidateSource):
    """Asks a T5 for the ids of the next items by beam search.

    As many beams are searched as a list has items, but not fewer than `beams`. A beam's score is
    the log-probability of its text (summed over its tokens and the end token, not divided by their
    number), under the model's own distribution: the constraint forbids and does not rescale. Beams
    are ordered by score, equal ones by the lower item id.

    Constrained beams write items of the catalogue only, and under `exclude_seen` only such as the
    user has not taken: so they fill a list whenever enough items are left. Unconstrained ones may
    write anything. What is no item is dropped, as the code of P5 and LSC4Rec does, and counted
    among the best beams, as many as the list has items; what is seen is dropped, uncounted. A list
    that is short is filled up with the most popular unseen items of training, ranked last: the
    first of them scores 1 below the last beam, the next one 2 below, and so on, and none counts as
    proposed by the model.

    Lists are remembered, so that asking for ranks after lists, or the reverse, searches once.

    Args:
        model: in evaluation mode.
        corpus: the log, and the training part that popularity is counted in.
        plan: how to compute.
        exclude_seen: leave out all items that the user took before the prefix's end.
        beams: sequences searched for one history, at least 2.
        constrained: write nothing but items.
    """

    def __init__(
        self,
        model: WholeWordT5,
        corpus: Corpus,
        plan: NumericsPlan,
        exclude_seen: bool,
        beams: int,
        constrained: bool,
    ) -> None:
        self._model = model
        self._text = model.text
        self._log = corpus.log
        self._plan = plan
        self._exclude_seen = exclude_seen
        self._beams = beams
        self._constrained = constrained
        self._trie = ItemTrie(
            model.text.codes(), model.text.end, model.t5.config.vocab_size, plan.device
        )
        self._popularity = popularity_order(corpus.log, corpus.split)
        self._known: dict[tuple[int, int, int, int], tuple[Any, ...]] = {}

    def lists(self, prefixes: Prefixes, count: int, progress: Progress = SILENT) -> CandidateLists:
        """Return the items of the `count` best beams, filled up where fewer are items."""
        found = self._search(prefixes, max(count, self._beams), progress)
        item, score = found.item[:, :count].copy(), found.score[:, :count].copy()
        proposed = item >= 0
        short = np.flatnonzero(~proposed.all(axis=1))
        if len(short):
            stop = prefixes.stop[short] if self._exclude_seen else np.zeros(len(short), np.int64)
            seen_row, seen_item = seen_pairs(self._log, prefixes.user[short], stop)
            row, column = np.nonzero(proposed[short])
            filling = most_popular_unseen(
                self._popularity,
                np.concatenate((seen_row, row)),
                np.concatenate((seen_item, item[short][row, column])),
                len(short),
                count,
            )
            place = np.arange(count) - proposed[short].sum(axis=1)[:, None]
            last = np.where(proposed[short], score[short], 0.0).min(axis=1)
            item[short] = np.where(place < 0, item[short], np.take_along_axis(filling, place, 1))
            score[short] = np.where(place < 0, score[short], last[:, None] - 1.0 - place)
        return CandidateLists(item, score, found.invalid[:, :count].sum(axis=1, dtype=np.int32))

    def ranks(self, prefixes: Prefixes, taken: Ints) -> Ints:
        """Return the rank among the beams; 0 where no beam wrote the item."""
        written = self._search(prefixes, self._beams).item == taken[:, None]
        return np.where(written.any(axis=1), 1 + written.argmax(axis=1), 0).astype(np.int64)

    def forget(self) -> None:
        """Forget all lists: the model has changed."""
        self._known.clear()

    def _search(self, prefixes: Prefixes, beams: int, progress: Progress = SILENT) -> "_Beams":
        """Return the beams of some prefixes, searched where they are not known yet."""
        # A prompt holds the newest items only, so older ones make no other list.
        start = np.maximum(prefixes.start, prefixes.stop - self._text.prompt_items)
        asked = [
            (int(user), int(first), int(stop), beams)
            for user, first, stop in zip(prefixes.user, start, prefixes.stop, strict=True)
        ]
        unknown = [key for key in dict.fromkeys(asked) if key not in self._known]
        if len(self._known) + len(unknown) > REMEMBERED_LISTS:
            self._known = {key: self._known[key] for key in asked if key in self._known}
        if unknown:
            columns = np.array(unknown, np.int64).T
            found = self._generate(Prefixes(*columns[:3]), beams, progress)
            rows = zip(found.item, found.score, found.invalid, strict=True)
            self._known.update(zip(unknown, rows, strict=True))
        known = [self._known[key] for key in asked]
        return _Beams(*(np.array([row[k] for row in known]) for k in range(3)))

    def _generate(self, prefixes: Prefixes, beams: int, progress: Progress) -> "_Beams":
        """Search the beams of some prefixes, those of like length in one batch."""
        item = np.full((len(prefixes), beams), -1, np.int32)
        score = np.full((len(prefixes), beams), -np.inf, np.float32)
        invalid = np.zeros((len(prefixes), beams), np.bool_)
        read = prefixes.stop - prefixes.start
        tokens = np.array([self._text.prompt_tokens(items) for items in range(read.max() + 1)])
        length = np.ceil(tokens[read]).astype(np.int64) * beams
        with progress.phase(GENERATING, len(prefixes)) as advance, torch.inference_mode():
            for member in length_groups(length, DECODER_POSITIONS):
                found = self._batch(prefixes.part(member), beams)
                item[member], score[member], invalid[member] = found
                advance(len(member))
        return _Beams(item, score, invalid)

    def _batch(
        self, prefixes: Prefixes, beams: int
    ) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.bool_]]:
        """Return (items int32, scores, invalid bool), all [R, beams], of one batch of prefixes."""
        stop = prefixes.stop if self._exclude_seen else np.zeros_like(prefixes.stop)
        row, seen = (self._plan.tensor(each) for each in seen_pairs(self._log, prefixes.user, stop))
        open_nodes = self._trie.open_nodes(len(prefixes), row, seen)
        sequence, score = self._beam_search(prefixes, open_nodes, beams)
        node = self._trie.leaves_of(sequence)
        item = self._trie.item[node].reshape(len(prefixes), beams)
        searched = score > WORST_SCORE
        invalid = searched & (item < 0)
        kept = searched & open_nodes.gather(1, node.reshape(len(prefixes), beams))
        score = score.masked_fill(~kept, -torch.inf)
        item = item.masked_fill(~kept, -1)
        item, by_id = item.sort(dim=1)
        score, by_score = score.gather(1, by_id).sort(dim=1, descending=True, stable=True)
        item = item.gather(1, by_score)
        return (
            item.to(torch.int32).cpu().numpy(),
            score.to(torch.float32).cpu().numpy(),
            invalid.cpu().numpy(),
        )

    def _beam_search(
        self, prefixes: Prefixes, open_nodes: Tensor, beams: int
    ) -> tuple[Tensor, Tensor]:
        """Return (tokens int64 [R x beams, length] without the start token, scores [R, beams])."""
        from transformers.modeling_outputs import BaseModelOutput

        with precision(self._plan):
            states, real = self._model.read(self._text.prompts(self._log, prefixes))
        states = states.float()  # ids are written in float32, so that few beams are equal
        mask = [TrieMask(self._trie, open_nodes, beams)] if self._constrained else []
        written: Any = self._model.t5.generate(
            encoder_outputs=BaseModelOutput(last_hidden_state=states),
            attention_mask=real,
            past_key_values=self._model.prompt_cache(states, beams),
            logits_processor=mask,
            generation_config=self._generation_config(beams),
        )
        if written.sequences_scores.isnan().any():
            raise NotNumbers
        return written.sequences[:, 1:], written.sequences_scores.reshape(-1, beams)

    def _generation_config(self, beams: int) -> "GenerationConfig":
        from transformers import GenerationConfig  # here, because its import takes seconds

        return GenerationConfig(
            num_beams=beams,
            num_return_sequences=beams,
            max_new_tokens=self._trie.depth,  # longer texts are no items
            length_penalty=0.0,  # a score is the sum of its log-probabilities
            early_stopping=False,  # stop only when no running beam can still reach the list
            do_sample=False,
            decoder_start_token_id=self._model.t5.config.decoder_start_token_id,
            pad_token_id=self._text.pad,
            eos_token_id=self._text.end,
            return_dict_in_generate=True,
            output_scores=True,
        )


@dataclass(frozen=True)
class _Beams:
    """What was written after some prefixes, best first.

    Attributes:
        item: int32, shape [R, beams]; -1 where a beam is left out.
        score: float32, shape [R, beams]; minus infinity where a beam is left out.
        invalid: bool, shape [R, beams]: whether the best beam, the second, ... is no item.
    """

    item: NDArray[np.int32]
    score: NDArray[np.float32]
    invalid: NDArray[np.bool_]
