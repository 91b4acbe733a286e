"""Every SRM fills the same outcome tables, whether one causal pass gives its states or not."""

import live_calls
import numpy as np
import pytest
from plain_outcomes import PlainOutcomes
from small_log import FIRST_LIST_AGE, HISTORY, Small, tiny_settings

from models.numerics import NumericsPlan
from models.popularity import popularity_order
from models.prefixes import calibration_prefixes
from models.preparation import prepare, training_tasks
from models.training.validation import ndcg
from models.weights import obtain
from workloads.progress import SILENT

SRMS = [
    {"kind": "gru4rec", "hidden": 16, "recurrent": 24, "dropout": 0.1},
    {"kind": "din", "hidden": 16, "unit": 8, "output": 16, "dropout": 0.1},
]


@pytest.mark.parametrize("loss", ["softmax", "binary_cross_entropy"])
@pytest.mark.parametrize("srm", SRMS, ids=lambda srm: str(srm["kind"]))
def test_tables_agree_with_live_calls_and_the_srm_has_learnt(
    small: Small, srm: dict[str, object], loss: str
) -> None:
    training = small.settings.model_dump()["training"]
    training["srm"] |= {"loss": loss, "negatives": 10, "max_epochs": 60, "patience": 15}
    settings = tiny_settings(srm=srm, training=training)
    prepared = prepare(small.log, small.split, HISTORY, FIRST_LIST_AGE, settings, small.cache_dir)
    tasks = training_tasks(small.log, small.split, HISTORY, settings)
    weights = [obtain(task, small.cache_dir, SILENT) for task in tasks]
    assert weights[0].binary_logits == (loss == "binary_cross_entropy")
    if loss == "softmax":
        small_model, llm = (each.model() for each in weights)
        plain = {
            user: PlainOutcomes(
                small.log,
                small.split,
                user,
                HISTORY,
                8,
                small_model,
                llm,
                learned_weight=prepared.learned_weight,
            )
            for user in range(0, len(small.split.device_users), 10)
        }
        found = live_calls.compare(prepared.outcomes, plain, FIRST_LIST_AGE)
        assert not found.unexplained, str(found)
        assert found.cells > 200

    prefixes = calibration_prefixes(small.split, HISTORY, 1000)
    taken = prefixes.taken(small.log)
    place = np.argsort(popularity_order(small.log, small.split))
    popular = ndcg(1 + place[taken], 10)
    source = tasks[0].architecture.candidate_source(
        weights[0].model(), tasks[0].corpus, NumericsPlan("cpu", "any", 1), True
    )
    assert ndcg(source.ranks(prefixes, taken), 10) > 2 * popular
