"""A small, deterministic run directory that keeps the output contract, for tests of the reports.

It is no simulation: ranks are drawn, and a cloud with one replica serves whoever asked. But its
records keep the contract (files, columns, types, nulls, the arithmetic between them).
"""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from analysis import accuracy, summary, timeline
from analysis.record_totals import RecordTotals

STEPS = 8
AGES = (0, 1, 2, 5, 10, 20)
CANDIDATES = 50
REQUEST_COLUMNS = (
    "device",
    "step",
    "sent_s",
    "arrived_cloud_s",
    "service_start_s",
    "service_end_s",
    "received_s",
    "bytes_up",
    "bytes_down",
    "batch_size",
    "attempts",
    "outcome",
)


@dataclass(frozen=True)
class Case:
    """What the constructed run is like: `level` is the chance of a hit of each series."""

    users: int = 60
    devices: int = 90
    threshold: float = 0.55
    policy: str = "consistency"
    service_s: float = 0.9
    timeout_s: float = 30.0
    level: dict[str, float] = field(
        default_factory=lambda: {
            "popularity": 0.08,
            "srm_full": 0.30,
            "llm_full": 0.28,
            "srm_only": 0.33,
            "llm_only": 0.35,
            "never": 0.28,
            "always": 0.55,
            "always_ideal": 0.60,
        }
    )


def write_run(directory: Path, case: Case | None = None, seed: int = 0) -> Path:
    """Write the files of one run into `directory`, which is made, and return it."""
    case = case or Case()
    rng = np.random.default_rng([seed, 17])
    directory.mkdir(parents=True, exist_ok=True)
    interactions, requests, simulated_s = _records(case, rng)
    user = interactions["user"].to_numpy()
    rank_by_series = {"run": interactions["rank"].fillna(0).to_numpy(dtype=np.int64)}
    for series in accuracy.SERIES[1:]:
        rank_by_series[series] = _ranks(rng, np.full(len(user), case.level[series]))
    by_user = accuracy.by_user(user, rank_by_series)
    block = summary.summarise(
        scenario="constructed",
        seed=seed,
        records=RecordTotals().add(interactions, requests),
        accuracy_by_user=by_user,
        energy=summary.Energy(compute_j=12.5 * case.devices, radio_j=41.25 * len(requests)),
        cloud=summary.CloudCapacity(
            simulated_s=simulated_s,
            price_usd_per_accelerator_hour=2.5,
            on_s=simulated_s,
            busy_s=float(requests["service_start_s"].notna().sum()) * case.service_s,
            batch_size_mean=_batch_size_mean(requests["batch_size"].to_numpy()),
            queue_waits_s=_queue_waits_s(requests),
        ),
        engine=_engine(simulated_s, len(interactions)),
    )
    _write_interactions(directory / "interactions.parquet", interactions)
    _write_requests(directory / "requests.parquet", requests)
    _replay(interactions).to_parquet(directory / "replay.parquet", index=False)
    cloud = {"time_s": [0.0], "replicas_on": [1], "replicas_serving": [1], "outage": [False]}
    pd.DataFrame(cloud).to_parquet(directory / "cloud.parquet", index=False)
    load = cloud_load(requests, simulated_s)
    load.to_parquet(directory / "cloud_load.parquet", index=False)
    by_user.to_parquet(directory / "accuracy_by_user.parquet", index=False)
    _freshness(case, rng).to_parquet(directory / "freshness.parquet", index=False)
    (directory / "summary.json").write_text(summary.to_json(block), encoding="utf-8")
    worlds = {
        name: _world(block, scale)
        for name, scale in (("run", 1.0), ("never", 0.0), ("always", 2.0))
    }
    (directory / "baseline_worlds.json").write_text(summary.to_json(worlds), encoding="utf-8")
    (directory / "manifest.json").write_text(json.dumps(_manifest(case), indent=2), "utf-8")
    (directory / "scenario.yaml").write_text(yaml.safe_dump(_scenario(case), sort_keys=False))
    return directory


def _queue_waits_s(requests):
    waits_s = requests["service_start_s"] - requests["arrived_cloud_s"]
    return waits_s.dropna().to_numpy(dtype=np.float64)


def _batch_size_mean(batch_size):
    """Return the mean over batches, of which each request of a batch of n is 1/n."""
    served = batch_size[batch_size > 0]
    return len(served) / float((1.0 / served).sum()) if len(served) else None


