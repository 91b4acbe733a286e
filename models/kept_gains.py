"""Predicted gains kept in the cache: learned once for all thresholds, runs and points."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.fusion import Variant
from models.outcomes import Outcomes
from models.request_gain import Known, predicted_gain
from workloads.content_cache import ContentCache
from workloads.library_versions import library_versions

GAIN_VERSION = 1
"""Raised whenever the same outcomes teach other gains than before."""
LIBRARIES = ("numpy", "scikit-learn")
GAIN_FILE = "gain.npy"


def kept_gain(
    cache_dir: Path,
    outcomes: Outcomes,
    outcomes_hash: str,
    fusion: Variant,
    part_of_user: NDArray[np.int64],
    known: Known,
) -> NDArray[np.float32]:
    """Return `predicted_gain` from the cache, learned first where the cache lacks it.

    Args:
        cache_dir: holds `gains/`.
        outcomes: the outcome tables.
        outcomes_hash: SHA-256 (hex) over their contents.
        fusion: how lists are ordered for display.
        part_of_user: int64, shape [users]: who teaches whom.
        known: what devices know besides.

    Returns:
        float32, shape [users, cells], memory-mapped.
    """
    cache = ContentCache(cache_dir / "gains")
    identity = {
        "gain_version": GAIN_VERSION,
        "outcomes": outcomes_hash,
        "fusion": fusion,
        "part_of_user": _hash(part_of_user),
        "context_interactions": _hash(known.context_interactions),
        "first_list_age_steps": known.first_list_age_steps,
        "versions": library_versions(LIBRARIES),
    }

    def learn(directory: Path) -> dict[str, Any]:
        gain = predicted_gain(outcomes, fusion, part_of_user, known)
        np.save(directory / GAIN_FILE, gain, allow_pickle=False)
        return {}

    entry = cache.find(identity) or cache.add(identity, learn)
    gain = np.load(entry.directory / GAIN_FILE, mmap_mode="r", allow_pickle=False)
    return np.asarray(gain.view(np.ndarray))


def _hash(column: NDArray[np.int64]) -> str:
    return hashlib.sha256(np.ascontiguousarray(column, np.int64).tobytes()).hexdigest()
