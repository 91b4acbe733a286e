import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from plain_outcomes import PlainOutcomes
from pydantic import ValidationError
from small_log import FIRST_LIST_AGE, HISTORY, Small, log_of, pattern_log, tiny_settings

from models import training_lists
from models.cooperation import FOLDS, CooperativeTask, fold_of_users, without_users
from models.errors import ModelError
from models.list_scores import list_logits
from models.prefixes import Prefixes
from models.preparation import PreparedModels, prepare, training_tasks
from models.settings import ModelSettings
from models.training.candidate_lists import beside_the_target, list_ranks
from models.training.settings import Cooperative, TrainingSettings
from models.training.validation import ndcg
from models.training_lists import ListTask, obtain_lists, training_prefixes, uniform_fillers
from models.weights import Weights, obtain, train
from workloads.interaction_log import InteractionLog
from workloads.progress import SILENT

RECIPE = {"max_epochs": 3, "learning_rate": 0.01, "batch_interactions": 64, "warmup_batches": 5}


def cooperative(**changes: object) -> ModelSettings:
    strategy = {"kind": "cooperative", "candidates": 5, "list_size": 12, **changes}
    return tiny_settings(training={"strategy": strategy, "srm": RECIPE, "llm": RECIPE})


def prepared_with(small: Small, cache_dir: Path, settings: ModelSettings) -> PreparedModels:
    return prepare(small.log, small.split, HISTORY, FIRST_LIST_AGE, settings, cache_dir)


@pytest.fixture(scope="module")
def cache_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cooperation")


@pytest.fixture(scope="module")
def cooperated(small: Small, cache_dir: Path) -> PreparedModels:
    return prepared_with(small, cache_dir, cooperative())


def task_of(models: PreparedModels) -> CooperativeTask:
    assert isinstance(models.srm.task, CooperativeTask)
    return models.srm.task


# Prefixes


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


# Lists and their fillers


def test_what_stands_beside_the_target_by_hand() -> None:
    item = np.array([[4, 7, 9, 2], [4, 7, 9, 2]], np.int32)
    beside = beside_the_target(item, np.array([7, 5]), 3)
    assert beside.tolist() == [[4, 9, 2], [4, 7, 9]]


def test_ranks_in_lists_by_hand() -> None:
    item = np.array([[4, 7, 9]] * 4, np.int32)
    logit = np.array([[0.5, 2.0, 2.0]] * 4, np.float32)
    assert list_ranks(logit, item, np.array([4, 7, 9, 1])).tolist() == [3, 1, 2, 0]


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


def test_lists_are_those_of_the_llm_that_has_not_seen_the_user(
    small: Small, cooperated: PreparedModels, cache_dir: Path
) -> None:
    fold = fold_of_users(small.log.users, small.settings.seed)
    assert len(task_of(cooperated).lists) == FOLDS
    llm_task = cooperated.llm.task
    for own, lists in enumerate(task_of(cooperated).lists):
        others = without_users(llm_task.corpus.split, fold == own)
        proposer = replace(llm_task, corpus=replace(llm_task.corpus, split=others))
        weights = obtain(proposer, cache_dir, SILENT)
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


# Folds


@given(st.integers(1, 200), st.integers(0, 5))
def test_folds_are_equal_and_a_function_of_the_seed(users: int, seed: int) -> None:
    fold = fold_of_users(users, seed)
    assert abs(int((fold == 0).sum()) - int((fold == 1).sum())) <= 1
    assert fold.tolist() == fold_of_users(users, seed).tolist()


def weights_bytes(model: torch.nn.Module) -> bytes:
    return b"".join(v.numpy().tobytes() for _, v in sorted(model.state_dict().items()))


