import numpy as np
import torch
from small_log import HISTORY, Small

from models.list_scores import list_logits
from models.training.candidate_lists import list_ranks
from models.training_lists import training_prefixes


def test_ranks_in_lists_by_hand() -> None:
    item = np.array([[4, 7, 9]] * 4, np.int32)
    logit = np.array([[0.5, 2.0, 2.0]] * 4, np.float32)
    assert list_ranks(logit, item, np.array([4, 7, 9, 1])).tolist() == [3, 1, 2, 0]


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
