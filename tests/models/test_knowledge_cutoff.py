from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from small_log import HISTORY, Small, log_of, tiny_settings

from models.errors import ModelError
from models.knowledge_cutoff import known_split
from models.llm.causal import CausalLmSettings
from models.preparation import training_tasks
from workloads.splits import Split

DAY_S = 86_400.0


def split_of(train_stop: list[int]) -> Split:
    stop = np.array(train_stop, np.int64)
    users = np.arange(len(stop), dtype=np.int64)
    return Split("per_user", 1, stop, stop.copy(), stop + 1, users)


LOG = log_of([list(range(8)), list(range(4)), list(range(6))], 8)
SPLIT = split_of([6, 0, 3])


def test_no_cut_off_is_the_split_itself() -> None:
    assert known_split(LOG, SPLIT, None) is SPLIT


def test_a_fraction_by_hand() -> None:
    cut = known_split(LOG, SPLIT, 0.5)
    assert cut.train_stop.tolist() == [3, 0, 1]
    assert cut.calibration_start.tolist() == SPLIT.calibration_start.tolist()
    assert cut.replay_start.tolist() == SPLIT.replay_start.tolist()
    assert cut.device_users.tolist() == SPLIT.device_users.tolist()
    assert known_split(LOG, SPLIT, 0.34).train_stop.tolist() == [2, 0, 1]
    assert known_split(LOG, split_of([100]), 0.29).train_stop.tolist() == [29]
    assert known_split(LOG, SPLIT, 1.0).content_hash == SPLIT.content_hash


@given(
    st.lists(st.integers(0, 30), min_size=1, max_size=10).filter(lambda stops: max(stops) > 3),
    st.floats(0.6, 1.0),
    st.floats(0.6, 1.0),
)
def test_a_larger_fraction_never_knows_less(stops: list[int], one: float, other: float) -> None:
    log = log_of([[0] * (stop + 2) for stop in stops], 1)
    less, more = (known_split(log, split_of(stops), f).train_stop for f in sorted((one, other)))
    assert (less <= more).all()
    assert (more <= stops).all()
    assert ((less > 0) == (np.array(stops) > 0)).all()


def test_a_date_by_hand() -> None:
    # the users take an item a day from 1970-01-01, -03 and -05 on
    times_s = np.concatenate(
        [(first + np.arange(n)) * DAY_S for first, n in ((0, 8), (2, 4), (4, 6))]
    )
    log = replace(LOG, times_s=times_s)
    assert known_split(log, SPLIT, "1970-01-05").train_stop.tolist() == [4, 0, 0]
    assert known_split(log, SPLIT, "1970-01-06").train_stop.tolist() == [5, 0, 1]
    assert known_split(log, SPLIT, "1980-01-01").train_stop.tolist() == [6, 0, 3]
    with pytest.raises(ModelError, match="leaves no user of tiny two training") as refused:
        known_split(log, SPLIT, "1970-01-01")
    assert refused.value.key == "models.llm.trained_until"


def test_a_date_needs_times_and_a_fraction_leaves_something() -> None:
    with pytest.raises(ModelError, match="has no times; accepted: a fraction") as refused:
        known_split(LOG, SPLIT, "1970-01-05")
    assert refused.value.key == "models.llm.trained_until"
    with pytest.raises(ModelError, match="larger fraction"):
        known_split(LOG, SPLIT, 0.01)


@pytest.mark.parametrize(
    ("given", "kept"),
    [(None, None), (0.5, 0.5), (1, 1.0), ("1998-03-31", "1998-03-31"), (date(1998, 3, 31),) * 2],
)
def test_accepted_settings(given: object, kept: object) -> None:
    settings = CausalLmSettings.model_validate({"trained_until": given})
    assert str(settings.trained_until) == str(kept)
    assert CausalLmSettings.model_validate(settings.model_dump()) == settings


@pytest.mark.parametrize("given", [0, 1.5, -0.1, True, "March 1998", "1998-13-01"])
def test_refused_settings(given: object) -> None:
    with pytest.raises(ValidationError):
        CausalLmSettings.model_validate({"trained_until": given})


def test_the_card_says_what_the_llm_knows_and_the_srm_keeps_its_own(small: Small) -> None:
    llm = {**small.settings.llm.model_dump(), "trained_until": 0.5}
    srm_task, llm_task = training_tasks(small.log, small.split, HISTORY, tiny_settings(llm=llm))
    whole_srm, whole_llm = training_tasks(small.log, small.split, HISTORY, small.settings)
    assert srm_task.identity == whole_srm.identity
    assert llm_task.identity != whole_llm.identity
    cut = llm_task.corpus.split.train_stop
    assert (cut == np.maximum(small.split.train_stop // 2, 1)).all()
    weights = replace(small.prepared.llm, task=llm_task)
    card = weights.card(8, 40)
    assert card.trained_interactions == int(cut.sum()) < int(small.split.train_stop.sum())
    assert card.knowledge == "the first 50% of each user's training interactions"
    assert small.prepared.llm_card.knowledge == "all training interactions"


def test_a_fraction_of_one_trains_the_same_weights(small: Small) -> None:
    whole = tiny_settings(llm={**small.settings.llm.model_dump(), "trained_until": 1.0})
    tasks = training_tasks(small.log, small.split, HISTORY, whole)
    assert tasks[1].identity == small.prepared.llm.task.identity
