import filecmp
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path

import live_calls
import numpy as np
import pytest
import torch
from live_calls import TOLERANCE, Agreement
from plain_outcomes import PlainOutcomes
from small_log import FIRST_LIST_AGE, HISTORY, Small, pattern_log, tiny_settings

from models.candidate_source import CatalogueScan
from models.errors import ModelError
from models.fusion import VARIANTS
from models.numerics import plan_of
from models.outcome_builder import OutcomeBuilder
from models.outcomes import (
    FRESHNESS_AGES,
    Outcomes,
    OutcomeShape,
    OutcomeWriter,
    cell_count,
    cell_offsets,
)
from models.preparation import prepare, training_tasks
from models.replay_contexts import Replay
from models.settings import CandidateSettings, ModelSettings
from models.signals.names import SIGNALS
from models.weights import obtain
from workloads import datasets
from workloads.progress import SILENT
from workloads.splits import split
from workloads.workload_settings import WorkloadSettings

STEPS = 4


@pytest.fixture(scope="module")
def outcomes(small: Small) -> Outcomes:
    return small.prepared.outcomes


@pytest.fixture(scope="module")
def plain_users(small: Small) -> dict[int, PlainOutcomes]:
    srm, llm = small.models()
    weight = small.prepared.learned_weight
    return {
        user: PlainOutcomes(
            small.log, small.split, user, HISTORY, 8, srm, llm, learned_weight=weight
        )
        for user in range(0, len(small.split.device_users), 5)
    }


def test_cells_are_numbered_row_after_row() -> None:
    offset = cell_offsets(STEPS)
    cells = [offset[row] + t for row in range(STEPS) for t in range(row, STEPS)]
    cells += [offset[row] + t for row in (STEPS, STEPS + 1) for t in range(STEPS)]
    assert cells == list(range(cell_count(STEPS))) == list(range(18))


def test_shapes_and_dtypes(small: Small, outcomes: Outcomes) -> None:
    users = len(small.split.device_users)
    table = outcomes.table(3)
    assert (table.steps, table.candidate_count) == (STEPS, 8)
    assert table.rank.shape == table.consistency.shape == (users, 18)
    assert table.fresh_consistency.shape == (users, STEPS + 2)
    assert table.rank.dtype == np.uint8
    assert OutcomeShape(1, 1, 300).columns()["rank_3"][1] == np.uint16
    assert table.consistency.dtype == np.float32
    assert isinstance(table.rank.base, np.memmap)


def test_every_cell_is_what_the_definitions_say(
    outcomes: Outcomes, plain_users: dict[int, PlainOutcomes]
) -> None:
    offset = outcomes.cell_offset
    stored_rank = {variant: outcomes.rank_by_fusion(variant) for variant in VARIANTS}
    assert len(plain_users) >= 15
    for user, plain in plain_users.items():
        held = {step: (plain.fresh_list(step), step) for step in range(STEPS)}
        held[STEPS] = (plain.fresh_list(-FIRST_LIST_AGE), -FIRST_LIST_AGE)
        held[STEPS + 1] = (plain.popular_list(), 0)
        assert outcomes.popular[user].tolist() == held[STEPS + 1][0]
        for row, (items, basis) in held.items():
            if row <= STEPS:
                assert outcomes.lists[user, row].tolist() == items
                logits = plain.logits(plain.llm, basis)
                np.testing.assert_allclose(
                    outcomes.list_scores[user, row], [logits[i] for i in items], atol=TOLERANCE
                )
            for step in range(max(0, basis) if row < STEPS else 0, STEPS):
                consistency, ranks, own = plain.cell(items, basis, step)
                cell = offset[row] + step
                assert outcomes.consistency[user, cell] == np.float32(consistency)
                for variant in VARIANTS:
                    expected = own if row == STEPS + 1 else ranks[variant]
                    assert stored_rank[variant][user, cell] == expected
            generated = basis if row <= STEPS else 0
            fresh = np.float32(plain.cell(items, basis, generated)[0])
            assert outcomes.fresh_consistency[user, row] == fresh


