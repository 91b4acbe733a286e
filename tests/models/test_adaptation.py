"""Weights that change along a run: what devices and the cloud train, and what lists show then."""

import copy
from dataclasses import fields, replace

import numpy as np
import pytest
import torch
from plain_outcomes import PlainOutcomes
from pydantic import ValidationError
from small_log import FIRST_LIST_AGE, HISTORY, Small, tiny_settings

from models.adaptation.from_cloud import CloudTrainer, newest_windows
from models.adaptation.kept_readings import KeptReadings
from models.adaptation.on_device import ScoringHead
from models.adaptation.preparation import FromCloudPreparation, OnDevicePreparation, live_plan
from models.adaptation.readings import Readings
from models.adaptation.settings import FromCloudSettings, OnDeviceSettings
from models.cooperation import CooperativeTask
from models.errors import ModelError
from models.preparation import PreparedModels, prepare
from models.recommender import Recommender
from models.settings import ModelSettings
from models.signals.names import SIGNALS
from models.signals.scored import SCORED_SIGNALS
from models.srm.din import DinSettings
from models.training.next_item import list_loss
from models.training.settings import Cooperative

STEPS = 4
PRELOADED, POPULAR = STEPS, STEPS + 1
ON_DEVICE = OnDeviceSettings(
    every_interactions=1, gradient_steps=3, recent_interactions=3, learning_rate=1.0
)
FROM_CLOUD = FromCloudSettings(epochs=2, learning_rate=0.01)


def spend(_wall_s: float) -> None:
    pass


def on_device(small: Small, prepared: PreparedModels | None = None, **changes):
    adaptation = ON_DEVICE.model_copy(update=changes)
    return OnDevicePreparation(prepared or small.prepared, small.settings, adaptation, spend)


def from_cloud(small: Small, prepared: PreparedModels | None = None):
    return FromCloudPreparation(prepared or small.prepared, small.settings, FROM_CLOUD, spend)


def with_other_items(small: Small, user: int, first_step: int) -> PreparedModels:
    """The same lists and weights, where a user takes other items from a step on."""
    log, split = small.log, small.split
    log_user = split.device_users[user]
    items = np.array(log.items)
    first = log.offsets[log_user] + split.replay_start[log_user] + first_step
    items[first : log.offsets[log_user + 1]] = 0
    log = replace(log, items=items)
    weights = small.prepared.srm
    task = replace(weights.task, corpus=replace(weights.task.corpus, log=log))
    return replace(
        small.prepared,
        replay=replace(small.prepared.replay, log=log),
        srm=replace(weights, task=task),
    )


def with_parameters(head: ScoringHead, parameters: np.ndarray) -> Recommender:
    """A copy of the SRM with other adapted parameters."""
    model = copy.deepcopy(head.srm)
    first = 0
    for name, parameter in model.named_parameters():
        if name.startswith(model.adapted):
            part = parameters[first : first + parameter.numel()]
            parameter.data = torch.from_numpy(part).view(parameter.shape).clone()
            first += parameter.numel()
    assert first == len(parameters)
    return model


def trained_plainly(small: Small, device_user: int, step: int, row: int) -> np.ndarray:
    """One device's training, with autograd and one interaction at a time."""
    prepared, log = small.prepared, small.log
    model = prepared.srm.model()
    user = int(small.split.device_users[device_user])
    start = int(small.split.replay_start[user])
    history = log.history(user)[max(0, start - HISTORY) : start + step].astype(np.int64)
    basis = row if row < STEPS else -FIRST_LIST_AGE
    since = set(log.history(user)[start + basis : start + step].tolist())
    items = [i for i in prepared.outcomes.lists[device_user, row].tolist() if i not in since]
    adapted = [p for n, p in model.named_parameters() if n.startswith(model.adapted)]
    encoded = model.encode(torch.from_numpy(history)[None]).detach()
    positions = range(max(1, len(history) - ON_DEVICE.recent_interactions), len(history))
    for _ in range(ON_DEVICE.gradient_steps):
        losses = []
        for position in positions:
            taken = int(history[position])
            compared = torch.tensor([[taken, *(item for item in items if item != taken)]])
            logits = model.score(encoded, torch.tensor([[position - 1]]), compared)[0]
            losses.append(list_loss(logits, softmax=True))
        slopes = torch.autograd.grad(torch.stack(losses).mean(), adapted)
        with torch.no_grad():
            for parameter, slope in zip(adapted, slopes, strict=True):
                parameter -= ON_DEVICE.learning_rate * slope
    return torch.cat([parameter.detach().flatten() for parameter in adapted]).numpy()


