"""Numbers with units, and no more digits than their interval supports."""

import pytest

from analysis import numerals
from analysis.intervals import Estimate


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (Estimate(0.04321, 0.0409, 0.04551), "0.0432 [0.0409, 0.0455]"),
        (Estimate(12.3456, 10.1, 14.9), "12.3 [10.1, 14.9]"),
        (Estimate(0.5, None, None), "0.500"),
        (Estimate(float("nan"), None, None), "–"),
    ],
)
def test_digits_follow_the_interval(estimate: Estimate, text: str) -> None:
    assert numerals.with_interval(estimate) == text


def test_signs() -> None:
    assert numerals.with_interval(Estimate(-0.02, -0.03, -0.01), signed=True) == (
        "−0.020 [−0.030, −0.010]"
    )
    assert numerals.number(0.0001, 2, signed=True) == "0.00"
    assert numerals.number(-1234.5, 1) == "−1,234.5"


def test_units() -> None:
    assert numerals.scaled(3_421_000, "B") == "3.42 MB"
    assert numerals.scaled(0.000843, "J") == "843 µJ"
    assert numerals.scaled(0.0, "J") == "0 J"
    assert numerals.seconds(0.4523) == "0.452 s"
    assert numerals.seconds(1656.0) == "27.6 min"
    assert numerals.percent(0.1523) == "15.2%"
    assert numerals.percent(None) == "–"
    assert numerals.percent_with_interval(Estimate(0.15, 0.107, 0.201)) == "15.0% [10.7%, 20.1%]"


def test_an_interval_no_wider_than_its_rounding_is_left_out() -> None:
    narrow = Estimate(0.4570001, 0.4569999, 0.4570002)
    assert numerals.seconds_with_interval(narrow) == "0.457 s"
    assert numerals.percent_with_interval(Estimate(0.5, 0.49999, 0.50001)) == "50.00%"
    assert numerals.with_interval(Estimate(0.25, 0.25, 0.25)) == "0.250"
    assert numerals.seconds_with_interval(Estimate(0.457, 0.456, 0.458)) == (
        "0.457 s [0.456 s, 0.458 s]"
    )
