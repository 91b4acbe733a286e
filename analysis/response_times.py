"""How long requests took: until the reply was there, and until its list was shown."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from analysis.outcomes import answered
from analysis.stored_columns import Columns, whole_numbers


def response_s(requests: Columns) -> NDArray[np.float64]:
    """Return sent to received, in seconds, of the requests whose reply the device took."""
    received_s, sent_s = (
        requests[name].to_numpy(dtype=np.float64, na_value=np.nan)
        for name in ("received_s", "sent_s")
    )
    return np.asarray((received_s - sent_s)[answered(requests)], dtype=np.float64)


def time_to_use_s(interactions: Columns, requests: Columns) -> NDArray[np.float64]:
    """Return sent to the first time that the list was shown, in seconds, of the requests used.

    The list of a request made at step s has the basis s, so an interaction used it where step minus
    list age is s. A preloaded list can have the same basis; it has no age in seconds.

    Args:
        interactions: the columns `device`, `step`, `shown_s`, `list_age_steps` and `list_age_s`.
        requests: the columns `device`, `step`, `sent_s` and `outcome`; in any order, as those.

    Returns:
        float64, shape [requests used], in the order of the requests.
    """
    delivered = (requests["outcome"] == "delivered").to_numpy(dtype=np.bool_)
    device, step = (requests[name].to_numpy() for name in ("device", "step"))
    asked = _place(device[delivered], step[delivered])
    sent_s = requests["sent_s"].to_numpy(dtype=np.float64)[delivered]
    if not len(asked):
        return np.zeros(0)
    order = np.argsort(asked, kind="stable") if (asked[1:] < asked[:-1]).any() else slice(None)
    first_s = np.full(len(asked), np.inf)
    used, shown_s = _uses(interactions)
    place = np.minimum(np.searchsorted(asked[order], used), len(asked) - 1)
    of_request = asked[order][place] == used
    np.minimum.at(first_s, place[of_request], shown_s[of_request])
    wait_s = np.empty(len(asked))
    wait_s[order] = first_s - sent_s[order]
    return np.asarray(wait_s[np.isfinite(wait_s)], dtype=np.float64)


def _uses(interactions: Columns) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return of which request each list shown was that was asked for, and when it was shown."""
    age = interactions["list_age_steps"]
    asked_for = age.notna().to_numpy() & interactions["list_age_s"].notna().to_numpy()
    basis = interactions["step"].to_numpy()[asked_for] - whole_numbers(age)[asked_for]
    shown_s = np.asarray(interactions["shown_s"].to_numpy()[asked_for], dtype=np.float64)
    return _place(interactions["device"].to_numpy()[asked_for], basis), shown_s


def _place(device: NDArray[Any], step: NDArray[Any]) -> NDArray[np.int64]:
    """Return a number that ascends by device, then step."""
    return np.asarray(device.astype(np.int64) * 2**32 + step, dtype=np.int64)
