"""The simulation and the models speak of the same signals."""

from models.signals import names
from models.signals.scored import SCORED_SIGNALS
from sim import outcome_table


def test_the_simulation_names_the_signals_of_the_models() -> None:
    assert outcome_table.SIGNALS == names.SIGNALS
    assert len(set(names.SIGNALS)) == len(names.SIGNALS)
    assert set(names.SIGNALS) - {"taken_share", "invalid_candidates"} == set(SCORED_SIGNALS)