@pytest.mark.parametrize(("step", "row"), [(1, 0), (2, PRELOADED), (3, 1), (3, 3)])
def test_a_device_trains_as_plain_gradient_descent_does(small, step, row):
    world = on_device(small).world(np.arange(10))
    for device in range(10):
        world.begin(device, 1, step, row)
    for device in range(10):
        expected = trained_plainly(small, device, step, row)
        np.testing.assert_allclose(world.parameters(device, 1), expected, atol=1e-6)
    assert np.abs(world.parameters(3, 1) - world.parameters(3, 0)).max() > 1e-3


def test_devices_trained_together_are_as_if_trained_alone(small):
    users = np.arange(100) % len(small.split.device_users)
    preparation = on_device(small)
    together, alone = preparation.world(users), preparation.world(users)
    rows = {1: np.arange(100) % 2, 2: 2 - np.arange(100) % 3}
    for version, row in rows.items():
        for device in range(100):
            together.begin(device, version, version, int(row[device]))
    for device in reversed(range(100)):
        for version, row in rows.items():
            alone.begin(device, version, version, int(row[device]))
            np.testing.assert_array_equal(
                alone.parameters(device, version), together.parameters(device, version)
            )
            for held in (0, PRELOADED, POPULAR):
                np.testing.assert_array_equal(
                    alone.signal("footrule", device, version, held),
                    together.signal("footrule", device, version, held),
                )


def test_lists_show_what_the_devices_own_parameters_say(small):
    preparation = on_device(small, learning_rate=5.0)
    world = preparation.world(np.arange(12))
    for device in range(12):
        world.begin(device, 1, 1, PRELOADED)
    version = np.tile(np.array([0, 0, 1, 1], np.int16), (12, 1))
    rows = np.array([[0, 1, 2, 3], [0, 0, 0, 0], [PRELOADED] * 4, [POPULAR] * 4] * 3, np.int16)
    outcome = world.outcome(version, rows, rows)
    outcomes, changed = small.prepared.outcomes, 0
    shipped, llm = small.models()
    for device, step in np.ndindex(12, 4):
        row = int(rows[device, step])
        model = shipped
        if version[device, step]:
            model = with_parameters(preparation._head, world.parameters(device, 1))
        plain = PlainOutcomes(
            small.log, small.split, device, HISTORY, 8, model, llm, learned_weight=1.0
        )
        basis = {PRELOADED: -FIRST_LIST_AGE, POPULAR: 0}.get(row, row)
        items = outcomes.popular[device] if row == POPULAR else outcomes.lists[device, row]
        left = plain.left(items.tolist(), basis, step)
        consistency, rank, own_rank = plain.cell(left, step, step)
        assert outcome.consistency[device, step] == pytest.approx(consistency, abs=1e-6)
        expected = (own_rank, own_rank) if row == POPULAR else (rank[3], rank[5])
        assert (outcome.rank[device, step], outcome.srm_rank[device, step]) == expected
        cell = outcomes.cell_offset[row] + step
        changed += outcomes.consistency[device, cell] != outcome.consistency[device, step]
        if version[device, step]:
            seen = world.signal("footrule", device, 1, row)[step]
            assert seen == outcome.consistency[device, step]
            first_step = row if row < STEPS else 0
            expected = plain.signals(list(map(int, items)), basis, step, first_step)
            for name in SIGNALS:
                found = world.signal(name, device, 1, row)[step]
                assert found == pytest.approx(expected.get(name, 0.0), abs=1e-5), name
    assert changed > 5


@pytest.mark.parametrize("order", [SIGNALS, SIGNALS[::-1]])
def test_signals_are_the_same_in_whatever_order_they_are_asked_for(small, order):
    worlds = [on_device(small).world(np.arange(20)) for _ in range(2)]
    for device in range(20):
        for world in worlds:
            world.begin(device, 1, 1, 1)
    for device in range(20):
        for name in order:
            one_by_one = worlds[0].signal(name, device, 1, 1)
            assert one_by_one.shape == (STEPS,)
            assert one_by_one.dtype == np.float32
    for name in SIGNALS:
        for device in range(20):
            np.testing.assert_array_equal(
                worlds[0].signal(name, device, 1, 1), worlds[1].signal(name, device, 1, 1)
            )


