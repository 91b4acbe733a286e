"""Trains the SASRec of RecTools on a task file and leaves the lists that it recommends.

A script of its own, because RecTools (pandas < 3, numpy < 2) and this project (pandas >= 3) cannot
share an environment: it imports nothing of the project and is run by `independent_sasrec`, with the
Python of RecTools' own environment.

Both files are npz. The task has `items` (int32 [interactions], user after user), `session_start`
and `session_stop` (int64 [sessions], what trains), and for each of U users `history_start`,
`validation_at` and `test_at` (int64 [U]): positions in `items`. The result has `validation`, `test`
and `test_seen_too` (int64 [U, 10]: items, best first, -1 for none; only the last may name items of
the history), `epochs`, `parameters` and `train_s`.

    build/rectools/bin/python benchmarks/rectools_training.py TASK.npz RESULT.npz
"""

import argparse
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from pytorch_lightning import seed_everything  # type: ignore[import-not-found, unused-ignore]
from rectools import Columns  # type: ignore[import-not-found, unused-ignore]
from rectools.dataset import Dataset  # type: ignore[import-not-found, unused-ignore]
from rectools.models import SASRecModel  # type: ignore[import-not-found, unused-ignore]
from rectools.models.nn.transformers.lightning import (  # type: ignore[import-not-found, unused-ignore]
    TransformerLightningModule,
)

Ints = NDArray[np.int64]
LIST = 10
CONTEXT = 50


class UnpaddedSoftmax(TransformerLightningModule):  # type: ignore[misc, unused-ignore]
    """RecTools' softmax loss, computed where there is a target instead of wherever there is room.

    The mean is over the same terms, so this only saves the logits of the padding, which RecTools
    computes and then gives no weight: nine tenths of them on sparse logs.
    """

    def training_step(self, batch: dict[str, torch.Tensor], batch_idx: int) -> torch.Tensor:  # noqa: ARG002
        """Return the mean cross-entropy of the next items against the catalogue."""
        target = batch["y"]
        vectors = self.torch_model.item_model.get_all_embeddings()
        states = self.torch_model.encode_sessions(batch, vectors)[target != 0]
        return torch.nn.functional.cross_entropy(states @ vectors.T, target[target != 0])


def interactions(items: NDArray[np.int32], start: Ints, stop: Ints) -> Dataset:
    """Return a data set in which user i took `items[start[i] : stop[i]]`, in this order."""
    length = stop - start
    user = np.repeat(np.arange(len(start)), length)
    within = np.arange(len(user)) - np.repeat(np.cumsum(length) - length, length)
    columns = {
        Columns.User: user,
        Columns.Item: items[start[user] + within],
        Columns.Weight: 1.0,
        Columns.Datetime: pd.to_datetime(within, unit="s"),
    }
    return Dataset.construct(pd.DataFrame(columns))


def recommended(model: Any, contexts: Dataset, users: int, filter_viewed: bool) -> Ints:
    """Return the `LIST` best items of each user: int64 [users, LIST], -1 where there is none."""
    table = model.recommend(
        np.arange(users), contexts, LIST, filter_viewed, on_unsupported_targets="ignore"
    )
    lists = np.full((users, LIST), -1, np.int64)
    lists[table[Columns.User], table[Columns.Rank] - 1] = table[Columns.Item].astype(np.int64)
    return lists


def ndcg(lists: Ints, taken: Ints) -> float:
    """Return the mean NDCG@10 with one relevant item each: 1 / log2(1 + rank), 0 for a miss."""
    gain = 1 / np.log2(2 + np.arange(LIST))
    return float(((lists == taken[:, None]) @ gain).mean())


def sasrec() -> Any:
    """Return an untrained SASRec of the project's size, dropout 0.3, else RecTools' defaults."""
    return SASRecModel(
        n_factors=64,
        n_blocks=2,
        n_heads=2,
        dropout_rate=0.3,
        session_max_len=CONTEXT,
        loss="softmax",
        lr=1e-3,
        batch_size=128,
        lightning_module_type=UnpaddedSoftmax,
        recommend_torch_device="cpu",
    )


def train(task: dict[str, Any], epochs: int, patience: int) -> dict[str, Any]:
    """Train until the patience or the epochs run out; return the lists of the best epoch."""
    started_s = time.perf_counter()
    items, users = task["items"], len(task["test_at"])
    sessions = interactions(items, task["session_start"], task["session_stop"])
    before_validation = interactions(items, task["history_start"], task["validation_at"])
    before_test = interactions(items, task["history_start"], task["test_at"])
    model = sasrec()
    result: dict[str, Any] = {}
    best, best_epoch = -1.0, 0
    for epoch in range(1, epochs + 1):
        model.fit_partial(sessions, min_epochs=1, max_epochs=1)
        lists = recommended(model, before_validation, users, filter_viewed=True)
        reached = ndcg(lists, items[task["validation_at"]])
        elapsed_s = time.perf_counter() - started_s
        print(
            f"epoch {epoch}: validation NDCG@10 {reached:.4f}, {elapsed_s:.0f} s", file=sys.stderr
        )
        if reached > best:
            best, best_epoch = reached, epoch
            weights = {key: each.clone() for key, each in model.torch_model.state_dict().items()}
            result = {"validation": lists}
        if epoch - best_epoch >= patience:
            break
    result["train_s"] = time.perf_counter() - started_s
    model.torch_model.load_state_dict(weights)
    return result | {
        "test": recommended(model, before_test, users, filter_viewed=True),
        "test_seen_too": recommended(model, before_test, users, filter_viewed=False),
        "epochs": best_epoch,
        "parameters": sum(each.numel() for each in model.torch_model.parameters()),
    }


def main() -> None:
    """Train on one task file and write the result file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("task", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--patience", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    warnings.filterwarnings("ignore")  # RecTools and Lightning advise on speed and new pandas
    torch.set_num_threads(options.threads)
    seed_everything(options.seed)
    with np.load(options.task) as task:
        result = train(dict(task), options.epochs, options.patience)
    np.savez(options.result, **result)


if __name__ == "__main__":
    main()
