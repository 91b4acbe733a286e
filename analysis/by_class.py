"""What a run gave and cost on each hardware class, with intervals over users."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analysis import tables
from analysis.intervals import Estimate, totals_by_user
from analysis.metrics import HEADLINE, values
from analysis.numerals import (
    NOTHING,
    count,
    percent,
    percent_with_interval,
    seconds_with_interval,
    with_interval,
)
from analysis.outcomes import answered
from analysis.records import RunRecords
from analysis.response_times import response_s
from analysis.stored_columns import whole_numbers
from analysis.tables import Table


@dataclass(frozen=True)
class ClassEstimates:
    """One hardware class in one run.

    Attributes:
        name: of the class.
        devices: number of devices of the class.
        interactions: number of their interactions.
        request_frequency: requests / interactions.
        accuracy: mean of the metric `analysis.metrics.HEADLINE` over interactions.
        response_s: median time from sent to received; NaN where nothing was answered.
        own_order: part of the interactions whose list was in the LLM's own order.
    """

    name: str
    devices: int
    interactions: int
    request_frequency: Estimate
    accuracy: Estimate
    response_s: Estimate
    own_order: Estimate


def estimates(run: RunRecords) -> list[ClassEstimates]:
    """Estimate what each hardware class that has devices got and cost, in the scenario's order.

    All classes share the run's resamples of users, in which a user's devices stay together, of
    whatever classes they are.

    Returns:
        Nothing where devices are of no class, or a run's records do not say of which.
    """
    if run.devices is None or run.devices["class"].isna().any():
        return []
    class_of_device = run.devices.set_index("device")["class"].cat.remove_unused_categories()
    names = class_of_device.cat.categories.tolist()
    shape = len(run.users), len(names)

    code_of_device = np.zeros(int(class_of_device.index.max()) + 1, np.int64)
    code_of_device[class_of_device.index] = class_of_device.cat.codes

    def class_of(device: pd.Series) -> NDArray[np.int64]:
        return np.asarray(code_of_device[device.to_numpy(np.int64)], dtype=np.int64)

    shown, asked = class_of(run.interactions["device"]), class_of(run.requests["device"])
    row = run.interaction_user_row
    own_order = np.asarray(run.interactions["ranked_by"] == "llm", dtype=np.float64)
    interactions = totals_by_user(row, shown, np.ones(len(row)), shape)
    sums = (
        totals_by_user(run.request_user_row, asked, np.ones(len(asked)), shape),
        totals_by_user(row, shown, values(whole_numbers(run.interactions["rank"])), shape),
        totals_by_user(row, shown, own_order, shape),
    )
    ratios = run.resamples.ratios(np.hstack(sums), np.tile(interactions, len(sums)))
    frequency, accuracy, in_own_order = np.array_split(np.array(ratios.estimates()), len(sums))
    taken = answered(run.requests)
    took_s, took_row = response_s(run.requests), run.request_user_row[taken]
    return [
        ClassEstimates(
            name=str(name),
            devices=int((class_of_device == name).sum()),
            interactions=int(interactions[:, each].sum()),
            request_frequency=frequency[each],
            accuracy=accuracy[each],
            response_s=run.resamples.quantile(
                took_s[asked[taken] == each], took_row[asked[taken] == each], 0.5
            ),
            own_order=in_own_order[each],
        )
        for each, name in enumerate(names)
    ]


def table(run: RunRecords) -> Table | None:
    """Return the classes side by side; None where fewer than two have devices."""
    classes = estimates(run)
    if len(classes) < 2:
        return None
    whole = len(run.interactions)
    shown: tuple[tuple[str, Callable[[ClassEstimates], str]], ...] = (
        ("Devices", lambda each: count(each.devices)),
        ("Part of the interactions", lambda each: percent(each.interactions / whole)),
        ("Requests / interactions", lambda each: percent_with_interval(each.request_frequency)),
        (HEADLINE.upper(), lambda each: with_interval(each.accuracy)),
        ("Median response time", lambda each: _seconds(each.response_s)),
        ("Lists in the LLM's own order", lambda each: percent_with_interval(each.own_order)),
    )
    rows = [[label, *map(show, classes)] for label, show in shown]
    columns = ("", *(each.name for each in classes))
    return tables.of_texts("The run on each hardware class", columns, rows, stacked=True)


def _seconds(estimate: Estimate) -> str:
    return NOTHING if np.isnan(estimate.value) else seconds_with_interval(estimate)
