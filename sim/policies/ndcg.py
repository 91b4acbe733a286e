"""What a rank is worth: the accuracy that policies are fitted to and bounded by."""

import numpy as np
from numpy.typing import NDArray

CUTOFF = 10


def ndcg_by_rank(candidate_count: int, cutoff: int = CUTOFF) -> NDArray[np.float64]:
    """Return NDCG@k of one wanted item by its rank: float64, shape [candidates + 1].

    1 / log2(1 + rank), 0 beyond the cutoff and for a miss, rank 0 (Järvelin and Kekäläinen 2002).
    """
    rank = np.arange(1, min(candidate_count, cutoff) + 1)
    ndcg = np.zeros(candidate_count + 1)
    ndcg[rank] = 1 / np.log2(1 + rank)
    return ndcg
