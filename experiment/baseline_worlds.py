"""The worlds that every run is compared with: the same one if devices never or always asked."""

from experiment.preparation import Preparation
from experiment.scenario import Scenario
from sim.policies import Policy
from sim.policies.always import Always
from sim.policies.never import Never
from sim.world import World


def baseline_policies() -> dict[str, Policy]:
    """Return the policies of the compared worlds, by name."""
    return {"never": Never(), "always": Always()}


def baseline_names(scenario: Scenario) -> tuple[str, ...]:
    """Return the names of the worlds that a run is compared with.

    Where weights change along the run, no table says what `always` would reach without delay, so
    that world is simulated too.
    """
    adapts = scenario.models.adaptation.kind != "none"
    return (*baseline_policies(), *(("always_ideal",) if adapts else ()))


def baseline_world(preparation: Preparation, name: str) -> World:
    """Return one of these worlds."""
    if name == "always_ideal":
        return preparation.ideal_world()
    return preparation.world(baseline_policies()[name])