def test_only_signals_that_are_read_are_computed(small, monkeypatch):
    computed = []
    for name, measure in SCORED_SIGNALS.items():

        def counted(of, name=name, measure=measure):
            computed.append(name)
            return measure(of)

        monkeypatch.setitem(SCORED_SIGNALS, name, counted)
    world = on_device(small).world(np.arange(3))
    world.begin(0, 1, 1, 1)
    for name in ("taken_share", "invalid_candidates", "footrule", "margin", "footrule", "margin"):
        world.signal(name, 0, 1, 1)
    assert computed == ["footrule", "footrule", "margin"]
    with pytest.raises(KeyError, match="accepted: footrule, kendall"):
        world.signal("spearman", 0, 1, 1)


def test_without_a_training_the_tables_speak(small):
    world = on_device(small).world(np.arange(5))
    rows = np.tile(np.arange(4, dtype=np.int16), (5, 1))
    outcome = world.outcome(np.zeros_like(rows), rows, np.full_like(rows, PRELOADED))
    table = small.prepared.outcomes.table(3)
    for device, step in np.ndindex(5, 4):
        held = table.cell_offset[step] + step
        shown = table.cell_offset[PRELOADED] + step
        assert outcome.consistency[device, step] == table.consistency[device, held]
        assert outcome.rank[device, step] == table.rank[device, shown]


@pytest.mark.parametrize("first_step", [1, 2, 3])
def test_a_device_learns_nothing_of_what_its_user_takes_later(small, first_step):
    usual = on_device(small).world(np.arange(3))
    other = on_device(small, with_other_items(small, 1, first_step)).world(np.arange(3))
    for step in range(1, 4):
        for world in (usual, other):
            world.begin(1, step, step, 0)
        same = np.array_equal(usual.parameters(1, step), other.parameters(1, step))
        assert same == (step <= first_step)


def test_the_cloud_learns_nothing_that_was_not_uploaded_by_all_of_a_users_devices(small):
    users = np.array([0, 1, 1])
    usual = from_cloud(small).world(users)
    other = from_cloud(small, with_other_items(small, 1, 2)).world(users)
    # First the cloud lacks an interaction of H_0; then one device of user 1 is at step 3, then all.
    for known in ([-1, -1, -1], [2, 3, 2], [2, 3, 3]):
        flops = [world.retrain(np.array(known)) for world in (usual, other)]
        assert flops[0] == flops[1] > 0

    def same(version: int) -> bool:
        ours, theirs = (world.model(version).state_dict() for world in (usual, other))
        return all(torch.equal(ours[name], theirs[name]) for name in ours)

    assert [same(version) for version in range(4)] == [True, True, True, False]
    assert not torch.equal(
        usual.model(0).item_embedding.weight, usual.model(1).item_embedding.weight
    )


def test_the_clouds_training_is_repeatable_and_serves_every_device_alike(small):
    first, second = (from_cloud(small).world(np.array([0, 1, 0])) for _ in range(2))
    for world in (first, second):
        world.retrain(np.array([1, 1, 1]))
        world.retrain(np.array([2, 2, 2]))
    np.testing.assert_array_equal(
        first.signal("footrule", 0, 2, 1), second.signal("footrule", 2, 2, 1)
    )
    np.testing.assert_array_equal(
        second.signal("footrule", 0, 1, 1), first.signal("footrule", 2, 1, 1)
    )
    rows = np.ones((3, 4), np.int16)
    version = np.array([[0, 1, 2, 2], [0, 0, 0, 1], [0, 1, 1, 2]], np.int16)
    outcome = first.outcome(version, rows, rows)
    _, llm = small.models()
    for device, step in ((0, 3), (1, 3), (2, 3), (2, 2)):
        model = first.model(int(version[device, step]))
        user = (0, 1, 0)[device]
        plain = PlainOutcomes(small.log, small.split, user, HISTORY, 8, model, llm)
        items = small.prepared.outcomes.lists[user, 1].tolist()
        consistency, rank, _ = plain.cell(plain.left(items, 1, step), step, step)
        assert outcome.consistency[device, step] == pytest.approx(consistency, abs=1e-6)
        assert outcome.rank[device, step] == rank[3]


