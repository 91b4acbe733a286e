"""The request policy of a run: as it stands, or fitted and calibrated on other users."""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiment.calibration.bisection import ALWAYS, NEVER, Found, bisect
from experiment.calibration.calibrating_world import calibrating_world
from experiment.calibration.halves import half_of_users
from experiment.calibration.hindsight import in_hindsight
from experiment.calibration.predicted_gain import with_predicted_gain
from experiment.preparation import Preparation
from models.errors import ModelError
from sim.engine import simulate
from sim.policies import Mixture, Policy, TunablePolicy
from sim.policies.assignment import PolicyAssignment
from sim.policies.calibration_cells import CalibrationCells
from sim.policies.hindsight import HindsightBound
from sim.policies.learned import PREDICTED
from sim.policies.wrapper import Wrapper
from sim.world import World
from workloads.progress import Progress

LEAST_STEPS = 3
TEACHING_PARTS = 5
NEAR = 0.02
"""What still counts as a frequency that was reached."""


@dataclass(frozen=True)
class RequestPolicy:
    """What devices follow, and how that was found.

    Attributes:
        world: the scenario's world with the policies that its devices follow.
        policies: those of the two halves of users, as settings; one where all follow the same.
        facts: the block `request_policy` of the summary.
    """

    world: World
    policies: tuple[Policy, ...]
    facts: Mapping[str, Any]


def request_policy(preparation: Preparation, progress: Progress) -> RequestPolicy:
    """Return the policy of a scenario as its devices follow it.

    A policy with a wanted frequency, a quantile for a threshold or something to be fitted is
    settled on one half of the users and followed by the other, and the other way round; so a
    user's own replay window settles nothing about that user. What is fitted comes from the outcome
    table; a wanted frequency is found by bisection on simulations (`calibrating_world`).

    Raises:
        ModelError: replay windows are too short, or users too few, for anything to be fitted.
    """
    policy = preparation.scenario.policy
    world = preparation.world(policy)
    tuned = _tuned(policy)
    if policy.is_bound or PREDICTED in policy.signals:
        _refuse_changing_weights(preparation)
    if isinstance(policy, HindsightBound):
        planned, price = in_hindsight(policy, world)
        facts = _facts(policy, value=price, target=policy.target_frequency)
        return RequestPolicy(planned, (policy.with_own(price),), facts)
    users = np.arange(len(preparation.split.device_users))
    run = _with_what_is_learned(preparation, world, users, 2)
    if tuned is None and policy.is_fitted:
        return RequestPolicy(
            run, (policy,), _facts(policy, value=_value(policy, _parameter(policy)))
        )
    _refuse_too_little(world.table.steps, len(users))
    half = half_of_users(preparation.scenario.models.seed, len(users))
    settled = [
        _settled(preparation, world, np.flatnonzero(half != mine), progress) for mine in (0, 1)
    ]
    policies = tuple(each for each, _ in settled)
    of_device = half[world.sessions.user]
    frequencies = [each for _, each in settled if each is not None]
    facts = _facts(
        policy,
        target=None if tuned is None else tuned.target_frequency,
        calibrated=[_value(each, _parameter(policy)) for each in policies],
        frequencies=frequencies,
    )
    _warn_of_what_was_missed(facts)
    return RequestPolicy(
        replace(run, assigned=PolicyAssignment(policies, of_device)), policies, facts
    )


def _refuse_changing_weights(preparation: Preparation) -> None:
    if preparation.adaptation is not None:
        raise ModelError(
            "goes by the tables of the shipped SRM, which this run re-trains; accepted with "
            "models.adaptation {kind: none}",
            key="policy",
        )


def _refuse_too_little(steps: int, users: int) -> None:
    if steps < LEAST_STEPS:
        raise ModelError(
            f"replay windows of {steps} steps hold no list long enough to settle the policy on; "
            f"accepted: at least {LEAST_STEPS}, or the policy's own parameters",
            key="workload.replay_steps",
        )
    if users < 2:
        raise ModelError(
            "is settled on other users, and only one is replayed; accepted: at least two, or the "
            "policy's own parameters",
            key="policy",
        )


def _with_what_is_learned(
    preparation: Preparation, world: World, users: NDArray[np.int64], parts: int
) -> World:
    """Return the world with the signal that some users' other parts teach, if it is read."""
    if PREDICTED not in world.policy.signals:
        return world
    return replace(world, table=with_predicted_gain(preparation, world, users, parts))