def test_every_signal_is_what_its_definition_says(
    outcomes: Outcomes, plain_users: dict[int, PlainOutcomes]
) -> None:
    offset, table = outcomes.cell_offset, outcomes.table(3)
    varied = {name: set() for name in SIGNALS}
    for user, plain in plain_users.items():
        held = {step: (plain.fresh_list(step), step) for step in range(STEPS)}
        held[STEPS] = (plain.fresh_list(-FIRST_LIST_AGE), -FIRST_LIST_AGE)
        held[STEPS + 1] = (plain.popular_list(), 0)
        for row, (items, basis) in held.items():
            fresh = plain.signals(items, basis, basis)
            for name, expected in {**fresh, "invalid_candidates": 0}.items():
                found = outcomes.fresh_signal(name)[user, row]
                assert found == pytest.approx(expected, abs=TOLERANCE), name
            for step in range(max(0, basis) if row < STEPS else 0, STEPS):
                for name, expected in plain.signals(items, basis, step).items():
                    found = table.signal(name)[user, offset[row] + step]
                    assert found == pytest.approx(expected, abs=TOLERANCE), (name, row, step)
                    varied[name].add(float(found))
    without_variety = {name for name, values in varied.items() if len(values) < 3}
    assert without_variety == {"top_overlap", "invalid_candidates"}  # lists of 8, of a scan


def test_signals_are_found_by_their_names(outcomes: Outcomes) -> None:
    table = outcomes.table(3)
    assert table.signal("footrule") is outcomes.signal("footrule") is table.consistency
    assert table.fresh_signal("footrule") is table.fresh_consistency is outcomes.fresh_consistency
    for name in SIGNALS:
        assert table.signal(name).dtype == table.fresh_signal(name).dtype == np.float32
        assert table.signal(name).shape == table.consistency.shape
        assert table.fresh_signal(name).shape == table.fresh_consistency.shape
    for find in (table.signal, table.fresh_signal, outcomes.signal, outcomes.fresh_signal):
        with pytest.raises(KeyError, match="no signal 'consistency'; accepted: footrule, kendall"):
            find("consistency")


def test_full_ranks_are_places_in_the_whole_unseen_catalogue(
    outcomes: Outcomes, plain_users: dict[int, PlainOutcomes]
) -> None:
    for user, plain in plain_users.items():
        for step in range(STEPS):
            for model, column in (
                (plain.srm, outcomes.full_rank_srm),
                (plain.llm, outcomes.full_rank_llm),
            ):
                place = plain.ranking(model, step).index(plain.target(step)) + 1
                assert column[user, step] == place


def test_forced_ages_are_cells_of_lists_of_that_age(
    outcomes: Outcomes, plain_users: dict[int, PlainOutcomes]
) -> None:
    stored_rank = {variant: outcomes.freshness_rank(variant) for variant in VARIANTS}
    assert outcomes.freshness_ages.tolist() == list(FRESHNESS_AGES) == [0, 1, 2, 5, 10, 20]
    for user, plain in plain_users.items():
        for a, age in enumerate(FRESHNESS_AGES):
            for step in range(STEPS):
                basis = step - age
                valid = plain.start + basis - plain.context_start >= 1
                assert outcomes.freshness_valid[user, a, step] == valid
                if not valid:
                    assert np.isnan(outcomes.freshness_consistency[user, a, step])
                    assert stored_rank[3][user, a, step] == 0
                    continue
                consistency, ranks, _ = plain.cell(plain.fresh_list(basis), basis, step)
                found = outcomes.freshness_consistency[user, a, step]
                assert found == np.float32(consistency)
                for variant in VARIANTS:
                    assert stored_rank[variant][user, a, step] == ranks[variant]


def check_agreement(found: Agreement, record_property: Callable[[str, object], None]) -> None:
    for name, value in asdict(found).items():
        record_property(name, value)
    assert found.largest_score_difference <= TOLERANCE, str(found)
    assert not found.unexplained, str(found)


def test_live_calls_agree_within_the_tolerance_and_differing_orders_are_ties_within_it(
    outcomes: Outcomes,
    plain_users: dict[int, PlainOutcomes],
    record_property: Callable[[str, object], None],
) -> None:
    """Scores within 1e-5 of live calls, so only scores within 2e-5 of each other may swap."""
    found = live_calls.compare(outcomes, plain_users, FIRST_LIST_AGE)
    check_agreement(found, record_property)
    assert found.places == found.scores == len(plain_users) * (STEPS + 1) * 8
    assert found.cells == len(plain_users) * cell_count(STEPS)


def test_live_calls_of_other_weights_do_not_agree(
    small: Small, outcomes: Outcomes, plain_users: dict[int, PlainOutcomes]
) -> None:
    srm, llm = small.models()
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for model in (srm, llm):
            vectors = model.item_vectors()
            vectors += 0.05 * torch.randn(vectors.shape, generator=generator)
    others = {
        user: PlainOutcomes(small.log, small.split, user, HISTORY, 8, srm, llm)
        for user in plain_users
    }
    found = live_calls.compare(outcomes, others, FIRST_LIST_AGE)
    assert found.largest_score_difference > TOLERANCE
    for what in ("list", "consistency", "rank"):
        assert any(what in each for each in found.unexplained), what


