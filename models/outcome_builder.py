"""Builds outcome tables: every list and every cell of every replayed user, from both models."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from models.candidate_source import GENERATING, CandidateSource, CatalogueScan
from models.cells import Cells, evaluate
from models.fusion import VARIANTS
from models.generated_lists import GeneratedLists, generate_lists
from models.histories import seen_pairs
from models.learned_fusion import (
    AGES,
    WITHOUT_EVIDENCE,
    calibrating_members,
    calibration_steps,
    fitted_weight,
)
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
from models.scored_groups import GroupScorer, ScoredGroup
from models.signals.names import SIGNALS
from models.signals.scored import SCORED_SIGNALS, ScoredLists
from models.signals.taken import taken_share
from workloads.progress import Advance, Progress

Columns = dict[str, NDArray[Any]]


class OutcomeBuilder:
    """Builds the outcome tables of one replay from an SRM and a source of candidate lists.

    Users are batched by the length of their contexts under the numerics plan. One causal pass reads
    a whole context, as contexts start at a fixed item and grow.

    Args:
        replay: what is replayed.
        srm: in evaluation mode.
        binary_logits: whether it was trained with binary cross-entropy.
        llm: generates the lists.
        plan: how to compute.
    """

    def __init__(
        self,
        replay: Replay,
        srm: Recommender,
        binary_logits: bool,
        llm: CandidateSource,
        plan: NumericsPlan,
    ) -> None:
        self._replay = replay
        self._srm = srm
        self._binary_logits = binary_logits
        self._llm = llm
        self._plan = plan
        self._learned_weight = WITHOUT_EVIDENCE
        self._invalid, self._places = 0, 0
        self._scorer = GroupScorer(srm, replay.candidates.exclude_seen, plan)
        self._srm_scan = CatalogueScan(srm, replay.log, plan, replay.candidates.exclude_seen)
        self._popularity = popularity_order(replay.log, replay.split)
        self._steps_before = calibration_steps(replay)
        forced = np.arange(replay.steps)[:, None] - np.array(FRESHNESS_AGES)
        self._bases = np.union1d(forced, -replay.first_list_age_steps)

    @property
    def learned_weight(self) -> float:
        """The SRM's weight in the learned fusion, once all is built."""
        return self._learned_weight

    @property
    def invalid_share(self) -> float:
        """Candidates generated so far that are no items, as a share of the lists' places."""
        return self._invalid / max(1, self._places)

    def build(self, writer: OutcomeWriter, progress: Progress) -> None:
        """Compute all users and write them.

        The lists of those who calibrate come first, as all tables contain the weight fitted there.
        """
        users, calibrating = len(self._steps_before), calibrating_members(self._replay)
        others = np.setdiff1d(np.arange(users), calibrating)
        with computing(self._plan), torch.inference_mode():
            with progress.phase(GENERATING, len(calibrating)) as advance:
                first = list(self._generated(calibrating, self._calibration_bases(), advance))
            self._learned_weight = fitted_weight(
                self._replay, first, self._scorer, self._binary_logits
            )
            with (
                progress.phase("Build outcome tables", users) as advance,
                ThreadPoolExecutor(self._plan.threads) as threads,
            ):
                nobody = np.zeros(0, np.int64)
                for group, lists in chain(first, self._generated(others, nobody, _untold)):
                    rows = self._shared_out(group)
                    groups, parts = map(group.part, rows), map(lists.part, rows)
                    for row, columns in zip(
                        rows, threads.map(self._columns, groups, parts), strict=True
                    ):
                        writer.write(group.member[row], columns)
                    advance(len(group.member))

    def _shared_out(self, group: ReplayGroup) -> list[Ints]:
        """Return the rows of a group in as many parts as the plan has threads on a CPU."""
        parts = self._plan.threads if self._plan.device == "cpu" else 1
        everyone = np.arange(len(group.member))
        return np.array_split(everyone, min(parts, len(everyone)))

    def _calibration_bases(self) -> Ints:
        """Return the bases of the lists that are shown at calibration steps."""
        most = int(self._steps_before.max(initial=0))
        return np.arange(-most - max(AGES), 0)

    def _generated(
        self, member: Ints, more_bases: Ints, advance: Advance
    ) -> Iterator[tuple[ReplayGroup, GeneratedLists]]:
        """Yield some users, batch by batch, and the LLM's lists of all bases inside a context.

        Of `more_bases`, those that a user's own calibration steps need.
        """
        bases = np.union1d(self._bases, more_bases)
        first_step = int(bases[0])
        for group in replay_groups(self._replay, first_step, self._srm, self._plan, member):
            needed = -self._steps_before[group.member] - max(AGES)
            wanted = np.isin(bases, self._bases) | (bases >= needed[:, None])
            wanted &= group.context[:, None] + bases >= 1
            told = partial(_share, advance, len(group.member) / max(1, wanted.sum()))
            count = self._replay.candidates.count
            lists = generate_lists(group, bases, wanted, self._llm, count, told)
            self._invalid += int(lists.invalid.sum())
            self._places += int(wanted.sum()) * count
            yield group, lists

    @torch.inference_mode()
    def _columns(self, group: ReplayGroup, generated: GeneratedLists) -> Columns:
        """Return every column of the store for one group of users."""
        shape = OutcomeShape(len(group.user), self._replay.steps, self._replay.candidates.count)
        columns: Columns = {
            name: np.zeros(column_shape, dtype)
            for name, (column_shape, dtype) in shape.columns().items()
        }
        columns["full_rank_srm"] = self._srm_ranks(group)
        columns["full_rank_llm"] = generated.rank
        self._fill_fresh_rows(columns, group, generated)
        self._fill_preloaded_row(columns, group, generated)
        self._fill_popular_row(columns, group)
        self._fill_forced_ages(columns, group, generated)
        return columns

    def _srm_ranks(self, group: ReplayGroup) -> Ints:
        """Return the SRM's rank of every replayed item given H_t: int64 [U, T]."""
        steps = self._replay.steps
        row, step = np.divmod(np.arange(len(group.user) * steps), steps)
        prefixes, position = group.prefixes(row, step), group.position(row, step)
        rank = self._srm_scan.ranks_read(group.srm, row, position, prefixes, group.taken(row, step))
        return rank.reshape(-1, steps)

    def _fill_fresh_rows(
        self, columns: Columns, group: ReplayGroup, generated: GeneratedLists
    ) -> None:
        """Fill rows 0 .. T-1: the lists generated during the replay."""
        steps = self._replay.steps
        for step, first_cell in enumerate(cell_offsets(steps)[:steps] + np.arange(steps)):
            item, score, invalid = generated.at(step)
            columns["lists"][:, step], columns["list_scores"][:, step] = item, score
            scored = self._scorer.score(group, item, step, range(step, steps))
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
        basis = -self._replay.first_list_age_steps
        new = self._scorer.score(group, item, basis, [basis])
        _fill_fresh(columns, steps, self._cells(new, new.logit[:, 0], invalid))
        scored = self._scorer.score(group, item, basis, range(steps))
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
        scored = self._scorer.score(group, item, 0, range(steps))
        cells = self._cells(scored, scored.logit[:, 0], np.zeros(users, np.int32))
        cells |= {f"rank_{variant}": scored.lists.list_rank for variant in VARIANTS}
        _fill_cells(columns, int(cell_offsets(steps)[steps + 1]), cells)
        _fill_fresh(columns, steps + 1, cells)

    def _fill_forced_ages(
        self, columns: Columns, group: ReplayGroup, generated: GeneratedLists
    ) -> None:
        """Fill what is shown at every step with a list of a given age, for the freshness curve."""
        columns["freshness_consistency"].fill(np.nan)
        offsets = cell_offsets(self._replay.steps)
        for basis in self._bases.tolist():
            row = np.flatnonzero(group.context + basis >= 1)
            age = np.array([a for a in range(len(FRESHNESS_AGES)) if self._is_aged(basis, a)], int)
            step = basis + np.array(FRESHNESS_AGES)[age]
            if not len(row) or not len(age):
                continue
            if basis >= 0:  # row `basis` of the table has these cells
                cell = offsets[basis] + step
                consistency = columns["consistency"][:, cell]
                ranks = {variant: columns[f"rank_{variant}"][:, cell] for variant in VARIANTS}
            else:
                item = generated.at(basis)[0][row]
                cells = self._evaluate(self._scorer.score(group, item, basis, step.tolist(), row))
                consistency, ranks = cells.consistency, cells.fused_rank
            columns["freshness_valid"][row[:, None], age, step] = True
            columns["freshness_consistency"][row[:, None], age, step] = consistency
            for variant, rank in ranks.items():
                columns[f"freshness_rank_{variant}"][row[:, None], age, step] = rank

    def _is_aged(self, basis: int, age: int) -> bool:
        """Return whether a list of a basis reaches an age (by position) inside the window."""
        return 0 <= basis + FRESHNESS_AGES[age] < self._replay.steps

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


def _fill_cells(columns: Columns, first_cell: int, cells: Columns) -> None:
    for name, values in cells.items():
        columns[name][:, first_cell : first_cell + values.shape[1]] = values


def _fill_fresh(columns: Columns, row: int, cells: Columns) -> None:
    for name in SIGNALS:
        columns[fresh_column(name)][:, row] = cells[signal_column(name)][:, 0]


def _share(advance: Advance, share: float, amount: float = 1, note: str = "") -> None:
    advance(share * amount, note)


def _untold(amount: float = 1, note: str = "") -> None:
    del amount, note
