import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from small_log import HISTORY, Small, log_of, tiny_settings
from torch.nn import functional

from models.candidate_source import CatalogueScan
from models.errors import ModelError
from models.numerics import NumericsPlan, computing
from models.popularity import popularity_order
from models.prefixes import calibration_prefixes
from models.preparation import training_tasks
from models.training.full_softmax import full_softmax_loss
from models.training.validation import ndcg
from models.training.windows import epoch_batches, training_windows
from models.weights import TrainingTask, train
from workloads.interaction_log import InteractionLog
from workloads.progress import SILENT, Advance
from workloads.splits import Split, split
from workloads.workload_settings import WorkloadSettings


def training_hash(task: TrainingTask) -> str:
    """Hash the weights and what early stopping went by: everything that training gives."""
    model, result = train(task, SILENT)
    assert not np.isnan(result.validation_ndcg10)
    digest = hashlib.sha256(repr(result).encode())
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode() + value.numpy().tobytes())
    return digest.hexdigest()


def with_corpus(task: TrainingTask, **changes: object) -> TrainingTask:
    return replace(task, corpus=replace(task.corpus, **changes))


def short_tasks(small: Small) -> tuple[TrainingTask, TrainingTask]:
    recipe = {"max_epochs": 2, "batch_interactions": 64}
    settings = tiny_settings(training={"srm": recipe, "llm": recipe})
    return training_tasks(small.log, small.split, HISTORY, settings)


@given(st.lists(st.integers(0, 12), min_size=1, max_size=8), st.integers(1, 5))
def test_every_training_item_but_the_first_is_predicted_once(
    train_stop: list[int], positions: int
) -> None:
    histories = [list(range(20 * u, 20 * u + 15)) for u in range(len(train_stop))]
    log = log_of(histories, 20 * len(train_stop))
    windows = training_windows(log, np.array(train_stop), positions)
    predicted = []
    for start, length in zip(windows.start, windows.length, strict=True):
        assert 1 <= length <= positions
        predicted += log.items[start + 1 : start + 1 + length].tolist()
    expected = [h[i] for h, stop in zip(histories, train_stop, strict=True) for i in range(1, stop)]
    assert sorted(predicted) == sorted(expected)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=40), st.integers(1, 50))
def test_batches_deal_every_window_once_with_little_padding(
    lengths: list[int], batch_interactions: int
) -> None:
    length = np.array(lengths)
    batches = epoch_batches(length, batch_interactions, np.random.default_rng(0))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(length)))
    for batch in batches:
        assert length[batch].sum() < batch_interactions + length[batch].max()
    spans = sorted((length[batch].min(), length[batch].max()) for batch in batches)
    assert all(earlier[1] <= later[0] for earlier, later in pairwise(spans))


def test_the_loss_is_torchs_cross_entropy() -> None:
    generator = torch.Generator().manual_seed(0)
    states, items = (
        torch.randn(n, 6, generator=generator, dtype=torch.float64).requires_grad_()
        for n in (9, 20)
    )
    targets = torch.randint(20, (9,), generator=generator)
    own = full_softmax_loss(states, items, targets)
    reference = functional.cross_entropy(states @ items.T, targets)
    torch.testing.assert_close(own, reference)
    for mine, theirs in zip(
        torch.autograd.grad(2 * own, (states, items)),
        torch.autograd.grad(2 * reference, (states, items)),
        strict=True,
    ):
        torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("which", [0, 1], ids=["srm", "llm"])
def test_two_trainings_give_the_same_bytes_and_another_seed_does_not(
    small: Small, which: int
) -> None:
    task = short_tasks(small)[which]
    first = training_hash(task)
    assert training_hash(task) == first
    assert training_hash(replace(task, seed=1)) != first


def test_training_leaves_no_trace_in_torchs_state(small: Small) -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state(), torch.get_num_threads()
    train(short_tasks(small)[0], SILENT)
    assert torch.equal(torch.random.get_rng_state(), before[0])
    assert torch.get_num_threads() == before[1]
    assert not torch.are_deterministic_algorithms_enabled()


def test_a_failed_computation_restores_torchs_state() -> None:
    threads = torch.get_num_threads()
    with pytest.raises(RuntimeError), computing(NumericsPlan("cpu", "any", threads + 1)):
        raise RuntimeError
    assert torch.get_num_threads() == threads


