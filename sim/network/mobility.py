"""Mobility: devices go from network to network, and through places without any."""

from collections.abc import Sequence
from typing import ClassVar, Literal, Self

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
    schedules: dict[str, ScheduleOfSome] | None = None
    """Instead of `markov`: schedules of several groups of devices, by names of your own."""

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
                    "differs from network.framing; packets are the same in all regimes",
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
            shares = sum(each.share for each in self.schedules.values())
            if abs(shares - 1) > 1e-9:
                raise invalid(f"have shares that add up to {shares:g}, not to 1", "schedules")
        elif self.markov is None:
            raise invalid("says not when regimes change: give markov, schedule or schedules")
        return self

    def links(
        self, seed: int, devices: int, steps: int, disturbances: Sequence[Disturbance] = ()
    ) -> Links:
        """Draw every device's bandwidths; changes and latencies are drawn as they come."""
        return changing_links(
            [network.regime(name, seed, devices, steps) for name, network in self.regimes.items()],
            self._changes(seed, devices),
            disturbances,
            self.framing,
            seed,
            devices,
        )

    def _changes(self, seed: int, devices: int) -> RegimeChanges:
        names = (*self.regimes, NO_COVERAGE)
        if self.markov is not None:
            return MarkovChanges(self.markov, names, seed, devices)
        if self.schedules is not None:
            return ScheduledChanges(tuple(self.schedules.values()), names, seed, devices)
        of_all = ScheduleOfSome(share=1.0, schedule=self.schedule or ())
        return ScheduledChanges((of_all,), names, seed, devices)