@pytest.mark.slow
def test_live_calls_agree_with_models_of_the_shipped_sizes(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    workload = WorkloadSettings.model_validate({"synthetic": {"users": 400}})
    log = datasets.load(workload, None, tmp_path)
    parts = split(log, workload)
    epoch = {"max_epochs": 1}
    settings = ModelSettings.model_validate({"training": {"srm": epoch, "llm": epoch}})
    prepared = prepare(log, parts, workload.history, 1, settings, tmp_path)
    srm, llm = (
        obtain(task, tmp_path, SILENT).model()
        for task in training_tasks(log, parts, workload.history, settings)
    )
    count, weight = settings.candidates.count, prepared.learned_weight
    users = {
        int(user): PlainOutcomes(
            log, parts, user, workload.history, count, srm, llm, learned_weight=weight
        )
        for user in np.linspace(0, len(parts.device_users) - 1, 30).astype(int)
    }
    found = live_calls.compare(prepared.outcomes, users, 1)
    check_agreement(found, record_property)
    assert found.cells == 30 * cell_count(workload.replay_steps)


def rebuild(small: Small, directory: Path, **changes: object) -> Outcomes:
    directory.mkdir()
    srm, llm = small.models()
    plan = plan_of("cpu", 1)
    replay = Replay(
        small.log, small.split, HISTORY, FIRST_LIST_AGE, CandidateSettings(count=8, **changes)
    )
    shape = OutcomeShape(len(small.split.device_users), STEPS, 8)
    writer = OutcomeWriter(directory, shape)
    source = CatalogueScan(llm, small.log, plan, replay.candidates.exclude_seen)
    OutcomeBuilder(replay, srm, False, source, plan).build(writer, SILENT)
    writer.close()
    return Outcomes(directory, shape)


def content_hash(place: Path) -> str:
    files = json.loads((place / "metadata.json").read_text())["files"]
    return hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()


def test_the_store_is_canonical(small: Small, tmp_path: Path) -> None:
    torch.manual_seed(99)
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        rebuild(small, tmp_path / "again")
    finally:
        torch.set_num_threads(threads)
    stored = small.store()
    assert content_hash(stored) == small.prepared.store_hash
    names = sorted(path.name for path in stored.glob("*.npy"))
    assert len(names) == 37
    assert filecmp.cmpfiles(stored, tmp_path / "again", names, shallow=False)[0] == names


def test_two_threads_give_the_same_store_twice(tmp_path: Path) -> None:
    log = pattern_log(users=600)  # enough that torch shares its products out
    workload = WorkloadSettings(
        replay_steps=STEPS, calibration_steps=2, min_history=4, history=HISTORY
    )
    parts = split(log, workload)
    recipe = {"max_epochs": 1, "batch_interactions": 1024}
    settings = tiny_settings(threads=2, training={"srm": recipe, "llm": recipe})
    stores = []
    for name in ("one", "other"):
        prepared = prepare(log, parts, HISTORY, FIRST_LIST_AGE, settings, tmp_path / name)
        stores.append(prepared.outcomes.__reduce__()[1][0])
    one, other = stores
    names = sorted(path.name for path in one.glob("*.npy"))
    assert len(names) == 37
    assert filecmp.cmpfiles(one, other, names, shallow=False)[0] == names
    assert content_hash(one) == content_hash(other)


def test_where_seen_items_stay_nothing_is_hidden_or_dropped(small: Small, tmp_path: Path) -> None:
    kept = rebuild(small, tmp_path / "kept", exclude_seen=False)
    srm, llm = small.models()
    for user in (0, 7):
        plain = PlainOutcomes(
            small.log, small.split, user, HISTORY, 8, srm, llm, exclude_seen=False
        )
        assert kept.popular[user].tolist() == plain.popular_list()
        for row in range(STEPS):
            assert kept.lists[user, row].tolist() == plain.fresh_list(row)
            for step in range(row, STEPS):
                consistency, ranks, _ = plain.cell(plain.fresh_list(row), row, step)
                cell = kept.cell_offset[row] + step
                assert kept.consistency[user, cell] == np.float32(consistency)
                assert kept.rank_by_fusion(3)[user, cell] == ranks[3]
                signals = plain.signals(plain.fresh_list(row), row, step)
                for name in ("kendall", "self_consistency", "taken_share"):
                    found = kept.signal(name)[user, cell]
                    assert found == pytest.approx(signals[name], abs=TOLERANCE)


def test_a_second_preparation_runs_no_model(small: Small) -> None:
    again = prepare(
        small.log, small.split, HISTORY, FIRST_LIST_AGE, small.settings, small.cache_dir
    )
    assert again.cached
    assert (again.train_s, again.infer_s) == (0.0, 0.0)
    assert not small.prepared.cached
    assert again.store_hash == small.prepared.store_hash
    assert (again.srm_card, again.llm_card) == (small.prepared.srm_card, small.prepared.llm_card)


def test_cards_say_what_the_models_know(small: Small) -> None:
    card = small.prepared.llm_card
    assert card.kind == "causal_lm"
    assert card.trained_interactions == int(small.split.train_stop.sum())
    assert card.trained_users == small.log.users
    assert card.trained_until is None
    assert card.weights_bytes >= 4 * card.parameters
    assert card.calibration_ndcg10 is not None
    times_s = np.full(small.log.interactions, 86_400.0 * 365)
    dated = prepare(
        replace(small.log, times_s=times_s),
        small.split,
        HISTORY,
        FIRST_LIST_AGE,
        tiny_settings(training={"srm": {"max_epochs": 1}, "llm": {"max_epochs": 1}}),
        small.cache_dir,
    )
    assert dated.srm_card.trained_until == "1971-01-01"


def test_a_damaged_store_is_reported_and_built_anew(
    small: Small, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache_dir = tmp_path / "cache"
    shutil.copytree(small.cache_dir, cache_dir)
    for folder in ("outcomes", "weights"):
        for entry in (cache_dir / folder).iterdir():
            victim = next(iter(sorted(entry.glob("*.npy")) or sorted(entry.glob("*.safetensors"))))
            data = bytearray(victim.read_bytes())
            data[-1] ^= 1
            victim.write_bytes(data)
    again = prepare(small.log, small.split, HISTORY, FIRST_LIST_AGE, small.settings, cache_dir)
    assert "damaged" in caplog.text
    assert "consistency.npy" in caplog.text
    assert not again.cached
    assert again.store_hash == small.prepared.store_hash


@pytest.mark.parametrize(("exclude_seen", "most"), [(True, 40 - 17), (False, 40)])
def test_more_candidates_than_the_catalogue_holds_are_refused(
    small: Small, tmp_path: Path, exclude_seen: bool, most: int
) -> None:
    users = small.split.device_users
    assert small.split.replay_start[users].max() + STEPS - 1 == 17
    settings = tiny_settings(candidates={"count": most + 1, "exclude_seen": exclude_seen})
    with pytest.raises(ModelError, match=f"accepted: 1 to {most}") as refused:
        prepare(small.log, small.split, HISTORY, FIRST_LIST_AGE, settings, tmp_path)
    assert refused.value.key == "models.candidates.count"
    assert "\n" not in refused.value.message


def test_a_preloaded_list_that_some_context_is_too_short_for_is_refused(
    small: Small, tmp_path: Path
) -> None:
    starts = small.split.replay_start[small.split.device_users]
    shortest = int(np.minimum(starts, HISTORY).min())
    assert FIRST_LIST_AGE < shortest < HISTORY
    with pytest.raises(ModelError, match=f"accepted: 0 to {shortest - 1}") as refused:
        prepare(small.log, small.split, HISTORY, shortest, small.settings, tmp_path)
    assert refused.value.key == "serving.first_list_age_steps"
    assert f"lacks {shortest} interactions" in refused.value.message
    assert "\n" not in refused.value.message
    assert not any(tmp_path.iterdir())


def test_the_oldest_accepted_preloaded_list_is_the_first_interactions_alone(
    small: Small, tmp_path: Path
) -> None:
    starts = small.split.replay_start[small.split.device_users]
    contexts = np.minimum(starts, HISTORY)
    oldest = int(contexts.min()) - 1
    shutil.copytree(small.cache_dir / "weights", tmp_path / "weights")
    outcomes = prepare(small.log, small.split, HISTORY, oldest, small.settings, tmp_path).outcomes
    srm, llm = small.models()
    user = int(contexts.argmin())
    plain = PlainOutcomes(small.log, small.split, user, HISTORY, 8, srm, llm)
    assert outcomes.lists[user, STEPS].tolist() == plain.fresh_list(-oldest)


def test_reading_a_store_needs_no_torch() -> None:
    program = "import sys, models.outcomes; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)
