"""How near calibrated policies come to the request frequency that was wanted of them."""

import pandas as pd

from analysis import point_records
from analysis.panel import TOLERANCE
from analysis.sweep_records import SweepRecords

#: Standard errors over users that a realised frequency may miss besides `TOLERANCE`.
ERRORS = 2


def calibration(sweep: SweepRecords) -> pd.DataFrame:
    """Return wanted and realised request frequency of every setting that has a target.

    The standard error is that of a ratio of totals over users: the root of the sum over users of
    (requests - frequency x interactions)^2 x n / (n - 1), over all interactions (Cochran,
    "Sampling techniques", 1977, chapter 6), with all seeds of a user taken together.

    Returns:
        Columns facet, series, wanted, realised, error, reached (users that calibrated it could be
        made to ask so often) and missed (it is further off than `TOLERANCE` + `ERRORS` standard
        errors).
    """
    settings = sweep.settings[sweep.settings["target"].notna()]
    rows = []
    for _, setting in settings.iterrows():
        by_user = point_records.requests_by_user(sweep.directory, setting["ids"])
        requests, interactions = by_user["requests"], by_user["interactions"]
        realised = float(requests.sum() / interactions.sum())
        deviation = ((requests - realised * interactions) ** 2).sum()
        users = len(by_user)
        error = float((deviation * users / max(1, users - 1)) ** 0.5 / interactions.sum())
        off = abs(realised - float(setting["target"]))
        missed = off > TOLERANCE + ERRORS * error
        rows.append(
            (
                setting["facet"],
                setting["series"],
                setting["target"],
                realised,
                error,
                bool(setting["reached"]),
                missed,
            )
        )
    columns = ["facet", "series", "wanted", "realised", "error", "reached", "missed"]
    return pd.DataFrame(rows, columns=columns)
