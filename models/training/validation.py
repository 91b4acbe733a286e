"""The quality that early stopping watches."""

import numpy as np
from numpy.typing import NDArray


def ndcg(rank: NDArray[np.int64], cutoff: int) -> float:
    """Return the mean NDCG at a cut-off: 1 / log2(1 + rank) of each target, 0 beyond it.

    Järvelin and Kekäläinen 2002, with one relevant item (so the ideal gain is 1). Rank 0 is a miss.
    """
    hit = (rank >= 1) & (rank <= cutoff)
    gain = np.where(hit, 1.0 / np.log2(1.0 + np.maximum(rank, 1)), 0.0)
    return float(gain.mean()) if len(gain) else 0.0