@pytest.fixture
def encoded_rows(small, monkeypatch):
    """Collects how many histories the SRM reads in each call, training left out."""
    rows: list[int] = []
    model = type(small.prepared.srm.model())
    encode = model.encode

    def counted(self, histories):
        if not self.training:
            rows.append(len(histories))
        return encode(self, histories)

    monkeypatch.setattr(model, "encode", counted)
    return rows


def test_many_versions_in_force_are_read_once_each(small, encoded_rows):
    users = np.arange(20)
    world, trainings, asked = from_cloud(small).world(users), 9, set()
    for newest in range(1, trainings + 1):
        world.retrain(np.full(20, min(newest, STEPS)))
        for device in users.tolist():
            held = max(0, newest - device % 8)
            asked.add(held)
            world.signal("footrule", device, held, 1)
    assert sum(encoded_rows) <= len(asked) * len(small.split.device_users)


def test_a_user_is_read_alike_whatever_was_asked_and_forgotten(small, encoded_rows):
    replay, model = small.prepared.replay, small.prepared.srm.model()
    plan = replace(live_plan(small.settings), batch_positions=150)
    whole = Readings(replay, model, plan)
    batches = len(encoded_rows)
    assert batches >= 4
    encoded_rows.clear()
    kept = KeptReadings(replay, plan, kept=2)
    users = np.arange(len(small.split.device_users))
    for some in (users[:1], users[::3], users[[5, 5, 2]], users):
        assert torch.equal(kept.of(0, model, some), whole.of(some))
    encoded_rows.clear()
    for _ in range(3):
        kept.of(1, model, users[:1])  # one batch is read, and then kept
        kept.of(2, model, users[:1])
    assert len(encoded_rows) == 2
    kept.of(3, model, users[:1])
    kept.of(2, model, users[:1])
    kept.of(1, model, users[:1])  # forgotten for the third version
    assert len(encoded_rows) == 4


def test_the_cloud_trains_on_the_newest_window_of_every_user(small):
    corpus = small.prepared.srm.task.corpus
    windows = newest_windows(corpus, 5)
    stop = corpus.split.train_stop
    np.testing.assert_array_equal(windows.length, np.minimum(stop - 1, 5))
    np.testing.assert_array_equal(
        windows.start + windows.length + 1, corpus.log.offsets[:-1] + stop
    )


@pytest.mark.parametrize("kind", ["sasrec", "gru4rec", "din"])
@pytest.mark.parametrize("loss", ["softmax", "binary_cross_entropy"])
def test_every_srm_can_be_adapted(small, kind, loss):
    values = tiny_settings().model_dump()
    recipe = {**values["training"]["srm"], "loss": loss, "max_epochs": 1}
    settings = ModelSettings.model_validate(
        {
            **values,
            "srm": {"kind": kind, "hidden": 16},
            "training": {**values["training"], "srm": recipe},
        }
    )
    prepared = prepare(small.log, small.split, HISTORY, FIRST_LIST_AGE, settings, small.cache_dir)
    world = OnDevicePreparation(prepared, settings, ON_DEVICE, spend).world(np.arange(3))
    world.begin(1, 1, 2, 1)
    assert np.isfinite(world.parameters(1, 1)).all()
    assert not np.array_equal(world.parameters(1, 1), world.parameters(1, 0))
    assert (
        (world.signal("footrule", 1, 1, 1) >= 0) & (world.signal("footrule", 1, 1, 1) <= 1)
    ).all()
    cloud = FromCloudPreparation(prepared, settings, FROM_CLOUD, spend)
    assert cloud.world(np.arange(3)).retrain(np.zeros(3, np.int64)) > 0
    assert cloud.parameter_bytes == prepared.srm_card.weights_bytes


def test_flops_and_bytes_are_computed_from_the_model(small):
    preparation = on_device(small)
    assert preparation.parameter_bytes == 4 * 2 * 16  # gain and bias of SASRec's last norm
    # 3 steps over 3 interactions, forward and twice as much back; 2 d operations for 8 + 1 items.
    assert preparation.training_flops == 3 * 3 * 3 * (2 * 16 * 9)


