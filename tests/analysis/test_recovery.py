"""When responses are as fast as before a fault: against medians of every window, one by one."""

import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
from hypothesis import example, given
from hypothesis import strategies as st

from analysis import responses

FAULT = SimpleNamespace(start_s=100.0, end_s=140.0)


def plainly(requests: pd.DataFrame) -> tuple[float, float]:
    """Return the same as `recovery_s`, from the definition in its docstring."""

    def median(took_s: pd.Series) -> float:
        if len(took_s) < responses.FEWEST:
            return math.nan
        return sorted(took_s)[math.ceil(len(took_s) / 2) - 1]

    sent = requests.assign(took_s=responses.time_to_list_s(requests)).sort_values(
        "sent_s", kind="stable"
    )
    before_s = median(sent.loc[sent["sent_s"].between(60.0, 100.0, "left"), "took_s"])
    if not math.isfinite(before_s):
        return math.nan, math.nan
    after = sent[sent["sent_s"] >= 140.0]
    medians_s = [
        median(after.iloc[first:].loc[after["sent_s"] < at_s + responses.WINDOW_S, "took_s"])
        for first, at_s in enumerate(after["sent_s"])
    ]
    for at_s, median_s in zip(after["sent_s"], medians_s, strict=True):
        if median_s <= responses.WITHIN * before_s:
            return before_s, at_s - 140.0
    return before_s, math.nan if np.isnan(medians_s).all() else math.inf


@given(
    seed=st.integers(0, 10_000),
    count=st.integers(100, 400),
    slow=st.sampled_from([0.0, 0.3, 0.6, 0.95]),
    until_s=st.sampled_from([150.0, 200.0, 300.0]),
)
@example(seed=0, count=400, slow=0.6, until_s=200.0)
def test_recovery_is_that_of_every_window(
    seed: int, count: int, slow: float, until_s: float
) -> None:
    generator = np.random.default_rng(seed)
    sent_s = np.round(generator.uniform(0.0, until_s, count), 1)
    took_s = generator.choice([1.0, 1.05, 1.2], count)
    late = (sent_s >= 140.0) & (generator.random(count) < slow * (until_s - sent_s) / 100)
    requests = pd.DataFrame(
        {
            "sent_s": sent_s,
            "received_s": sent_s + np.where(late, 9.0, took_s),
            "outcome": generator.choice(["delivered", "timed_out"], count, p=[0.9, 0.1]),
        }
    )
    told = responses.recovery_s(SimpleNamespace(requests=requests), FAULT)  # type: ignore[arg-type]
    np.testing.assert_allclose(told, plainly(requests))


def test_there_are_recoveries_at_once_later_and_never() -> None:
    found = []
    for slow_until_s in (140.0, 170.0, 300.0):
        sent_s = np.arange(0.0, 300.0, 0.5)
        slow = (sent_s >= 140.0) & (sent_s < slow_until_s)
        requests = pd.DataFrame(
            {
                "sent_s": sent_s,
                "received_s": sent_s + np.where(slow, 5.0, 1.0),
                "outcome": "delivered",
            }
        )
        found.append(responses.recovery_s(SimpleNamespace(requests=requests), FAULT)[1])  # type: ignore[arg-type]
    # Windows of 20 s are half fast when 10 s of them lie after the slow time.
    assert found == [0.0, 20.0, math.inf]