def test_an_llm_of_one_fold_learns_nothing_of_the_other(small: Small) -> None:
    task = training_tasks(small.log, small.split, HISTORY, cooperative())[1]
    fold = fold_of_users(small.log.users, task.seed)
    of_user = np.repeat(fold, small.log.lengths)

    def trained(log: InteractionLog) -> bytes:
        split = without_users(task.corpus.split, fold == 0)
        model, result = train(
            replace(task, corpus=replace(task.corpus, log=log, split=split)), SILENT
        )
        assert not np.isnan(result.validation_ndcg10)
        return weights_bytes(model) + repr(result).encode()

    before = trained(small.log)
    own, other = (np.where(of_user == f, 0, small.log.items).astype(np.int32) for f in (0, 1))
    assert trained(replace(small.log, items=own)) == before
    assert trained(replace(small.log, items=other)) != before


# The objective


@pytest.mark.parametrize("loss", ["softmax", "binary_cross_entropy"])
@pytest.mark.parametrize("targets", ["all", "proposed"])
def test_the_loss_is_that_of_each_list_by_itself(
    small: Small, cooperated: PreparedModels, loss: str, targets: str
) -> None:
    strategy = Cooperative(candidates=5, list_size=12, loss=loss, targets=targets)  # type: ignore[arg-type]
    task = replace(task_of(cooperated), strategy=strategy)
    model = cooperated.srm.model()
    objective = task.objective(model)
    examples = np.arange(0, len(objective.targets), 3)
    lists = {
        (int(user), int(stop)): items.tolist()
        for stored in task.lists
        for user, stop, items in zip(
            stored.prefixes.user, stored.prefixes.stop, stored.item, strict=True
        )
    }
    losses, windows = [], 0
    cuts = [
        (user, max(0, end - model.positions), end)  # windows are cut from the newest backwards
        for user, stop in enumerate(small.split.train_stop.tolist())
        for end in range(stop - 1, 0, -model.positions)
    ]
    for user, first, end in cuts:
        own = []
        history = small.log.history(user).astype(np.int64)
        for position in range(first + 1, end + 1):
            target, proposals = int(history[position]), lists[user, position]
            if targets == "proposed" and target not in proposals:
                continue
            items = [target, *[item for item in proposals if item != target][:11]]
            with torch.inference_mode():
                encoded = model.encode(torch.from_numpy(history[first:position])[None])
                logits = model.score_catalogue(
                    encoded, torch.tensor([0]), torch.tensor([position - first - 1])
                )[0, items].double()
            if loss == "softmax":
                own.append(-float(logits.log_softmax(0)[0]))
            else:
                sign = torch.tensor([1.0] + [-1.0] * 11)
                own.append(-float(torch.nn.functional.logsigmoid(sign * logits).mean()))
        if own:
            if windows in examples:
                losses += own
            windows += 1
    assert windows == len(objective.targets)
    assert int(objective.targets[examples].sum()) == len(losses)
    with torch.no_grad():
        assert float(objective.loss(examples)) == pytest.approx(np.mean(losses), rel=1e-5)


def test_the_next_item_loss_is_added(cooperated: PreparedModels) -> None:
    task, model = task_of(cooperated), cooperated.srm.model()
    examples = np.arange(20)
    plain, half, one = (
        replace(task, strategy=task.strategy.model_copy(update={"next_item_weight": w}))
        for w in (0.0, 0.5, 1.0)
    )
    with torch.no_grad():
        values = [float(each.objective(model).loss(examples)) for each in (plain, half, one)]
        next_item = float(super(CooperativeTask, task).objective(model).loss(examples))
    assert values[1] == pytest.approx(values[0] + 0.5 * next_item, rel=1e-5)
    assert values[2] == pytest.approx(values[0] + next_item, rel=1e-5)


def test_early_stopping_watches_the_llms_lists_of_the_calibration_steps(
    small: Small, cooperated: PreparedModels
) -> None:
    srm, llm = cooperated.srm.model(), cooperated.llm.model()
    ranks = []
    for device_user, user in enumerate(small.split.device_users):
        start, stop = small.split.calibration_start[user], small.split.replay_start[user]
        plain = PlainOutcomes(
            small.log, small.split, device_user, HISTORY, 8, srm, llm, start=int(start)
        )
        ranks += [plain.cell(plain.fresh_list(s), s, s)[1][5] for s in range(stop - start)]
    expected = ndcg(np.array(ranks), 10)
    assert 0 < expected < 1
    assert task_of(cooperated).objective(srm).validate() == pytest.approx(expected, abs=1e-9)
    assert cooperated.srm_card.calibration_ndcg10 == pytest.approx(expected, abs=1e-9)