def cloud_load(requests: pd.DataFrame, simulated_s: float) -> pd.DataFrame:
    """What such a cloud did in each bin of time, whose requests are of one attempt each."""
    column = {
        name: requests[name].to_numpy(dtype=np.float64)
        for name in ("arrived_cloud_s", "service_start_s", "service_end_s")
    }
    served = ~np.isnan(column["service_start_s"])
    ended = {name: np.zeros(0) for name in ("failed", "dropped", "vanished")}
    ended["served"] = column["service_end_s"][served]
    ended["rejected"] = column["arrived_cloud_s"][~served]
    works = (column["service_start_s"][served], ended["served"], np.ones(served.sum(), np.int64))
    return timeline.cloud_over_time(column["arrived_cloud_s"], ended, works, simulated_s)


def _world(block: dict, scale: float) -> dict[str, object]:
    """What a world cost whose devices ask `scale` times as often as those of the run."""
    radio_j = scale * block["energy_j"]["radio"]
    energy = {"compute": block["energy_j"]["compute"], "radio_active": radio_j}
    total = sum(energy.values())
    return {
        "requests": round(scale * block["requests"]),
        "request_frequency": min(0.95, scale * block["request_frequency"]),
        "outcomes": {name: round(scale * n) for name, n in block["outcomes"].items()},
        "response_s": block["response_s"] if scale else None,
        "bytes": {name: round(scale * n) for name, n in block["bytes"].items()},
        "energy_j": {"total": total, "per_device": total / block["devices"]},
        "energy_by_state_j": energy,
        "cloud": {**block["cloud"], "utilisation": scale * block["cloud"]["utilisation"]},
    }


def write_sweep(directory: Path, thresholds: tuple[float, ...] = (0.3, 0.5, 0.6, 0.8)) -> Path:
    """Write a sweep of two policy kinds, a run each, and its `sweep.parquet`."""
    rows = []
    for kind in ("consistency", "random"):
        for number, threshold in enumerate(thresholds):
            bonus = 0.04 if kind == "consistency" else 0.0
            level = {**Case().level, "always": 0.55 + bonus}
            case = Case(threshold=threshold, policy=kind, level=level)
            name = f"{kind}-{number}"
            run = write_run(directory / "points" / name, case, seed=number)
            block = json.loads((run / "summary.json").read_text())
            policy = _scenario(case)["policy"]
            rows.append({"id": name, "policy": policy, **summary.flatten(block)})
    pd.DataFrame(rows).to_parquet(directory / "sweep.parquet", index=False)
    return directory


def _ranks(rng: np.random.Generator, hit_chance: np.ndarray) -> np.ndarray:
    rank = np.minimum(rng.geometric(0.12, len(hit_chance)), CANDIDATES)
    return np.where(rng.random(len(hit_chance)) < hit_chance, rank, 0)


