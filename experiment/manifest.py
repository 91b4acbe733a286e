"""The manifest: what a result depends on, so that it can be repeated and recognised."""

import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from experiment.idle_settings import idle_settings
from experiment.preparation import Preparation
from experiment.versions import versions


def manifest(
    preparation: Preparation,
    command_line: Sequence[str],
    dropped_keys: Sequence[str],
    *,
    point: bool,
) -> dict[str, Any]:
    """Return the manifest of a run as plain values.

    Args:
        preparation: the data and models of the run.
        command_line: what the user typed; for a sweep's point, what started the sweep.
        dropped_keys: keys that an override made meaningless.
        point: whether the run is a point of a sweep.
    """
    scenario, log, split = preparation.scenario, preparation.log, preparation.split
    models = preparation.models
    return {
        "versions": versions(),
        "hashes": {
            "dataset": log.content_hash,
            "split": split.content_hash,
            "srm_weights": models.srm_card.weights_hash,
            "llm_weights": models.llm_card.weights_hash,
            "outcomes": models.store_hash,
            **preparation.file_hashes,
        },
        "seeds": {
            "simulation": scenario.seed,
            "workload": scenario.workload.seed,
            "models": scenario.models.seed,
        },
        "command_line": list(command_line),
        "processor": {"machine": platform.machine(), "model": processor_model()},
        "dropped_keys": list(dropped_keys),
        "idle_settings": idle_settings(scenario),
        "point": point,
        "models": {
            "srm": asdict(models.srm_card),
            "llm": asdict(models.llm_card),
            "learned_fusion_weight": models.learned_weight,
            "invalid_candidate_share": models.invalid_share,
        },
        "workload": {
            "name": log.name,
            "users": log.users,
            "items": len(log.catalogue),
            "interactions": log.interactions,
            "device_users": len(split.device_users),
            "times": log.times_s is not None,
            "split_description": split.description,
        },
    }


def processor_model() -> str:
    """Return the processor's name, as far as the system tells."""
    if sys.platform == "linux":
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
