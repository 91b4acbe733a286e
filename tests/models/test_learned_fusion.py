from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from interrupting import Interrupting
from plain_outcomes import plain_learned_weight
from small_log import FIRST_LIST_AGE, HISTORY, Small

from models.candidate_source import CatalogueScan
from models.cells import FoundTargets
from models.learned_fusion import WEIGHTS, WITHOUT_EVIDENCE, best_weight
from models.numerics import plan_of
from models.outcome_builder import OutcomeBuilder
from models.outcomes import OutcomeShape, OutcomeWriter
from models.recommender import Recommender
from models.replay_contexts import Replay
from models.settings import CandidateSettings
from workloads.interaction_log import InteractionLog
from workloads.progress import SILENT, Progress


def lists_of(maker_rank: list[list[int]], p: list[list[float]], target: list[int]) -> FoundTargets:
    rank = np.array(maker_rank)
    is_target = np.arange(rank.shape[1]) == np.array(target)[:, None]
    return FoundTargets(rank, np.ones(rank.shape, np.bool_), np.array(p), is_target)


def fit(
    small: Small,
    log: InteractionLog,
    directory: Path,
    srm: Recommender | None = None,
    progress: Progress = SILENT,
    history: int = HISTORY,
) -> float:
    trained, llm = small.models()
    plan = plan_of("cpu", 1)
    age_steps = min(FIRST_LIST_AGE, history - 1)
    replay = Replay(log, small.split, history, age_steps, CandidateSettings(count=8))
    source = CatalogueScan(llm, log, plan, exclude_seen=True)
    builder = OutcomeBuilder(replay, srm or trained, False, source, plan)
    shape = OutcomeShape(len(small.split.device_users), replay.steps, 8)
    builder.build(OutcomeWriter(directory, shape), progress)
    return builder.learned_weight


def test_the_best_weight_by_hand() -> None:
    # n = 2, so the second item overtakes the first where w (0.75 - 0.25) > 1/2: where w > 1.
    second = lists_of([[1, 2]], [[0.25, 0.75]], [1])
    first = lists_of([[1, 2]], [[0.25, 0.75]], [0])
    assert best_weight(second) == WEIGHTS[WEIGHTS > 1][0]
    assert best_weight(first) == 0.0
    both = lists_of([[1, 2]] * 3, [[0.25, 0.75]] * 3, [1, 0, 1])
    assert best_weight(both) == WEIGHTS[WEIGHTS > 1][0]


def test_without_a_target_in_any_list_it_is_variant_3() -> None:
    nothing = lists_of([[1, 2]], [[0.25, 0.75]], [0])
    nobody = FoundTargets(
        nothing.maker_rank[:0], nothing.left[:0], nothing.p[:0], nothing.is_target[:0]
    )
    assert best_weight(nobody) == WITHOUT_EVIDENCE == 1.0


@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_the_fitted_weight_is_that_of_the_definition(
    small: Small, noise: float, tmp_path: Path
) -> None:
    srm, llm = small.models()
    with torch.no_grad():
        vectors = srm.item_vectors()
        vectors += noise * torch.randn(vectors.shape, generator=torch.Generator().manual_seed(1))
    own = fit(small, small.log, tmp_path, srm)
    grid = [float(weight) for weight in WEIGHTS]
    assert own == plain_learned_weight(small.log, small.split, HISTORY, 8, srm, llm, grid)
    if not noise:
        assert own == small.prepared.learned_weight
    assert (own > 1) == (noise == 0)


def test_a_context_of_one_interaction_holds_no_evidence(small: Small, tmp_path: Path) -> None:
    srm, llm = small.models()
    grid = [float(weight) for weight in WEIGHTS]
    assert fit(small, small.log, tmp_path, history=1) == WITHOUT_EVIDENCE
    two = fit(small, small.log, tmp_path, history=2)
    assert two == plain_learned_weight(small.log, small.split, 2, 8, srm, llm, grid)
    assert two != WITHOUT_EVIDENCE


def test_nothing_of_the_replay_reaches_the_weight(small: Small, tmp_path: Path) -> None:
    replayed, calibrating = small.log.items.copy(), small.log.items.copy()
    for user in small.split.device_users:
        end = small.log.offsets[user + 1]
        start = small.log.offsets[user] + small.split.replay_start[user]
        replayed[start:end] = 0
        calibrating[small.log.offsets[user] + small.split.calibration_start[user] : start] = 0
    before = fit(small, small.log, tmp_path)
    assert fit(small, replace(small.log, items=replayed), tmp_path) == before
    assert fit(small, replace(small.log, items=calibrating), tmp_path) != before


def test_who_calibrates_is_told_before_the_tables(small: Small, tmp_path: Path) -> None:
    told = Interrupting()
    assert fit(small, small.log, tmp_path, progress=told) == small.prepared.learned_weight
    users = len(small.split.device_users)
    assert told.phases == [("Generate candidate lists", users), ("Build outcome tables", users)]
    assert told.done == pytest.approx(2 * users)


def test_users_who_do_not_calibrate_get_the_same_tables(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.learned_fusion.USERS", 7)
    fit(small, small.log, tmp_path)
    for file in sorted(tmp_path.glob("*.npy")):
        if "learned" in file.stem:  # of another weight
            continue
        stored = np.load(small.store() / file.name)
        np.testing.assert_allclose(np.load(file), stored, atol=1e-5, err_msg=file.stem)
