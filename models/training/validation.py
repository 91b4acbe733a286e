"""The quality that early stopping watches."""

import numpy as np
from numpy.typing import NDArray


def ndcg(rank: NDArray[np.int64], cutoff: int) -> float:
    """Return the mean NDCG at a cut-off of targets of these ranks."""
    return float(gains(rank, cutoff).mean()) if len(rank) else 0.0


def gains(rank: NDArray[np.int64], cutoff: int) -> NDArray[np.float64]:
    """Return the NDCG at a cut-off of each target: 1 / log2(1 + rank), 0 beyond it.

    Järvelin and Kekäläinen 2002, with one relevant item (so the ideal gain is 1). Rank 0 is a miss.
    """
    hit = (rank >= 1) & (rank <= cutoff)
    return np.where(hit, 1.0 / np.log2(1.0 + np.maximum(rank, 1)), 0.0)