def test_reading_the_contexts_is_time_of_the_models(small):
    spent: list[float] = []
    preparation = OnDevicePreparation(small.prepared, small.settings, ON_DEVICE, spent.append)
    preparation.world(np.arange(3))
    assert len(spent) == 1
    assert spent[0] > 0
    preparation.world(np.arange(3))
    assert len(spent) == 1  # read once for all worlds


@pytest.mark.parametrize("lists", ["softmax", "binary_cross_entropy"])
def test_the_cloud_keeps_the_meaning_that_lists_gave_to_the_logits(small, lists):
    weights = small.prepared.srm

    def flops(task):
        prepared = replace(small.prepared, srm=replace(weights, task=task))
        return from_cloud(small, prepared).world(np.arange(3)).retrain(np.zeros(3, np.int64))

    def recipe(loss):
        return weights.task.recipe.model_copy(update={"loss": loss})

    other = {"softmax": "binary_cross_entropy", "binary_cross_entropy": "softmax"}[lists]
    task = replace(weights.task, recipe=recipe(other))
    parts = {field.name: getattr(task, field.name) for field in fields(task)}
    cooperative = CooperativeTask(
        **parts, strategy=Cooperative(loss=lists), lists=(), calibration=None, start=None
    )
    # One compares with the catalogue, the other with sampled negatives.
    assert flops(cooperative) == flops(replace(task, recipe=recipe(lists))) != flops(task)


def test_the_clouds_flops_are_those_of_what_a_target_is_compared_with(small):
    pairs = DinSettings(hidden=16)
    task = replace(small.prepared.srm.task, architecture=pairs)
    trainer, corpus = CloudTrainer(task, small.prepared.replay, FROM_CLOUD), task.corpus
    targets = int(np.minimum(np.maximum(corpus.split.train_stop - 1, 0), corpus.positions).sum())
    compared = task.recipe.negatives + 1  # a model of pairs never meets the whole catalogue
    expected = 3 * 2 * targets * pairs.flops_per_step(corpus.positions // 2, compared)
    assert trainer.flops(pairs.build(corpus), corpus) == expected


@pytest.mark.parametrize("kind", ["on_device", "from_cloud"])
def test_a_rounded_srm_cannot_be_adapted(kind):
    values = {"quantisation": "int8", "adaptation": {"kind": kind}}
    with pytest.raises(ValidationError, match="weights that change along the run are not rounded"):
        ModelSettings.model_validate(values)


def test_a_model_without_a_part_to_adapt_is_refused(small, monkeypatch):
    model = small.prepared.srm.model()
    monkeypatch.setattr(type(model), "adapted", ())
    with pytest.raises(ModelError, match="no parameters that a device could re-train") as error:
        ScoringHead(model)
    assert error.value.key == "models.adaptation.kind"


@pytest.mark.parametrize("every", [1, STEPS, 10])
def test_without_room_for_a_training_a_device_has_what_was_shipped(small, every):
    world = on_device(small, every_interactions=every).world(np.arange(5))
    shipped = ScoringHead(small.prepared.srm.model()).shipped.numpy()
    assert np.array_equal(world.parameters(0, 0), shipped)
    table = small.prepared.outcomes.table(small.settings.fusion)
    expected = table.consistency[0, table.cell_offset[1] + np.arange(STEPS)]
    np.testing.assert_allclose(world.signal("footrule", 0, 0, 1)[1:], expected[1:], atol=1e-6)


def test_devices_that_diverge_are_refused(small):
    world = on_device(small, learning_rate=1e300).world(np.arange(20))
    for device in range(20):
        world.begin(device, 1, 2, 1)
    with pytest.raises(ModelError, match="diverged") as refused:
        world.signal("footrule", 0, 1, 1)
    assert refused.value.key == "models.adaptation.learning_rate"


@pytest.mark.parametrize("step_size", [1e25, 1e38])
def test_a_cloud_that_diverges_is_refused(small, step_size):
    settings = FROM_CLOUD.model_copy(update={"learning_rate": step_size})
    preparation = FromCloudPreparation(small.prepared, small.settings, settings, spend)
    world = preparation.world(np.arange(20))
    world.retrain(np.full(20, 2))
    with pytest.raises(ModelError, match="diverged") as refused:
        world.signal("footrule", 0, 1, 1)
    assert refused.value.key == "models.adaptation.learning_rate"
