"""What one device still has, battery and operations, and which of its steps it re-ranks."""

from sim.device.compute_budget import ComputeBudget
from sim.radio.meter import RadioMeter
from sim.retraining.device_training import DeviceTraining
from sim.world import World


class Reserves:
    """The charge and the compute budget of one device, asked at its decisions, one after the other.

    Charge at a decision = charge at the start of the session - idle power x time since then - what
    scoring cost so far - what training cost that has begun - what the radio has cost so far
    (`RadioMeter`). It never rises, and is never below 0.

    Args:
        world: settings of batteries and budgets.
        device: whose.
        meter: counts what the radio costs.
        training: the device's own training; None where there is none.
    """

    def __init__(
        self, world: World, device: int, meter: RadioMeter, training: DeviceTraining | None
    ) -> None:
        devices, phone = world.hardware, world.phones.of(device)
        self._device = device
        self._meter = meter
        self._training = training
        self._battery = devices.battery
        self._idle_w = phone.idle_power_w
        self._scoring_flops = world.scoring_flops
        self._scoring_is_charged = devices.budget_covers == "all"
        self._scoring_j = phone.active_power_w * world.phones.scoring_s_of(device)
        self._training_j = 0.0 if training is None else phone.active_power_w * training.training_s
        self._budget: ComputeBudget = (
            devices.compute_budget() if training is None else training.budget
        )
        self._full_j = phone.battery_j
        self._start_s = float(world.sessions.start_s[device])
        self._start_j = self._full_j * float(world.battery_start_shares[device])
        self._charge_j = self._start_j
        self._scorings = 0

    @staticmethod
    def matter_in(world: World) -> bool:
        """Tell whether there is anything in a world that devices can run out of for scoring."""
        return world.hardware.battery is not None or world.hardware.budget_covers == "all"

    @property
    def share(self) -> float:
        """The charge when it was last looked at, as a share of a full battery."""
        return self._charge_j / self._full_j

    @property
    def empty(self) -> bool:
        """Whether the battery was empty when it was last looked at, so that the phone is off."""
        return self._battery is not None and not self._charge_j

    def allow(self, step: int, decision_s: float) -> bool:
        """Tell whether the device re-ranks at a step; if so, take what that costs."""
        if self._battery is not None:
            self.drain(decision_s)
            if not self._battery.allows(self.share, step):
                return False
        if self._scoring_is_charged and not self._budget.spend(decision_s, self._scoring_flops):
            return False
        self._scorings += 1
        return True

    def score_anew(self, now_s: float) -> None:
        """Take what it costs to score the list that a step waited for."""
        if self._scoring_is_charged:
            self._budget.owe(now_s, self._scoring_flops)
        self._scorings += 1

    def drain(self, now_s: float) -> None:
        """Look at the charge at `now_s`, not before the last look."""
        trainings = 0 if self._training is None else self._training.begun
        used_j = (
            self._idle_w * (now_s - self._start_s)
            + self._scoring_j * self._scorings
            + self._training_j * trainings
            + self._meter.energy_j(self._device, now_s)
        )
        self._charge_j = min(self._charge_j, max(self._start_j - used_j, 0.0))