def split_log(kind: str, small: Small) -> tuple[InteractionLog, Split]:
    """The small log, where it is split by time with an interaction every second from some start."""
    if kind == "per_user":
        return small.log, small.split
    starts_s = np.random.default_rng(5).uniform(0, 6, small.log.users)
    within = np.arange(small.log.interactions) - np.repeat(
        small.log.offsets[:-1], small.log.lengths
    )
    log = replace(small.log, times_s=np.repeat(starts_s, small.log.lengths) + within)
    cuts = {"kind": kind, "train_fraction": 0.4, "calibration_fraction": 0.15}
    steps = {"replay_steps": 4, "calibration_steps": 2, "min_history": 4}
    return log, split(log, WorkloadSettings.model_validate({"split": cuts, **steps}))


@pytest.mark.parametrize("kind", ["per_user", "global_time"])
@pytest.mark.parametrize("which", [0, 1], ids=["srm", "llm"])
def test_nothing_of_the_replay_reaches_training_or_early_stopping(
    small: Small, which: int, kind: str
) -> None:
    log, parts = split_log(kind, small)
    task = with_corpus(short_tasks(small)[which], log=log, split=parts)
    replayed, calibrating = log.items.copy(), log.items.copy()
    for user in parts.device_users:
        end, start = log.offsets[user + 1], log.offsets[user] + parts.replay_start[user]
        replayed[start:end] = 0
        calibrating[log.offsets[user] + parts.calibration_start[user] : start] = 0
    assert len(parts.device_users) >= 20
    before = training_hash(task)
    assert training_hash(with_corpus(task, log=replace(log, items=replayed))) == before
    assert training_hash(with_corpus(task, log=replace(log, items=calibrating))) != before


def test_both_models_beat_popularity_where_there_is_a_pattern(small: Small) -> None:
    prefixes = calibration_prefixes(small.split, HISTORY, 1000)
    taken = prefixes.taken(small.log)
    order = popularity_order(small.log, small.split)
    place = np.argsort(order)
    popular = []
    for user, stop, item in zip(prefixes.user, prefixes.stop, taken, strict=True):
        unseen = np.setdiff1d(np.arange(len(place)), small.log.history(user)[:stop])
        popular.append(1 + int((place[unseen] < place[item]).sum()))
    popularity = ndcg(np.array(popular), 10)
    for model in small.models():
        scan = CatalogueScan(model, small.log, NumericsPlan("cpu", "any", 1), exclude_seen=True)
        assert ndcg(scan.ranks(prefixes, taken), 10) > 2 * popularity


def test_ndcg_by_hand() -> None:
    assert ndcg(np.array([1, 3, 0, 11]), 10) == pytest.approx((1 + 0.5) / 4)


@pytest.mark.parametrize(
    ("model", "step_size"), [("srm", 1e38), ("srm", 1e25), ("srm", 1e20), ("llm", 1e38)]
)
def test_a_training_that_diverges_is_refused(small: Small, step_size: float, model: str) -> None:
    # After one batch the weights may be finite still; what they score is not.
    task = short_tasks(small)[("srm", "llm").index(model)]
    changes = {"learning_rate": step_size, "warmup_batches": 0, "batch_interactions": 10**6}
    recipe = task.recipe.model_copy(update={**changes, "max_epochs": 1})
    with pytest.raises(ModelError, match=r"diverged in epoch 1.* such as 0\.001$") as refused:
        train(replace(task, recipe=recipe), SILENT)
    assert refused.value.key == f"models.training.{model}.learning_rate"
    assert "\n" not in refused.value.message


def test_the_best_epoch_is_kept(small: Small) -> None:
    recipe = {"max_epochs": 6, "batch_interactions": 64, "learning_rate": 0.05, "patience": 6}
    settings = tiny_settings(training={"srm": recipe})
    task, _ = training_tasks(small.log, small.split, HISTORY, settings)
    model, result = train(task, SILENT)
    prefixes = calibration_prefixes(small.split, HISTORY, task.recipe.validation_users)
    scan = CatalogueScan(model, small.log, task.plan, exclude_seen=True)
    rank = scan.ranks(prefixes, prefixes.taken(small.log))
    assert ndcg(rank, 10) == result.validation_ndcg10
    assert 1 <= result.best_epoch <= result.epochs == 6


class Notes:
    """Progress that keeps what it is told beside the share done."""

    def __init__(self) -> None:
        self.notes: set[str] = set()

    @contextmanager
    def phase(self, title: str, total: float) -> Iterator[Advance]:  # noqa: ARG002
        def advance(amount: float = 1, note: str = "") -> None:  # noqa: ARG001
            self.notes.add(note)

        yield advance


def test_a_training_that_may_stop_early_tells_its_epochs_as_a_most(small: Small) -> None:
    settings = tiny_settings(training={"srm": {"max_epochs": 2}})
    task, _ = training_tasks(small.log, small.split, HISTORY, settings)
    progress = Notes()
    train(task, progress)
    assert any(note.startswith("epoch 1 of at most 2: ") for note in progress.notes)
