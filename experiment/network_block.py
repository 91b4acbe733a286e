"""What a run's files say of the network: bytes on the wire, coverage over time."""

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from sim.network.coverage import CoverageRecords
from sim.records.result import SimulationResult


def with_network(summary: dict[str, Any], result: SimulationResult) -> dict[str, Any]:
    """Return the summary with the block `traffic`, before the block `engine`.

    Args:
        summary: as `analysis.summary` makes it from the records.
        result: what came of the run.

    Returns:
        Another dictionary. `traffic` has, for `up` and `down`, the bytes with their headers that
        were sent, received, lost, in flight at the end, and sent again; sent = received + lost + in
        flight.
    """
    engine = summary.pop("engine")
    return {**summary, "traffic": asdict(result.network.traffic), "engine": engine}


def coverage_frame(coverage: CoverageRecords) -> pd.DataFrame:
    """Return a row for each time and regime, in this order: how many devices were in it."""
    times, regimes = coverage.devices.shape
    codes = np.tile(np.arange(regimes), times)
    return pd.DataFrame(
        {
            "time_s": np.repeat(coverage.time_s, regimes),
            "regime": pd.Categorical.from_codes(codes, pd.Index(coverage.regimes)),
            "devices": coverage.devices.ravel().astype(np.int32),
        }
    )
