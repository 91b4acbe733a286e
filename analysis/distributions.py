"""What `summary.json` says of many values: their mean, and three quantiles."""

import numpy as np
from numpy.typing import NDArray


def distribution(values: NDArray[np.float64]) -> dict[str, float] | None:
    """Return {mean, p50, p95, p99} of the values that are not NaN; None where there are none."""
    missing = np.isnan(values)
    present = values[~missing] if missing.any() else values
    if not len(present):
        return None
    p50, p95, p99 = np.quantile(present, [0.5, 0.95, 0.99])
    return {"mean": float(present.mean()), "p50": float(p50), "p95": float(p95), "p99": float(p99)}