# Orchestration and caching


def test_a_second_preparation_loads_no_model(
    small: Small, cooperated: PreparedModels, cache_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Weights) -> None:
        raise AssertionError(f"{self.task.title}: loaded")

    monkeypatch.setattr(Weights, "model", refuse)
    again = prepared_with(small, cache_dir, cooperative())
    assert again.cached
    assert not cooperated.cached
    assert (again.train_s, again.infer_s) == (0.0, 0.0)
    assert again.store_hash == cooperated.store_hash
    assert again.srm_card == cooperated.srm_card


def test_two_cooperative_trainings_give_the_same_bytes(
    small: Small, cooperated: PreparedModels, tmp_path: Path
) -> None:
    again = prepared_with(small, tmp_path, cooperative())
    assert not again.cached
    assert again.srm.hash == cooperated.srm.hash
    assert again.store_hash == cooperated.store_hash


def test_damaged_lists_are_reported_and_generated_anew(
    small: Small,
    cooperated: PreparedModels,
    cache_dir: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    shutil.copytree(cache_dir, tmp_path / "cache")
    for entry in (tmp_path / "cache" / "lists").iterdir():
        data = bytearray((entry / "items.npy").read_bytes())
        data[-1] ^= 1
        (entry / "items.npy").write_bytes(data)
    again = prepared_with(small, tmp_path / "cache", cooperative())
    assert "items.npy" in caplog.text
    assert not again.cached
    assert again.srm.train_s == 0
    assert again.store_hash == cooperated.store_hash


class Interrupting:
    """Progress that stops the work after some parts, and remembers what it was told."""

    def __init__(self, parts: int) -> None:
        self.left = parts
        self.phases: list[tuple[str, float]] = []

    @contextmanager
    def phase(self, title: str, total: float) -> Iterator[object]:
        self.phases.append((title, total))

        def advance(amount: float = 1, note: str = "") -> None:  # noqa: ARG001
            self.left -= 1
            if not self.left:
                raise KeyboardInterrupt

        yield advance


def test_an_interrupted_generation_goes_on_where_it_was(
    cooperated: PreparedModels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training_lists, "PART", 100)
    llm, prefixes = cooperated.llm, task_of(cooperated).lists[0].prefixes
    task = ListTask(llm, prefixes, 12, True, llm.task.plan)
    first, second = Interrupting(2), Interrupting(1000)
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


def test_nothing_of_the_replay_reaches_the_lists_or_the_srm(
    small: Small, cooperated: PreparedModels, tmp_path: Path
) -> None:
    replayed = small.log.items.copy()
    for user in small.split.device_users:
        start = small.log.offsets[user] + small.split.replay_start[user]
        replayed[start : small.log.offsets[user + 1]] = 0
    changed = replace(small.log, items=replayed)
    again = prepare(changed, small.split, HISTORY, FIRST_LIST_AGE, cooperative(), tmp_path)
    assert again.srm.hash == cooperated.srm.hash
    assert again.store_hash != cooperated.store_hash


def test_in_sample_lists_are_the_llms_own(
    small: Small, cooperated: PreparedModels, cache_dir: Path
) -> None:
    weights_before = len(list((cache_dir / "weights").iterdir()))
    settings = cooperative(lists="in_sample", start="scratch", loss="binary_cross_entropy")
    models = prepared_with(small, cache_dir, settings)
    assert len(list((cache_dir / "weights").iterdir())) == weights_before + 1
    (lists,) = task_of(models).lists
    direct = models.llm.source(True).lists(lists.prefixes, 12).item
    assert (lists.item == direct).all()
    assert task_of(models).start is None
    assert models.srm.binary_logits
    assert not cooperated.srm.binary_logits


def test_the_training_starts_from_the_independent_weights(
    small: Small, cooperated: PreparedModels, cache_dir: Path
) -> None:
    independent = obtain(
        training_tasks(small.log, small.split, HISTORY, cooperative())[0], cache_dir, SILENT
    )
    start = task_of(cooperated).start
    assert start is not None
    assert start.hash == independent.hash != cooperated.srm.hash
    assert weights_bytes(task_of(cooperated).initial_model()) == weights_bytes(independent.model())


def test_the_start_is_kept_where_no_epoch_ranks_better(cooperated: PreparedModels) -> None:
    task = task_of(cooperated)
    assert task.start is not None
    reckless = task.recipe.model_copy(update={"learning_rate": 10.0, "warmup_batches": 0})
    model, result = train(replace(task, recipe=reckless), SILENT)
    assert result.best_epoch == 0
    assert weights_bytes(model) == weights_bytes(task.start.model())
    assert result.validation_ndcg10 == task.objective(model).validate()
    # Logits of a softmax are no log-odds: such a start is never what a binary loss leaves behind.
    binary = task.strategy.model_copy(update={"loss": "binary_cross_entropy"})
    assert train(replace(task, recipe=reckless, strategy=binary), SILENT)[1].best_epoch > 0


def test_the_independent_strategy_trains_as_without_one(small: Small, tmp_path: Path) -> None:
    settings = small.settings.model_dump()
    named = ModelSettings.model_validate(
        {**settings, "training": {**settings["training"], "strategy": "independent"}}
    )
    models = prepared_with(small, tmp_path, named)
    assert models.srm.hash == small.prepared.srm.hash
    assert models.llm.hash == small.prepared.llm.hash
    assert models.store_hash == small.prepared.store_hash
    assert not (tmp_path / "lists").exists()


def test_everything_that_the_srm_depends_on_is_in_its_identity(
    cooperated: PreparedModels,
) -> None:
    task = task_of(cooperated)
    fewer = replace(task.lists[0], parts=())
    changed = [
        replace(task, lists=task.lists[:1]),
        replace(task, lists=(fewer, task.lists[1])),
        replace(task, calibration=fewer),
        replace(task, start=None),
        replace(task, seed=1),
        replace(task, strategy=task.strategy.model_copy(update={"targets": "all"})),
    ]
    identities = [str(each.identity) for each in (task, *changed)]
    assert len(set(identities)) == len(identities)


# Settings


def test_settings_by_name_and_by_mapping() -> None:
    assert TrainingSettings().strategy.kind == "independent"
    assert TrainingSettings.model_validate({"strategy": "cooperative"}).strategy == Cooperative()
    for refused in ("both", {"kind": "cooperative", "list_size": 20}, {"lists": "in_sample"}):
        with pytest.raises(ValidationError):
            TrainingSettings.model_validate({"strategy": refused})


def test_lists_that_the_catalogue_cannot_fill_are_refused(small: Small, tmp_path: Path) -> None:
    longest = int(small.split.train_stop.max()) - 1
    with pytest.raises(ModelError, match=f"accepted: 6 to {40 - longest}") as refused:
        prepared_with(small, tmp_path, cooperative(list_size=41 - longest))
    assert refused.value.key == "models.training.strategy.list_size"
    assert "\n" not in refused.value.message
    assert not (tmp_path / "weights").exists()


def test_scores_of_lists_are_those_of_the_catalogue(small: Small) -> None:
    srm, _ = small.models()
    plan = small.prepared.srm.task.plan
    prefixes = training_prefixes(small.log, small.split.train_stop, HISTORY, 4, 3)
    item = np.random.default_rng(0).integers(40, size=(len(prefixes), 5)).astype(np.int32)
    logit = list_logits(srm, small.log, prefixes, item, plan)
    for i in range(0, len(prefixes), 37):
        history = small.log.history(int(prefixes.user[i]))[prefixes.start[i] : prefixes.stop[i]]
        with torch.inference_mode():
            encoded = srm.encode(torch.from_numpy(history.astype(np.int64))[None])
            last = torch.tensor([len(history) - 1])
            whole = srm.score_catalogue(encoded, torch.tensor([0]), last)[0].numpy()
        np.testing.assert_allclose(logit[i], whole[item[i]], atol=1e-5)