def _records(case: Case, rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame, float]:
    think = np.minimum(rng.lognormal(math.log(20.0), 1.0, (case.devices, STEPS)), 600.0)
    decision = rng.uniform(0, 120, case.devices)[:, None] + np.cumsum(think, axis=1)
    noise = rng.uniform(0, 1, (case.devices, STEPS))
    up = 0.2 + rng.exponential(0.1, (case.devices, STEPS))
    users = np.arange(case.devices) % case.users * 3 + 5
    state = [
        {"basis": -1, "generated": math.nan, "request": None, "since": 1}
        for _ in range(case.devices)
    ]
    rows, requests, replica_free = [], [], 0.0
    for device, step in sorted(np.ndindex(decision.shape), key=lambda cell: decision[cell]):
        now, held = float(decision[device, step]), state[device]
        request = held["request"]
        if request is not None and now >= (request["received_s"] or request["given_up_s"]):
            if request["outcome"] == "delivered":
                held.update(basis=request["step"], generated=request["service_end_s"])
            held["request"] = request = None
        age = step - held["basis"]
        consistency = max(0.0, 0.9 - 0.06 * age - 0.3 * noise[device, step])
        suppressed = request is not None
        wanted = not suppressed and consistency < case.threshold
        rows.append(
            {
                "device": device,
                "user": users[device],
                "step": step,
                "decision_s": now,
                "shown_s": now + 0.05,
                "list_source": "stale",
                "list_age_steps": age,
                "list_age_s": now - held["generated"],
                "held_age_steps": age,
                "consistency": consistency,
                "wanted": wanted,
                "suppressed": suppressed,
                "requested": wanted,
                "ranked_by": "fusion",
            }
        )
        if wanted:
            arrived = now + float(up[device, step])
            start = max(arrived, replica_free)
            rejected = start - arrived > 60.0
            end = math.nan if rejected else start + case.service_s
            if not rejected:
                replica_free = end
            received = end + float(up[device, step])
            in_time = received - now <= case.timeout_s
            outcome = "rejected" if rejected else "delivered" if in_time else "timed_out"
            held["request"] = {
                "device": device,
                "step": step,
                "sent_s": now,
                "arrived_cloud_s": arrived,
                "service_start_s": math.nan if rejected else start,
                "service_end_s": end,
                "received_s": received if outcome == "delivered" else None,
                "bytes_up": 300 + 4 * max(1, step - held["since"]),
                "bytes_down": 300 + 8 * CANDIDATES if outcome == "delivered" else None,
                "batch_size": None if rejected else 1,
                "attempts": 1,
                "outcome": outcome,
                "given_up_s": now + (0.5 if rejected else case.timeout_s),
            }
            requests.append(held["request"])
    interactions = pd.DataFrame(rows).sort_values(["device", "step"])
    age = interactions["list_age_steps"].to_numpy()
    hit = case.level["never"] + (case.level["always"] - case.level["never"]) * 0.75**age
    rank = pd.array(_ranks(rng, hit), dtype="Int16")
    rank[np.asarray(rank == 0)] = pd.NA
    interactions["rank"] = rank
    _what_if(case, np.random.default_rng(18), interactions)
    frame = pd.DataFrame(requests, columns=list(REQUEST_COLUMNS)).sort_values(["device", "step"])
    _supersede(interactions, frame)
    simulated_s = float(np.nanmax([decision.max(), *frame["service_end_s"].astype(float)]) + 1.0)
    return interactions.reset_index(drop=True), frame.reset_index(drop=True), simulated_s


def _what_if(case: Case, rng: np.random.Generator, interactions: pd.DataFrame) -> None:
    """Add the ranks of the other worlds, and those that the next step has with either list.

    The more consistent the list held, the likelier it is to hold what comes next.
    """
    consistency = interactions["consistency"].to_numpy()
    fresh = np.full(len(consistency), case.level["always_ideal"])
    last = (interactions["step"] == STEPS - 1).to_numpy()
    for name, chance in (("held", fresh * consistency**2), ("fresh", fresh)):
        column = pd.array(_ranks(rng, chance), dtype="Int16")
        column[last] = pd.NA
        interactions[f"next_rank_if_{name}"] = column
    for name in ("never", "always"):
        rank = pd.array(_ranks(rng, np.full(len(last), case.level[name])), dtype="Int16")
        rank[np.asarray(rank == 0)] = pd.NA
        interactions[f"rank_{name}"] = rank


def _replay(interactions: pd.DataFrame) -> pd.DataFrame:
    """Return what the users took: items by turns, the higher their number the more popular."""
    replay = interactions[["user", "step"]].drop_duplicates(ignore_index=True)
    item = (7 * replay["user"] + 3 * replay["step"]) % 40
    return replay.astype({"user": "int32", "step": "int16"}).assign(
        item=item.astype("int32"),
        item_count=(5 * item).astype("int32"),
        history_interactions=(20 + replay["user"] + replay["step"]).astype("int32"),
    )


def _supersede(interactions: pd.DataFrame, requests: pd.DataFrame) -> None:
    """Mark the replies that came after the last decision of their window."""
    last = interactions.groupby("device")["decision_s"].max()
    late = requests["received_s"].astype(float) > requests["device"].map(last)
    requests.loc[late & (requests["outcome"] == "delivered"), "outcome"] = "superseded"


def _freshness(case: Case, rng: np.random.Generator) -> pd.DataFrame:
    user, step, age = (
        grid.ravel()
        for grid in np.meshgrid(np.arange(case.users), np.arange(STEPS), AGES, indexing="ij")
    )
    exists = age <= step + 4
    user, step, age = user[exists], step[exists], age[exists]
    low, high = case.level["never"], case.level["always_ideal"]
    rank = pd.array(_ranks(rng, low + (high - low) * 0.85**age), dtype="Int16")
    rank[np.asarray(rank == 0)] = pd.NA
    return pd.DataFrame(
        {
            "user": (user * 3 + 5).astype(np.int32),
            "step": step.astype(np.int16),
            "age_steps": age.astype(np.int16),
            "consistency": np.clip(0.9 - 0.03 * age - 0.3 * rng.random(len(age)), 0, 1).astype(
                np.float32
            ),
            "rank": rank,
        }
    )


