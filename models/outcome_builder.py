"""Builds outcome tables: every list and every cell of every replayed user, from both models."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.candidate_source import CandidateSource, CatalogueScan
from models.cells import ById, Cells, HeldLists, evaluate
from models.fusion import VARIANTS
from models.generated_lists import GeneratedLists
from models.histories import seen_pairs
from models.numerics import NumericsPlan, computing
from models.outcomes import (
    FRESHNESS_AGES,
    OutcomeShape,
    OutcomeWriter,
    cell_offsets,
    fresh_column,
    signal_column,
)
from models.popularity import most_popular_unseen, popularity_order
from models.prefixes import Ints
from models.recommender import Recommender
from models.replay_contexts import Replay, ReplayGroup, replay_groups
from models.signals.names import SIGNALS
from models.signals.scored import SCORED_SIGNALS, ScoredLists
from models.signals.taken import taken_share
from workloads.progress import Progress

Columns = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class ScoredGroup:
    """One list of each of R users, held from its basis, and scored at S steps.

    Attributes:
        lists: the lists by id.
        logit: float32, shape [R, S, N]: the SRM's logits, in the order of the lists' maker.
        taken: int64, shape [R, S]: items of the list that the user has taken since its basis.
        age_steps: int64, shape [R, S]: steps since the basis.
    """

    lists: ById
    logit: NDArray[np.float32]
    taken: Ints
    age_steps: Ints


class OutcomeBuilder:
    """Builds the outcome tables of one replay from an SRM and a source of candidate lists.

    Users are batched by the length of their contexts under the numerics plan. One causal pass reads
    a whole context, as contexts start at a fixed item and grow.

    Args:
        replay: what is replayed.
        srm: in evaluation mode.
        binary_logits: whether it was trained with binary cross-entropy.
        llm: generates the lists.
        learned_weight: the SRM's weight in the learned fusion.
        plan: how to compute.
    """

    def __init__(
        self,
        replay: Replay,
        srm: Recommender,
        binary_logits: bool,
        llm: CandidateSource,
        learned_weight: float,
        plan: NumericsPlan,
    ) -> None:
        self._replay = replay
        self._srm = srm
        self._binary_logits = binary_logits
        self._llm = llm
        self._learned_weight = learned_weight
        self._invalid, self._places = 0, 0
        self._plan = plan
        self._srm_scan = CatalogueScan(srm, replay.log, plan, replay.candidates.exclude_seen)
        self._popularity = popularity_order(replay.log, replay.split)
        forced = np.arange(replay.steps)[:, None] - np.array(FRESHNESS_AGES)
        self._bases = np.union1d(forced, -replay.first_list_age_steps)

    @property
    def invalid_share(self) -> float:
        """Candidates generated so far that are no items, as a share of the lists' places."""
        return self._invalid / max(1, self._places)

    def build(self, writer: OutcomeWriter, progress: Progress) -> None:
        """Compute all users and write them."""
        users = len(self._replay.split.device_users)
        with (
            progress.phase("Build outcome tables", users) as advance,
            computing(self._plan),
            torch.inference_mode(),
        ):
            for group in replay_groups(self._replay, int(self._bases[0]), self._srm, self._plan):
                writer.write(group.member, self._columns(group))
                advance(len(group.member))

    def _columns(self, group: ReplayGroup) -> Columns:
        """Return every column of the store for one group of users."""
        shape = OutcomeShape(len(group.user), self._replay.steps, self._replay.candidates.count)
        columns: Columns = {
            name: np.zeros(column_shape, dtype)
            for name, (column_shape, dtype) in shape.columns().items()
        }
        columns["full_rank_srm"] = self._ranks(self._srm_scan, group)
        columns["full_rank_llm"] = self._ranks(self._llm, group)
        generated = self._generate(group)
        self._fill_fresh_rows(columns, group, generated)
        self._fill_preloaded_row(columns, group, generated)
        self._fill_popular_row(columns, group)
        self._fill_forced_ages(columns, group, generated)
        return columns

    def _ranks(self, source: CandidateSource, group: ReplayGroup) -> Ints:
        """Return the rank of every replayed item given H_t: int64 [U, T]."""
        steps = self._replay.steps
        row, step = np.divmod(np.arange(len(group.user) * steps), steps)
        rank = source.ranks(group.prefixes(row, step), group.taken(row, step))
        return rank.reshape(-1, steps)

    def _generate(self, group: ReplayGroup) -> GeneratedLists:
        """Return the LLM's lists of all bases that have an interaction inside the context."""
        readable = group.context[:, None] + self._bases >= 1
        count = self._replay.candidates.count
        row, column = np.nonzero(readable)
        lists = self._llm.lists(group.prefixes(row, self._bases[column]), count)
        self._invalid += int(lists.invalid.sum())
        self._places += lists.item.size
        item = np.zeros((*readable.shape, count), np.int32)
        score = np.zeros((*readable.shape, count), np.float32)
        invalid = np.zeros(readable.shape, np.int32)
        item[row, column], score[row, column] = lists.item, lists.score
        invalid[row, column] = lists.invalid
        return GeneratedLists(self._bases, item, score, invalid)

    def _fill_fresh_rows(
        self, columns: Columns, group: ReplayGroup, generated: GeneratedLists
    ) -> None:
        """Fill rows 0 .. T-1: the lists generated during the replay."""
        steps = self._replay.steps
        for step, first_cell in enumerate(cell_offsets(steps)[:steps] + np.arange(steps)):
            item, score, invalid = generated.at(step)
            columns["lists"][:, step], columns["list_scores"][:, step] = item, score
            scored = self._score(group, item, np.full(len(item), step), range(step, steps))
            cells = self._cells(scored, scored.logit[:, 0], invalid)
            _fill_cells(columns, int(first_cell), cells)
            _fill_fresh(columns, step, cells)

    def _fill_preloaded_row(
        self, columns: Columns, group: ReplayGroup, generated: GeneratedLists
    ) -> None:
        """Fill row T; when it was new, the SRM knew the same history as the LLM."""
        steps = self._replay.steps
        item, score, invalid = generated.at(-self._replay.first_list_age_steps)
        columns["lists"][:, steps], columns["list_scores"][:, steps] = item, score
        basis = np.full(len(item), -self._replay.first_list_age_steps)
        new = self._score(group, item, basis, [basis])
        _fill_fresh(columns, steps, self._cells(new, new.logit[:, 0], invalid))
        scored = self._score(group, item, basis, range(steps))
        cells = self._cells(scored, new.logit[:, 0], invalid)
        _fill_cells(columns, int(cell_offsets(steps)[steps]), cells)

    def _fill_popular_row(self, columns: Columns, group: ReplayGroup) -> None:
        """Fill row T + 1, which is shown in popularity order under every fusion."""
        steps, users = self._replay.steps, len(group.user)
        stop = group.start if self._replay.candidates.exclude_seen else np.zeros_like(group.start)
        seen_row, seen_item = seen_pairs(self._replay.log, group.user, stop)
        item = most_popular_unseen(
            self._popularity, seen_row, seen_item, users, self._replay.candidates.count
        )
        columns["popular"] = item
        scored = self._score(group, item, np.zeros(users, np.int64), range(steps))
        cells = self._cells(scored, scored.logit[:, 0], np.zeros(users, np.int32))
        cells |= {f"rank_{variant}": scored.lists.list_rank for variant in VARIANTS}
        _fill_cells(columns, int(cell_offsets(steps)[steps + 1]), cells)
        _fill_fresh(columns, steps + 1, cells)

    def _fill_forced_ages(
        self, columns: Columns, group: ReplayGroup, generated: GeneratedLists
    ) -> None:
        """Fill what is shown at every step with a list of a given age, for the freshness curve."""
        columns["freshness_consistency"].fill(np.nan)
        for basis in self._bases.tolist():
            row = np.flatnonzero(group.context + basis >= 1)
            aged = [(a, basis + age) for a, age in enumerate(FRESHNESS_AGES)]
            aged = [(a, step) for a, step in aged if 0 <= step < self._replay.steps]
            if not len(row) or not aged:
                continue
            item = generated.at(basis)[0][row]
            steps = [step for _, step in aged]
            cells = self._evaluate(self._score(group, item, np.full(len(row), basis), steps, row))
            for column, (a, step) in enumerate(aged):
                columns["freshness_valid"][row, a, step] = True
                columns["freshness_consistency"][row, a, step] = cells.consistency[:, column]
                for variant in VARIANTS:
                    rank = cells.fused_rank[variant][:, column]
                    columns[f"freshness_rank_{variant}"][row, a, step] = rank

    def _cells(
        self, scored: ScoredGroup, basis_logit: NDArray[np.float32], invalid: NDArray[np.int32]
    ) -> Columns:
        """Return what all columns of cells say of scored lists: [R, S] each.

        Args:
            scored: the lists.
            basis_logit: shape [R, N]: the SRM's logits given the lists' bases.
            invalid: shape [R]: candidates of each list that were no items.
        """
        cells = self._evaluate(scored)
        of_scores = (name for name in SCORED_SIGNALS if name != "footrule")
        signals = {
            "footrule": cells.consistency,
            **ScoredLists(scored.lists, basis_logit).signals(of_scores),
            "taken_share": taken_share(scored.taken, scored.age_steps),
            "invalid_candidates": np.broadcast_to(invalid[:, None], scored.taken.shape),
        }
        return {
            **{signal_column(name): values for name, values in signals.items()},
            **{f"rank_{variant}": rank for variant, rank in cells.fused_rank.items()},
        }

    def _evaluate(self, scored: ScoredGroup) -> Cells:
        return evaluate(scored.lists, self._binary_logits, self._learned_weight)

    def _score(
        self,
        group: ReplayGroup,
        item: NDArray[np.int32],
        basis: Ints,
        steps: Sequence[int | Ints],
        row: Ints | None = None,
    ) -> ScoredGroup:
        """Score lists of some users, held from their bases, at some steps.

        Args:
            group: the users.
            item: shape [R, N]: the lists.
            basis: shape [R].
            steps: S steps, each a number or one of each user [R].
            row: shape [R]: the users; all of them by default.
        """
        row = np.arange(len(group.user)) if row is None else row
        at = np.stack([np.broadcast_to(step, row.shape) for step in steps], axis=1)
        position = self._plan.tensor(group.position(row[:, None], at))
        encoded = group.srm[self._plan.tensor(row)]
        candidates = self._plan.tensor(item.astype(np.int64))
        logit = self._srm.score(encoded, position, candidates).cpu().numpy()
        taken = at[:, :, None] > self._step_taken(group, row, item, basis)[:, None, :]
        left = ~taken if self._replay.candidates.exclude_seen else np.ones_like(taken)
        target = group.taken(row[:, None], at)
        return ScoredGroup(
            lists=ById.of(HeldLists(item, logit, left, target)),
            logit=logit,
            taken=taken.sum(axis=2),
            age_steps=at - basis[:, None],
        )

    def _step_taken(
        self, group: ReplayGroup, row: Ints, item: NDArray[np.int32], basis: Ints
    ) -> Ints:
        """Return at which step, from the basis on, each item is taken (T where never): [R, N]."""
        step = np.arange(group.first_step, self._replay.steps)
        taken = item[:, :, None] == group.window[row][:, None, :]
        taken &= (step >= basis[:, None])[:, None, :]
        return np.where(taken.any(axis=2), step[taken.argmax(axis=2)], self._replay.steps)


def _fill_cells(columns: Columns, first_cell: int, cells: Columns) -> None:
    for name, values in cells.items():
        columns[name][:, first_cell : first_cell + values.shape[1]] = values


def _fill_fresh(columns: Columns, row: int, cells: Columns) -> None:
    for name in SIGNALS:
        columns[fresh_column(name)][:, row] = cells[signal_column(name)][:, 0]
