"""Generate the synthetic log."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from workloads import draws
from workloads.interaction_log import InteractionLog
from workloads.progress import SILENT, Progress
from workloads.synthetic.crowd import Crowd
from workloads.synthetic.settings import SyntheticSettings
from workloads.synthetic.shelves import catalogue, shelves

EPOCH_S = 1_735_689_600.0
"""Logged times begin on 1 January 2025, 00:00 UTC."""


def generate(settings: SyntheticSettings, seed: int, progress: Progress = SILENT) -> InteractionLog:
    """Generate a log of users with drifting interests.

    A user has `interests_per_user` interests: a category each, liked with a weight of its own, and
    a taste within it. At every interaction one interest may drift: another category and taste take
    its place. The user stays with the interest of the last interaction (`stickiness`) or draws one
    by weight, and takes one of its items with probability proportional to appeal times
    exp(`taste_strength` * <taste, traits>), where the taste is a unit vector and the traits are
    standard normal. Some interactions follow appeal alone (`exploration`). Nobody takes an
    item twice. Every draw depends on the seed, the user and the number of the interaction alone.

    Args:
        settings: what to generate.
        seed: `workload.seed`.
        progress: told of the interactions generated.

    Returns:
        The log, with times in whole seconds that increase strictly within a user.
    """
    items = shelves(settings, seed)
    lengths = _lengths(settings, seed)
    crowd = Crowd(settings, seed, items)
    taken = np.zeros((settings.users, lengths.max()), np.int32)
    with progress.phase("generate interactions", float(lengths.sum())) as advance:
        for step in range(lengths.max()):
            active = np.flatnonzero(lengths > step)
            taken[active, step] = crowd.take(step, active)
            advance(len(active))
    made = np.arange(lengths.max()) < lengths[:, None]
    return InteractionLog(
        name="synthetic",
        user_keys=tuple(str(user + 1) for user in range(settings.users)),
        offsets=np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
        items=taken[made],
        times_s=_times_s(settings, seed, lengths.max())[made],
        catalogue=catalogue(settings, seed, items),
    )


def _lengths(settings: SyntheticSettings, seed: int) -> NDArray[np.int64]:
    """Draw each user's number of interactions: the minimum plus a lognormal excess, cut above."""
    normal = ndtri(draws.uniform(seed, "length", 0, settings.users))
    excess = (settings.length_median - settings.length_min) * np.exp(normal)
    lengths: NDArray[np.int64] = np.rint(settings.length_min + excess).astype(np.int64)
    return np.minimum(lengths, settings.length_max)


def _times_s(settings: SyntheticSettings, seed: int, steps: int) -> NDArray[np.float64]:
    """Draw the times of all interactions: float64, shape [users, steps], whole seconds."""
    users = settings.users
    first_s = settings.arrival_spread_s * draws.uniform(seed, "arrival", 0, users)
    normal = draws.standard_normal_table(seed, "gap", users, steps - 1)
    pauses = draws.uniform_table(seed, "pause", users, steps - 1)
    gap_s = settings.gap_median_s * np.exp(settings.gap_sigma * normal)
    pause_s = settings.pause_median_s * np.exp(settings.pause_sigma * normal)
    between_s = np.where(pauses < 1 / settings.session_length_mean, pause_s, gap_s)
    times_s = np.empty((users, steps))
    times_s[:, 0] = EPOCH_S + np.ceil(first_s)
    times_s[:, 1:] = np.ceil(between_s)  # at least 1 s, so that times increase strictly
    return np.cumsum(times_s, axis=1)