def _write_interactions(path: Path, frame: pd.DataFrame) -> None:
    text = pa.dictionary(pa.int32(), pa.string())
    types = {
        "device": pa.int32(),
        "user": pa.int32(),
        "step": pa.int16(),
        "decision_s": pa.float64(),
        "shown_s": pa.float64(),
        "list_source": text,
        "list_age_steps": pa.int16(),
        "list_age_s": pa.float64(),
        "consistency": pa.float32(),
        "wanted": pa.bool_(),
        "suppressed": pa.bool_(),
        "requested": pa.bool_(),
        "ranked_by": text,
        "rank": pa.int16(),
        "held_age_steps": pa.int16(),
        "next_rank_if_held": pa.int16(),
        "next_rank_if_fresh": pa.int16(),
        "rank_never": pa.int16(),
        "rank_always": pa.int16(),
    }
    pq.write_table(pa.Table.from_pandas(frame, pa.schema(types), preserve_index=False), path)


def _write_requests(path: Path, frame: pd.DataFrame) -> None:
    times = ("sent_s", "arrived_cloud_s", "service_start_s", "service_end_s", "received_s")
    types = {
        "device": pa.int32(),
        "step": pa.int16(),
        **{name: pa.float64() for name in times},
        "bytes_up": pa.int64(),
        "bytes_down": pa.int64(),
        "batch_size": pa.int32(),
        "attempts": pa.int16(),
        "outcome": pa.dictionary(pa.int32(), pa.string()),
    }
    pq.write_table(pa.Table.from_pandas(frame, pa.schema(types), preserve_index=False), path)


def _engine(simulated_s: float, interactions: int) -> dict[str, object]:
    phases = {"prepare": 0.4, "train": 31.0, "infer": 6.5, "simulate": 0.8, "report": 2.0}
    return {
        "wall_s": phases,
        "simulated_s": simulated_s,
        "events": 4 * interactions,
        "interactions_per_s": 812.5,
        "peak_rss_mb": 512.0,
        "cached": False,
    }


def _manifest(case: Case) -> dict[str, object]:
    card = {
        "parameters": 164_000,
        "non_embedding_parameters": 66_000,
        "weights_bytes": 656_000,
        "flops_per_step": 141_000,
        "trained_interactions": 5_210,
        "trained_users": 80,
        "trained_until": None,
        "features": "item ids in order",
        "epochs": 12,
        "calibration_ndcg10": 0.071,
        "weights_hash": "5d41402abc4b2a76b9719d911017c592",
    }
    llm = {**card, "kind": "llama", "parameters": 2_100_000, "non_embedding_parameters": 1_600_000}
    return {
        "versions": {"python": "3.13.1", "numpy": "2.4.6", "torch": "2.13.0"},
        "hashes": {"dataset": "aa" * 32, "split": "bb" * 32, "outcomes": "cc" * 32},
        "seeds": {"seed": 0, "workload.seed": 0, "models.seed": 0},
        "command_line": ["run_sim.py", "scenarios/constructed.yaml", "--set", "cloud.replicas=1"],
        "processor": {"machine": "x86_64", "capability": "AVX2"},
        "dropped_keys": [],
        "models": {"srm": {**card, "kind": "sasrec"}, "llm": llm},
        "workload": {
            "name": "synthetic",
            "users": case.users + 20,
            "items": 500,
            "interactions": 6_400,
            "device_users": case.users,
            "times": True,
            "split_description": "Each user's last 8 interactions are replayed; the rest trains.",
        },
    }


def _scenario(case: Case) -> dict[str, object]:
    key = {"consistency": "threshold", "random": "probability"}.get(case.policy)
    policy = {"kind": case.policy, **({key: case.threshold} if key else {})}
    return {
        "name": "constructed",
        "description": "Does asking on disagreement pay on a constructed run?",
        "seed": 0,
        "workload": {"dataset": "synthetic", "devices": case.devices, "replay_steps": STEPS},
        "models": {"srm": {"kind": "sasrec"}, "llm": {"kind": "llama"}, "fusion": 3},
        "policy": policy,
        "serving": {"mode": "stale", "deadline_s": 5.0, "timeout_s": case.timeout_s},
        "network": {"preset": "3g"},
        "cloud": {
            "replicas": 1,
            "service_time": {"kind": "fixed", "seconds": case.service_s},
            "queue_limit": 64,
        },
    }
