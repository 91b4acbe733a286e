"""What accuracy is paid with: request frequency, time, energy, bytes and money."""

from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class Cost:
    """Something that accuracy is paid with.

    Attributes:
        name: of the figure's files.
        title: of the figure.
        axis: the horizontal axis's name, with its unit.
        columns: columns of a setting that are added up.
        per: the column that the sum is divided by, or none.
        factor: what the quotient is multiplied by.
        percent: whether the axis is labelled in percent.
    """

    name: str
    title: str
    axis: str
    columns: tuple[str, ...]
    per: str = ""
    factor: float = 1.0
    percent: bool = False

    def of(self, settings: pd.DataFrame) -> "pd.Series[float] | None":
        """Return this cost of each setting; None where the sweep does not know it."""
        if any(column not in settings for column in self.columns):
            return None
        total = settings[list(self.columns)].astype(float).sum(axis=1, skipna=False)
        return self.factor * (total / settings[self.per] if self.per else total)


FREQUENCY = Cost(
    "trade_off",
    "Accuracy against request frequency",
    "request frequency: requests / interactions",
    ("request_frequency",),
    percent=True,
)

RESPONSE = Cost(
    "trade_off_response",
    "Accuracy against response time",
    "median response time, s",
    ("response_s.p50",),
)

ENERGY = Cost(
    "trade_off_energy",
    "Accuracy against energy",
    "energy per device, J",
    ("energy_j.per_device",),
)

BYTES = Cost(
    "trade_off_bytes",
    "Accuracy against bytes",
    "bytes per interaction, up and down",
    ("bytes.up", "bytes.down"),
    per="interactions",
)

PRICE = Cost(
    "trade_off_price",
    "Accuracy against price",
    "price of the cloud per 1,000 interactions, USD",
    ("cloud.cost_usd",),
    per="interactions",
    factor=1000.0,
)

#: All of them, by the name that the code of a figure gives them.
COSTS = {
    "FREQUENCY": FREQUENCY,
    "RESPONSE": RESPONSE,
    "ENERGY": ENERGY,
    "BYTES": BYTES,
    "PRICE": PRICE,
}