def _settled(
    preparation: Preparation, world: World, users: NDArray[np.int64], progress: Progress
) -> tuple[Policy, float | None]:
    """Return the policy as some users settle it, and how often it then asks of them.

    What is learned is learned among them, so that nothing of the others decides either; in parts
    so many that those who teach are nearly as many as for the others.
    """
    policy, world = world.policy, _with_what_is_learned(preparation, world, users, TEACHING_PARTS)
    if not policy.is_fitted:
        preloaded = world.first_row == world.table.steps
        age_steps = world.serving.first_list_age_steps if preloaded else None
        cells = CalibrationCells.of(world.table, users, age_steps, policy.signals)
        policy = policy.fitted(cells)
    tuned = _tuned(policy)
    if tuned is None:
        return policy, None
    assert tuned.target_frequency is not None
    with progress.phase(f"calibrate to {tuned.target_frequency:g} requests a step", 20) as advance:

        def frequency_of(tried: Policy) -> float:
            records = simulate(calibrating_world(preparation, world, users, tried)).interactions
            advance(1)
            return float(records.requested.sum() / records.interactions)

        return _calibrated(policy, tuned.target_frequency, frequency_of)


def _calibrated(
    policy: Policy, wanted: float, frequency_of: Callable[[Policy], float]
) -> tuple[Policy, float]:
    """Return the policy that asks as often as is wanted, or nearly, and how often it asks.

    Where its frequency jumps, as that of a measure with few values does, both sides are mixed.
    """

    def eager(eagerness: float) -> Policy:
        return _with_eagerness(policy, eagerness)

    below, above = bisect(lambda eagerness: frequency_of(eager(eagerness)), wanted)
    if below == above:
        return eager(below.eagerness), below.frequency
    if below == NEVER:
        least = eager(below.eagerness)
        below = Found(below.eagerness, frequency_of(least))
        if below.frequency >= wanted:
            return least, below.frequency
    if above == ALWAYS:
        most = eager(above.eagerness)
        return most, frequency_of(most)
    less, more = eager(below.eagerness), eager(above.eagerness)
    if less.uses_draws or more.uses_draws:
        nearer = min(below, above, key=lambda each: abs(each.frequency - wanted))
        return eager(nearer.eagerness), nearer.frequency

    def mixed(share: float) -> Policy:
        return Mixture(first=less, second=more, share=share)

    ends = Found(0.0, below.frequency), Found(1.0, above.frequency)
    found = bisect(lambda share: frequency_of(mixed(share)), wanted, *ends)[0]
    return mixed(found.eagerness), found.frequency


def _chain(policy: Policy) -> Iterator[Policy]:
    """Yield a policy, the one inside it, and so on."""
    yield policy
    if isinstance(policy, Wrapper):
        yield from _chain(policy.inner)


def _tuned(policy: Policy) -> TunablePolicy | None:
    """Return the policy, or the one inside it, for which a frequency is wanted."""
    for each in _chain(policy):
        if isinstance(each, TunablePolicy) and each.target_frequency is not None:
            return each
    return None


def _with_eagerness(policy: Policy, eagerness: float) -> Policy:
    """Return a policy in which the one for which a frequency is wanted is that eager."""
    if isinstance(policy, TunablePolicy) and policy.target_frequency is not None:
        return policy.with_eagerness(eagerness)
    assert isinstance(policy, Wrapper)
    moved: Policy = policy.around(_with_eagerness(policy.inner, eagerness))
    return moved


def _parameter(policy: Policy) -> str | None:
    """Return the key that decides how often a policy asks: the one to be found, or the first."""
    tuned = _tuned(policy)
    keyed = [each for each in _chain(policy) if each.parameter]
    unsettled = [each for each in keyed if not each.is_fitted][-1:]
    first = [*unsettled, *keyed][:1]
    return tuned.parameter if tuned is not None else (first[0].parameter if first else None)


def _value(policy: Policy, parameter: str | None) -> float | None:
    """Return the parameter of a policy or of one inside it, where it is one number."""
    for each in _chain(policy):
        value = getattr(each, parameter or "", None)
        if isinstance(value, int | float) and np.isfinite(value):
            return float(value)
    return None


def _facts(
    policy: Policy,
    *,
    value: float | None = None,
    target: float | None = None,
    calibrated: list[float | None] | None = None,
    frequencies: list[float] | None = None,
) -> dict[str, Any]:
    return {
        "series": policy.series,
        "kind": getattr(policy, "kind", ""),
        "parameter": _parameter(policy),
        "value": value,
        "target_frequency": target,
        "calibrated": calibrated,
        "calibrating_frequency": frequencies or None,
        "reached": target is None or all(abs(each - target) <= NEAR for each in frequencies or ()),
        "bound": policy.is_bound,
    }


def _warn_of_what_was_missed(facts: Mapping[str, Any]) -> None:
    if facts["reached"]:
        return
    reached = " and ".join(f"{each:.1%}" for each in facts["calibrating_frequency"])
    logging.getLogger(__name__).warning(
        "%s cannot ask at %.1f%% of steps: the nearest that it comes on calibrating users is %s",
        facts["series"],
        100 * facts["target_frequency"],
        reached,
    )
