"""The pandas frames behind the reports: one function a frame, each saying its columns.

Every function takes the directory of a run (of a sweep, where it says so) and returns a new frame.
Columns are told as `name: dtype` and what they hold; units are in the names (`_s` seconds of
simulated time, `_steps` interactions, `bytes_` bytes). Dtypes with a capital (`Int16`) can be null.
Ranks are 1-based. Users are joined on `user`, devices on `device`, interactions on `device` and
`step`. The scripts in `analysis/examples` show them in use.

All functions raise `analysis.errors.RecordsError`, which names the file, where one is missing or
malformed.
"""

from pathlib import Path

import pandas as pd

from analysis import fresh_gain, sweep_records
from analysis.accuracy import Accuracies
from analysis.metrics import HEADLINE
from analysis.records import read_frame


def interactions(directory: str | Path) -> pd.DataFrame:
    """Return a row for each interaction that happened, by device and step.

    Columns:
        device: int32; who decided.
        user: int32; whose log the device replays.
        step: int16; which interaction of the replay, from 0.
        decision_s: float64; when the device decided.
        shown_s: float64; when the list was shown.
        list_source: category; `fresh` (age 0), `stale` or `popular`.
        list_age_steps: Int16; age of the list shown; null for a popularity list.
        list_age_s: float64; time since it was asked for; NaN for a list never asked for.
        consistency: float32; of the list held at the decision, in [0, 1]; NaN where not scored.
        wanted: bool; the policy asked.
        suppressed: bool; a request was under way, so the policy was not consulted.
        requested: bool; a request was sent.
        ranked_by: category; `fusion`, `llm` or `popularity`.
        rank: Int16; of the item taken in what was shown; null for a miss.
        parameters: int16; re-trainings of the device's weights so far.
        held_age_steps: Int16; age of the list held at the decision; null for a popularity list.
        next_rank_if_held: Int16; rank at the next step in the list held, 0 for a miss; null where
            there is no next step, or it has re-trained weights.
        next_rank_if_fresh: Int16; likewise in a list made at this decision.
        rank_never: Int16; `rank` in the world that never asks; null for a miss.
        rank_always: Int16; `rank` in the world that always asks; null for a miss.
    """
    return read_frame(Path(directory) / "interactions.parquet")


def requests(directory: str | Path) -> pd.DataFrame:
    """Return a row for each request, by device and step; times that never came are NaN.

    Columns:
        device: int32; who asked.
        step: int16; at which interaction.
        sent_s: float64; when it was sent: the decision.
        arrived_cloud_s: float64; when it arrived there.
        service_start_s: float64; when its batch began.
        service_end_s: float64; when its batch ended.
        received_s: float64; when the device had the answer.
        bytes_up: int64; payload sent, over all attempts.
        bytes_down: int64; payload received, over all attempts.
        batch_size: int32; requests in its batch; 0 if never served.
        attempts: int16; how often it was sent.
        retry_wait_s: float64; time waited between attempts.
        answer: category; which reply ended it.
        outcome: category; `delivered`, `timed_out`, `rejected`, `lost`, `superseded`, `in_flight`.
    """
    return read_frame(Path(directory) / "requests.parquet")


def devices(directory: str | Path) -> pd.DataFrame:
    """Return a row for each device.

    Columns:
        device: int32; its number.
        user: int32; whose log it replays.
        steps: int16; how many interactions it lives through.
        start_s: float64; its first decision.
        class: category; hardware class; null where the scenario has none.
        cell: Int32; cell of the network; null where it has none.
        region: Int32; region of faults; null where there is but one.
    """
    return read_frame(Path(directory) / "devices.parquet")


def replay(directory: str | Path) -> pd.DataFrame:
    """Return a row for each user and step: what was taken.

    Columns:
        user: int32; who.
        step: int16; which interaction of the replay, from 0.
        item: int32; position in the catalogue.
        item_count: int32; how often the item was taken in the part of the log that trains.
        history_interactions: int32; how many interactions the user had before this one.
    """
    return read_frame(Path(directory) / "replay.parquet")


def freshness(directory: str | Path) -> pd.DataFrame:
    """Return a row for each user, step and forced list age, whatever the policy did.

    Columns:
        user: int32; who.
        step: int16; which interaction of the replay, from 0.
        age_steps: int16; 0, 1, 2, 5, 10 or 20.
        consistency: float32; of a list of that age, in [0, 1].
        rank: Int16; of the item taken in that list; null for a miss.
    """
    return read_frame(Path(directory) / "freshness.parquet")


def accuracy_by_user(directory: str | Path) -> pd.DataFrame:
    """Return a row for each series and user: sums, not means.

    Columns:
        user: int32; who.
        series: str; `run`, or what it is compared with (`analysis.accuracy.SERIES`).
        interactions: int64; how many.
        hr@1: float64; sum of the metric over them, as of all that follow.
        hr@5: float64; sum.
        hr@10: float64; sum.
        hr@20: float64; sum.
        ndcg@5: float64; sum.
        ndcg@10: float64; sum.
        ndcg@20: float64; sum.
        mrr: float64; sum of reciprocal ranks.
    """
    return read_frame(Path(directory) / "accuracy_by_user.parquet")


