import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from interrupting import Interrupting
from small_cooperation import cooperative, prepared_with, task_of
from small_log import Small, log_of, pattern_log

from models import training_lists
from models.cooperation import FOLDS, fold_of_users, without_users
from models.histories import seen_pairs
from models.prefixes import Prefixes
from models.preparation import PreparedModels
from models.training.candidate_lists import beside_the_target
from models.training_lists import ListTask, obtain_lists, training_prefixes, uniform_fillers
from models.weights import obtain
from workloads import draws
from workloads.interaction_log import InteractionLog
from workloads.progress import SILENT


@given(
    st.lists(st.integers(0, 25), min_size=1, max_size=6),
    st.integers(1, 8),
    st.integers(1, 6),
    st.integers(1, 30),
)
def test_prefixes_are_the_newest_training_positions_with_contexts_as_in_a_replay(
    train_stop: list[int], history: int, steps: int, most: int
) -> None:
    log = log_of([[0] * 30 for _ in train_stop], 1)
    prefixes = training_prefixes(log, np.array(train_stop), history, steps, most)
    expected = [
        (user, stop)
        for user, end in enumerate(train_stop)
        for stop in range(max(1, end - most), end)
    ]
    assert list(zip(prefixes.user.tolist(), prefixes.stop.tolist(), strict=True)) == expected
    length = prefixes.stop - prefixes.start
    assert (length >= np.minimum(prefixes.stop, history)).all()
    assert (length <= history + steps - 1).all()
    runs = set(zip(prefixes.user.tolist(), prefixes.start.tolist(), strict=True))
    assert len(runs) <= sum(-(-max(0, end - 1) // steps) for end in train_stop)


def test_what_stands_beside_the_target_by_hand() -> None:
    item = np.array([[4, 7, 9, 2], [4, 7, 9, 2]], np.int32)
    beside = beside_the_target(item, np.array([7, 5]), 3)
    assert beside.tolist() == [[4, 9, 2], [4, 7, 9]]


def test_fillers_are_unseen_unlisted_and_not_the_target() -> None:
    log = pattern_log(users=30)
    users = np.arange(30)
    prefixes = Prefixes(users, np.zeros(30, np.int64), np.arange(30) % 7 + 1)
    lists = np.tile(np.arange(4, dtype=np.int32), (30, 1))
    filler = uniform_fillers(log, prefixes, lists, 10, seed=1)
    assert filler.shape == (30, 10)
    for user, own in enumerate(filler.tolist()):
        stop = prefixes.stop[user]
        barred = {*log.history(user)[: stop + 1].tolist(), 0, 1, 2, 3}
        assert len(set(own)) == 10
        assert not barred & set(own)
    assert uniform_fillers(log, prefixes, lists, 10, seed=1).tolist() == filler.tolist()
    assert uniform_fillers(log, prefixes, lists, 10, seed=2).tolist() != filler.tolist()
    # 30 x 10 draws of about 32 items left: every item comes up.
    assert set(filler.ravel().tolist()) == set(range(4, 40))


def test_fillers_of_a_target_are_its_own_whatever_other_targets_there_are() -> None:
    log = pattern_log(users=40)
    users, start, stop = np.arange(40), np.zeros(40, np.int64), np.full(40, 3)
    prefixes = Prefixes(users, start, stop)
    lists = np.zeros((40, 1), np.int32)
    whole = uniform_fillers(log, prefixes, lists, 8, seed=0)
    halves = [
        uniform_fillers(log, prefixes.part(half), lists[half], 8, seed=0)
        for half in (users[::2], users[1::2])
    ]
    assert np.array_equal(halves[0], whole[::2])
    assert np.array_equal(halves[1], whole[1::2])
    # Of 36 items left, 8 x 8 / 36 are in both where the draws have nothing to do with each other.
    shared = [len(set(a) & set(b)) for a, b in zip(*(h.tolist() for h in halves), strict=True)]
    assert np.mean(shared) < 4


def plain_fillers(
    log: InteractionLog, prefixes: Prefixes, item: np.ndarray, count: int, seed: int
) -> np.ndarray:
    """The definition, one list at a time."""
    filler = np.zeros((len(prefixes), count), np.int32)
    taken = prefixes.taken(log)
    for row in range(len(prefixes)):
        place = int(log.offsets[prefixes.user[row]] + prefixes.stop[row])  # of the target
        draw = draws.uniform(seed, "training list fillers", place, len(log.catalogue))
        one = slice(row, row + 1)
        draw[seen_pairs(log, prefixes.user[one], prefixes.stop[one])[1]] += 1
        draw[item[row]] += 2
        draw[taken[row]] = 4
        filler[row] = np.argsort(draw, kind="stable")[:count]
    return filler


@given(st.integers(0, 150), st.integers(1, 35), st.integers(0, 3))
def test_fillers_drawn_together_are_those_drawn_one_by_one(
    rows: int, count: int, seed: int
) -> None:
    """Also where seen items have to follow, as 40 items are less those listed, seen and taken."""
    log = pattern_log(users=50)
    random = np.random.default_rng(seed)
    user, stop = random.integers(50, size=rows), random.integers(1, 9, rows)
    prefixes = Prefixes(user, np.zeros(rows, np.int64), stop)
    lists = random.integers(40, size=(rows, 4)).astype(np.int32)
    told = Interrupting()
    filler = uniform_fillers(log, prefixes, lists, count, seed, told)
    assert np.array_equal(filler, plain_fillers(log, prefixes, lists, count, seed))
    assert told.phases == [("Fill up the training lists", rows)]
    assert told.done == rows


def test_lists_are_those_of_the_llm_that_has_not_seen_the_user(
    small: Small, cooperated: PreparedModels, cooperation_cache: Path
) -> None:
    fold = fold_of_users(small.log.users, small.settings.seed)
    assert len(task_of(cooperated).lists) == FOLDS
    llm_task = cooperated.llm.task
    for own, lists in enumerate(task_of(cooperated).lists):
        others = without_users(llm_task.corpus.split, fold == own)
        proposer = replace(llm_task, corpus=replace(llm_task.corpus, split=others))
        weights = obtain(proposer, cooperation_cache, SILENT)
        assert weights.train_s == 0
        model = weights.model()
        assert set(fold[lists.prefixes.user]) == {own}
        for i in range(0, len(lists.prefixes), 101):
            user, start, stop = (
                int(column[i])
                for column in (lists.prefixes.user, lists.prefixes.start, lists.prefixes.stop)
            )
            history = small.log.history(user)[:stop].astype(np.int64)
            with torch.inference_mode():
                encoded = model.encode(torch.from_numpy(history[start:])[None])
                last = torch.tensor([stop - start - 1])
                logits = model.score_catalogue(encoded, torch.tensor([0]), last)[0].numpy()
            unseen = np.setdiff1d(np.arange(40), history)
            best = unseen[np.argsort(-logits[unseen], kind="stable")][:12]
            assert lists.item[i].tolist() == best.tolist()


def test_every_training_position_has_a_list(small: Small, cooperated: PreparedModels) -> None:
    found = [
        (user, stop)
        for lists in task_of(cooperated).lists
        for user, stop in zip(lists.prefixes.user, lists.prefixes.stop, strict=True)
    ]
    expected = [(u, p) for u, stop in enumerate(small.split.train_stop) for p in range(1, stop)]
    assert sorted(found) == expected


def test_damaged_lists_are_reported_and_generated_anew(
    small: Small,
    cooperated: PreparedModels,
    cooperation_cache: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    shutil.copytree(cooperation_cache, tmp_path / "cache")
    for entry in (tmp_path / "cache" / "lists").iterdir():
        data = bytearray((entry / "items.npy").read_bytes())
        data[-1] ^= 1
        (entry / "items.npy").write_bytes(data)
    again = prepared_with(small, tmp_path / "cache", cooperative())
    assert "items.npy" in caplog.text
    assert not again.cached
    assert again.srm.train_s == 0
    assert again.store_hash == cooperated.store_hash


def test_an_interrupted_generation_goes_on_where_it_was(
    cooperated: PreparedModels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_lists, "PART", 100)
    llm, prefixes = cooperated.llm, task_of(cooperated).lists[0].prefixes
    task = ListTask(llm, prefixes, 12, True, llm.task.plan)
    first, second = Interrupting(2), Interrupting()
    with pytest.raises(KeyboardInterrupt):
        obtain_lists(task, "List", tmp_path, first)
    lists = obtain_lists(task, "List", tmp_path, second)
    assert len(prefixes) > 300
    assert first.phases == [("List", len(prefixes))]
    assert second.phases == [("List", len(prefixes) - 200)]
    assert lists.generate_s > 0
    assert obtain_lists(task, "List", tmp_path, second).generate_s == 0
    direct = llm.source(True).lists(prefixes, 12).item
    assert (lists.item == direct).all()
    other = obtain_lists(replace(task, count=11), "List", tmp_path, second)
    assert other.content_hash != lists.content_hash
