from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from plain_outcomes import PlainOutcomes
from pydantic import ValidationError
from small_cooperation import cooperative, prepared_with, task_of
from small_log import FIRST_LIST_AGE, HISTORY, Small

from models.cooperation import CooperativeTask, fold_of_users, without_users
from models.errors import ModelError
from models.preparation import PreparedModels, prepare, training_tasks
from models.settings import ModelSettings
from models.training.settings import Cooperative, TrainingSettings
from models.training.validation import ndcg
from models.weights import Weights, obtain, train
from workloads.interaction_log import InteractionLog
from workloads.progress import SILENT


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


def test_a_second_preparation_loads_no_model(
    small: Small,
    cooperated: PreparedModels,
    cooperation_cache: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(self: Weights) -> None:
        raise AssertionError(f"{self.task.title}: loaded")

    monkeypatch.setattr(Weights, "model", refuse)
    again = prepared_with(small, cooperation_cache, cooperative())
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
    small: Small, cooperated: PreparedModels, cooperation_cache: Path
) -> None:
    weights_before = len(list((cooperation_cache / "weights").iterdir()))
    settings = cooperative(lists="in_sample", start="scratch", loss="binary_cross_entropy")
    models = prepared_with(small, cooperation_cache, settings)
    assert len(list((cooperation_cache / "weights").iterdir())) == weights_before + 1
    (lists,) = task_of(models).lists
    direct = models.llm.source(True).lists(lists.prefixes, 12).item
    assert (lists.item == direct).all()
    assert task_of(models).start is None
    assert models.srm.binary_logits
    assert not cooperated.srm.binary_logits


def test_the_training_starts_from_the_independent_weights(
    small: Small, cooperated: PreparedModels, cooperation_cache: Path
) -> None:
    independent = obtain(
        training_tasks(small.log, small.split, HISTORY, cooperative())[0], cooperation_cache, SILENT
    )
    start = task_of(cooperated).start
    assert start is not None
    assert start.hash == independent.hash != cooperated.srm.hash
    assert weights_bytes(task_of(cooperated).initial_model()) == weights_bytes(independent.model())


def test_only_lists_that_are_filled_up_depend_on_how(cooperated: PreparedModels) -> None:
    task = task_of(cooperated)
    assert "fillers_version" not in task.identity
    short = tuple(replace(lists, count=5) for lists in task.lists)
    assert "fillers_version" in replace(task, lists=short).identity


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