def accuracies(directory: str | Path, metric: str = HEADLINE) -> pd.DataFrame:
    """Return a row for each series: its mean and how much the run exceeds it.

    Columns:
        series: str; `run`, or what it is compared with.
        mean: float64; of the metric over interactions.
        low: float64; lower end of its 95% interval over users; NaN below 30 users, as all ends.
        high: float64; upper end.
        run_minus_it: float64; mean of the run minus this mean.
        run_minus_it_low: float64; lower end of the interval of that, paired on users.
        run_minus_it_high: float64; upper end.
    """
    known = Accuracies(accuracy_by_user(directory))
    rows = []
    for series in known.series:
        mean, less = known.mean(series, metric), known.difference("run", series, metric)
        rows.append((series, mean.value, mean.low, mean.high, less.value, less.low, less.high))
    less_names = ("run_minus_it", "run_minus_it_low", "run_minus_it_high")
    names = ["series", "mean", "low", "high", *less_names]
    return pd.DataFrame(rows, columns=names).astype(dict.fromkeys(names[1:], "float64"))


def difference_by_user(
    directory: str | Path, other: str | Path, metric: str = HEADLINE
) -> pd.DataFrame:
    """Return a row for each user that two runs both have: the same person under two policies.

    Columns:
        user: int32; who.
        mean: float64; of the metric over the user's interactions in the first run.
        other_mean: float64; in the other run.
        difference: float64; `mean` minus `other_mean`.
    """
    means = []
    for each in (directory, other):
        sums = accuracy_by_user(each)
        own = sums[sums["series"].astype(str) == "run"].set_index("user")
        means.append(own[metric] / own["interactions"])
    joined = pd.concat(means, axis=1, keys=["mean", "other_mean"], join="inner").reset_index()
    joined = joined.astype({"user": "int32"})
    return joined.assign(difference=joined["mean"] - joined["other_mean"])


def gains(directory: str | Path) -> pd.DataFrame:
    """Return a row for each decision of which it is known what a request would have brought.

    Columns:
        user: int32; who.
        consistency: float64; of the list held, in [0, 1].
        held_age_steps: float64; its age; NaN for a popularity list.
        gain: float64; NDCG@10 at the next step with a list made now, less that with the list held.
    """
    return fresh_gain.decisions(interactions(directory))


def responses(directory: str | Path) -> pd.DataFrame:
    """Return a row for each answered request: how long it took, and on what kind of device.

    Columns:
        device: int32; who asked.
        step: int16; at which interaction.
        class: category; hardware class of the device; null where the scenario has none.
        response_s: float64; from sending to receiving.
        network_s: float64; of it, on the way up and down, and between attempts.
        cloud_s: float64; of it, waiting and being served.
    """
    asked = requests(directory)
    answered = asked[asked["outcome"].isin(["delivered", "superseded"])]
    kind = devices(directory)[["device", "class"]]
    joined = answered.merge(kind, on="device", how="left", validate="many_to_one")
    response_s = joined["received_s"] - joined["sent_s"]
    cloud_s = joined["service_end_s"] - joined["arrived_cloud_s"]
    joined = joined.assign(response_s=response_s, network_s=response_s - cloud_s, cloud_s=cloud_s)
    return joined[["device", "step", "class", "response_s", "network_s", "cloud_s"]]


def cloud_load(directory: str | Path) -> pd.DataFrame:
    """Return a row for each bin of simulated time.

    Columns:
        start_s: float64; the bin's start.
        end_s: float64; its end.
        waiting: float64; attempts in queues, mean over the bin.
        busy_replicas: float64; replicas that worked, mean over the bin.
        arrived: int64; attempts that arrived, as all that follow count attempts.
        served: int64; answered with a list.
        rejected: int64; turned away by a full queue.
        failed: int64; answered with a failure.
        dropped: int64; taken out of a queue, because the device had given up.
        vanished: int64; lost without an answer, in a silent outage.
    """
    return read_frame(Path(directory) / "cloud_load.parquet")


def points(directory: str | Path) -> pd.DataFrame:
    """Return a row for each finished point of a sweep.

    Columns (besides a column for each swept key, and `summary.json` with its keys joined by dots):
        id: str; the point's directory is `points/ID`.
        kind: str; of request policy.
        series: str; the policy without the parameter that moves along its curve.
        bound: bool; whether it knows what no device knows.
        facet: str; the other swept values, in words; empty where there are none.
        seed: int64; of the simulation.
        request_frequency: float64; requests / interactions.
        accuracy.ndcg@10.mean: float64; mean over interactions.
    """
    return sweep_records.read(directory).points.copy()


def settings(directory: str | Path, metric: str = HEADLINE) -> pd.DataFrame:
    """Return a row for each setting of a sweep, its seeds taken together: what the curves join.

    Columns (besides those of `points`, as means over seeds):
        series: str; the policy without the parameter that moves along its curve.
        facet: str; the other swept values, in words; empty where there are none.
        request_frequency: float64; requests / interactions.
        accuracy: float64; mean of the metric over interactions.
        low: float64; lower end of its 95% interval over users; NaN below 30 users.
        high: float64; upper end.
        swept: bool; False for the never and always worlds beside the runs.
    """
    return sweep_records.read(directory, metric).settings
