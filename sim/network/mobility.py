"""Mobility: devices go from network to network, and through places without any."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from sim.network.changing_links import changing_links
from sim.network.disturbances import Disturbance
from sim.network.links import Links
from sim.network.loss import LossSettings
from sim.network.markov import MarkovChanges, MarkovSettings
from sim.network.network import Network
from sim.network.preset import PresetNetwork
from sim.network.regimes import NO_COVERAGE, RegimeChanges
from sim.network.schedule import Schedule, ScheduledChanges, ScheduleOfSome, check_schedule
from workloads.settings import invalid


class MobilityNetwork(Network):
    """Each device is in one of several regimes at a time, each of them a network of its own.

    A transfer that is crossing when the regime changes goes on at the new speed, after the
    promotion of the new radio where that is another one. In the regime `none` there is no coverage:
    what is crossing or sent waits until there is.
    """

    kind: Literal["mobility"]
    regimes: dict[str, PresetNetwork] = Field(min_length=1)
    """The networks, by names of your own, as one `preset` or figures each; besides them there is
    always the regime `none`: no coverage."""
    markov: MarkovSettings | None = None
    """Changes by chance."""
    schedule: Schedule | None = None
    """Instead of `markov`: the changes of all devices."""
    schedules: dict[str, ScheduleOfSome] | None = Field(default=None, min_length=1)
    """Instead of `markov`: schedules of several groups of devices, by names of your own; all by
    `share` or all by `device_class`."""

    exclusive: ClassVar[tuple[tuple[str, ...], ...]] = (("markov", "schedule", "schedules"),)

    @model_validator(mode="after")
    def _regimes_are_known_and_changes_given(self) -> Self:
        if NO_COVERAGE in self.regimes:
            raise invalid(
                "is the name of no coverage, and always there; give networks other names",
                f"regimes.{NO_COVERAGE}",
            )
        for key, default in (("radio", "none"), ("loss", LossSettings())):
            if getattr(self, key) != default:
                raise invalid(f"belongs into each regime: give regimes.NAME.{key}", key)
        for name, regime in self.regimes.items():
            if regime.framing != self.framing:
                raise invalid(
                    "differs from network.framing; packets are the same in all regimes: give "
                    "the same framing beside regimes and in each of them, or nowhere",
                    f"regimes.{name}.framing",
                )
        named = {
            "markov.mean_s": [] if self.markov is None else list(self.markov.mean_s),
            "schedule": [change.regime for change in self.schedule or ()],
            **{
                f"schedules.{name}.schedule": [change.regime for change in each.schedule]
                for name, each in (self.schedules or {}).items()
            },
        }
        for key, names in named.items():
            unknown = [name for name in names if name not in (*self.regimes, NO_COVERAGE)]
            if unknown:
                known = ", ".join((*self.regimes, NO_COVERAGE))
                raise invalid(f"names regime {unknown[0]!r}; there are {known}", key)
        if self.schedule is not None:
            check_schedule(self.schedule, "schedule")
        elif self.schedules is not None:
            _check_followers(self.schedules)
        elif self.markov is None:
            raise invalid("says not when regimes change: give markov, schedule or schedules")
        return self

    def links(
        self,
        seed: int,
        devices: int,
        steps: int,
        disturbances: Sequence[Disturbance] = (),
        classes: NDArray[np.str_] | None = None,
    ) -> Links:
        """Draw every device's bandwidths; changes and latencies are drawn as they come."""
        names = np.full(devices, "") if classes is None else classes
        return changing_links(
            [network.regime(name, seed, devices, steps) for name, network in self.regimes.items()],
            self._changes(seed, names),
            disturbances,
            self.framing,
            seed,
            devices,
        )

    def wrong_classes(self, classes: Sequence[str]) -> tuple[str, str] | None:
        """Return the key that does not fit a fleet of these hardware classes, and what is wrong."""
        by_class = {name: each for name, each in (self.schedules or {}).items() if each.classes}
        for name, each in by_class.items():
            if unknown := [kind for kind in each.classes if kind not in classes]:
                known = f"has {', '.join(classes)}" if classes else "gives no classes"
                message = f"names class {unknown[0]!r}; the section devices {known}"
                return f"schedules.{name}.device_class", message
        followed = {kind for each in by_class.values() for kind in each.classes}
        if by_class and (left := [kind for kind in classes if kind not in followed]):
            return (
                "schedules",
                f"leave out class {left[0]!r}; each of devices.classes must be in one",
            )
        return None

    def _changes(self, seed: int, classes: NDArray[np.str_]) -> RegimeChanges:
        names = (*self.regimes, NO_COVERAGE)
        if self.markov is not None:
            return MarkovChanges(self.markov, names, seed, len(classes))
        if self.schedules is not None:
            return ScheduledChanges(tuple(self.schedules.values()), names, seed, classes)
        of_all = ScheduleOfSome(share=1.0, schedule=self.schedule or ())
        return ScheduledChanges((of_all,), names, seed, classes)


def _check_followers(schedules: Mapping[str, ScheduleOfSome]) -> None:
    """Refuse schedules of which it is not clear who follows which."""
    shares = [each.share for each in schedules.values() if each.share is not None]
    if not shares:
        named: dict[str, str] = {}
        for name, each in schedules.items():
            for kind in each.classes:
                if kind in named:
                    message = f"names class {kind!r}, which follows {named[kind]} already"
                    raise invalid(message, f"schedules.{name}.device_class")
                named[kind] = name
    elif len(shares) < len(schedules):
        raise invalid("must go all by share, or all by device_class", "schedules")
    elif abs(sum(shares) - 1) > 1e-9:
        raise invalid(f"have shares that add up to {sum(shares):g}, not to 1", "schedules")
