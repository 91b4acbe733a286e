"""What a simulation leaves behind: columns for interactions and requests, and what was trained."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from operator import attrgetter
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from sim.client.request import NEVER_S, Answer, Outcome, Request
from sim.cloud.records import CloudRecords
from sim.network_records import NetworkRecords
from sim.outcome_table import OutcomeTable
from sim.retraining.adaptation import AdaptedModels, AdaptedOutcome


class RankedBy(IntEnum):
    """Who ordered a list that was shown."""

    FUSION = 0
    """The LLM and the SRM together (popularity alone, where that made the list)."""
    LLM = 1
    """The list's own order: the device could not afford to score it."""


@dataclass(frozen=True)
class InteractionRecords:
    """Every interaction of the fleet; all arrays have the shape [devices, steps].

    Steps after a user left for good never happened; there the other columns hold 0.

    Attributes:
        happened: bool; the user was still there.
        decision_s: float64; when the device decided.
        shown_s: float64; when the list was shown.
        held_row: int16; row in the outcome table of the list held at the decision.
        shown_row: int16; row of the list shown.
        requested: bool; the policy was consulted, asked, and a request was sent.
        suppressed: bool; a request was outstanding, so the policy was not consulted.
        held_back: bool; the policy was consulted and asked, but the circuit breaker was open.
        version: int16; of the SRM's parameters in force at the decision; 0 is what was shipped.
        ranked_by: int8; a `RankedBy`; who ordered what was shown.
        battery_share: float32; the charge at the decision, as a share of a full battery; shape
            [devices, 0] where there are no batteries.
    """

    happened: NDArray[np.bool_]
    decision_s: NDArray[np.float64]
    shown_s: NDArray[np.float64]
    held_row: NDArray[np.int16]
    shown_row: NDArray[np.int16]
    requested: NDArray[np.bool_]
    suppressed: NDArray[np.bool_]
    held_back: NDArray[np.bool_]
    version: NDArray[np.int16]
    ranked_by: NDArray[np.int8]
    battery_share: NDArray[np.float32]

    @classmethod
    def empty(
        cls, lived_steps: NDArray[np.int64], steps: int, *, batteries: bool = False
    ) -> "InteractionRecords":
        """Make columns for devices that live through so many of `steps` steps each."""
        shape = devices, _ = (len(lived_steps), steps)
        return cls(
            happened=np.arange(steps) < lived_steps[:, None],
            decision_s=np.zeros(shape),
            shown_s=np.zeros(shape),
            held_row=np.zeros(shape, dtype=np.int16),
            shown_row=np.zeros(shape, dtype=np.int16),
            requested=np.zeros(shape, dtype=bool),
            suppressed=np.zeros(shape, dtype=bool),
            held_back=np.zeros(shape, dtype=bool),
            version=np.zeros(shape, dtype=np.int16),
            ranked_by=np.zeros(shape, dtype=np.int8),
            battery_share=np.zeros((devices, steps if batteries else 0), np.float32),
        )

    @property
    def interactions(self) -> int:
        """How many steps happened."""
        return int(np.count_nonzero(self.happened))

    @property
    def last_decision_s(self) -> NDArray[np.float64]:
        """When each device decided for the last time: float64, shape [devices]."""
        return self._at_last_step(self.decision_s)

    @property
    def last_shown_s(self) -> NDArray[np.float64]:
        """When each device showed its last list: float64, shape [devices]."""
        return self._at_last_step(self.shown_s)

    def _at_last_step(self, column: NDArray[np.float64]) -> NDArray[np.float64]:
        last_step = np.count_nonzero(self.happened, axis=1) - 1
        at_last_step: NDArray[np.float64] = column[np.arange(len(column)), last_step]
        return at_last_step

    @property
    def scorings(self) -> NDArray[np.int64]:
        """How often each device scored a list: int64, shape [devices].

        Once at every step that it re-ranked, and once more where it had waited for the list.
        """
        scored = self.happened & (self.ranked_by == RankedBy.FUSION)
        rescored = scored & (self.shown_row != self.held_row)
        scorings: NDArray[np.int64] = scored.sum(axis=1) + rescored.sum(axis=1)
        return scorings

    @property
    def horizon_s(self) -> float:
        """End of the simulation: the last list of the last session is shown."""
        return float(self.last_shown_s.max())

    def rank(self, table: OutcomeTable, user: NDArray[np.int64]) -> NDArray[np.integer]:
        """Return the next item's rank in what was shown (0: a miss): shape [devices, steps]."""
        return _cells(table.rank, table, user, self.shown_row)

    def consistency(self, table: OutcomeTable, user: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the held list's consistency at each decision: shape [devices, steps]."""
        return _cells(table.consistency, table, user, self.held_row)


def _cells(
    column: NDArray[np.generic],
    table: OutcomeTable,
    user: NDArray[np.int64],
    row: NDArray[np.int16],
) -> NDArray:  # type: ignore[type-arg]
    cell = table.cell_offset[row] + np.arange(table.steps)
    return np.asarray(column[user[:, None], cell])


@dataclass(frozen=True)
class RequestRecords:
    """Every request of the fleet in the order of device and step; all arrays have one entry each.

    Times are those of the attempt whose reply ended the request, else of the last one; those that
    never came are infinite. What came after the end of the simulation never came.

    Attributes:
        device, step: int32, int16; who asked, when.
        sent_s, arrived_cloud_s, service_start_s, service_end_s: float64.
        reply_s: float64; arrival of the reply or rejection, even if too late.
        bytes_up, bytes_down: int64; of all attempts.
        batch_size: int32; 0 if never served.
        answer: int8; the reply that arrived, an `Answer`.
        attempts: int16.
        retry_wait_s: float64; how long the device waited between failed attempts and the next ones.
        ended_s: float64; when the device had the list, or gave up.
        outcome: int8; an `Outcome`.
    """

    device: NDArray[np.int32]
    step: NDArray[np.int16]
    sent_s: NDArray[np.float64]
    arrived_cloud_s: NDArray[np.float64]
    service_start_s: NDArray[np.float64]
    service_end_s: NDArray[np.float64]
    reply_s: NDArray[np.float64]
    bytes_up: NDArray[np.int64]
    bytes_down: NDArray[np.int64]
    batch_size: NDArray[np.int32]
    answer: NDArray[np.int8]
    attempts: NDArray[np.int16]
    retry_wait_s: NDArray[np.float64]
    ended_s: NDArray[np.float64]
    outcome: NDArray[np.int8]

    @property
    def received_s(self) -> NDArray[np.float64]:
        """When the device took the reply or rejection: infinite where it never did."""
        taken = np.isin(self.outcome, (Outcome.DELIVERED, Outcome.SUPERSEDED, Outcome.REJECTED))
        return np.where(taken, self.reply_s, NEVER_S)

    @classmethod
    def collect(cls, requests: list[Request], horizon_s: float) -> "RequestRecords":
        """Turn finished requests into columns, leaving out what lies after `horizon_s`."""
        ordered = sorted(requests, key=lambda request: (request.device, request.step))
        decisive = [request.decisive for request in ordered]

        def column(rows: Sequence[object], name: str, dtype: type) -> NDArray:  # type: ignore[type-arg]
            return np.fromiter(map(attrgetter(name), rows), dtype=dtype, count=len(rows))

        def times(rows: Sequence[object], name: str) -> NDArray[np.float64]:
            time_s = column(rows, name, np.float64)
            return np.where(time_s <= horizon_s, time_s, NEVER_S)

        service_start_s, reply_s = times(decisive, "service_start_s"), times(decisive, "reply_s")
        ended_s = times(ordered, "ended_s")
        outcome = column(ordered, "outcome", np.int8)
        outcome[ended_s == NEVER_S] = Outcome.IN_FLIGHT
        attempts = [attempt for request in ordered for attempt in request.attempts]
        of = np.repeat(np.arange(len(ordered)), [len(request.attempts) for request in ordered])
        sent_s = column(attempts, "sent_s", np.float64)
        sent, answered = sent_s <= horizon_s, times(attempts, "answered_s") < NEVER_S
        again = sent & (column(attempts, "number", np.int16) > 0)
        waited_s = sent_s[again] - column(attempts, "failed_s", np.float64)[np.roll(again, -1)]

        def total(row: NDArray[np.intp], values: NDArray[Any]) -> NDArray[Any]:
            return np.bincount(row, values, minlength=len(ordered))

        return cls(
            device=column(ordered, "device", np.int32),
            step=column(ordered, "step", np.int16),
            sent_s=column(ordered, "sent_s", np.float64),
            arrived_cloud_s=times(decisive, "arrived_cloud_s"),
            service_start_s=service_start_s,
            service_end_s=times(decisive, "service_end_s"),
            reply_s=reply_s,
            bytes_up=total(of, sent * column(attempts, "bytes_up", np.int64)).astype(np.int64),
            bytes_down=total(of, answered * column(attempts, "bytes_down", np.int64)).astype(
                np.int64
            ),
            batch_size=np.where(
                service_start_s <= horizon_s, column(decisive, "batch_size", np.int32), 0
            ),
            answer=np.where(
                reply_s <= horizon_s, column(decisive, "answer", np.int8), np.int8(Answer.NOTHING)
            ),
            attempts=total(of, sent).astype(np.int16),
            retry_wait_s=total(of[again], waited_s),
            ended_s=ended_s,
            outcome=outcome,
        )


@dataclass(frozen=True, slots=True)
class Training:
    """One training of the SRM along the run.

    Attributes:
        device: whose; -1 is the cloud.
        version: which version of the parameters it made.
        start_s, end_s: when.
    """

    device: int
    version: int
    start_s: float
    end_s: float


@dataclass(slots=True)
class Push:
    """Weights on their way to one device.

    Attributes:
        device: whose.
        version: which version of the parameters.
        start_s: when the download began.
        size_bytes: size.
        received_s: when its last byte arrived; infinite until then.
    """

    carries_parameters: ClassVar[bool] = True
    number: ClassVar[int] = 0

    device: int
    version: int
    start_s: float
    size_bytes: int
    received_s: float = NEVER_S

    @property
    def step(self) -> int:
        """What tells it from the device's other pushes, in the order of messages and in draws."""
        return self.version


@dataclass(slots=True)
class TrainingLog:
    """What was trained and pushed, as it happens.

    Attributes:
        trainings, pushes: in any order.
        skipped_for_budget: trainings that a device's compute budget did not allow.
        skipped_while_training: trainings that were due before the last one had ended.
    """

    trainings: list[Training] = field(default_factory=list)
    pushes: list[Push] = field(default_factory=list)
    skipped_for_budget: int = 0
    skipped_while_training: int = 0

    @property
    def training_s(self) -> float:
        """How long all trainings took together."""
        return sum(each.end_s - each.start_s for each in self.trainings)

    def on_devices_s(self, devices: NDArray[np.bool_]) -> float:
        """Return how long those on some devices took: bool, shape [devices]."""
        return sum(
            each.end_s - each.start_s
            for each in self.trainings
            if each.device >= 0 and devices[each.device]
        )

    def close(self, interactions: InteractionRecords) -> "TrainingLog":
        """Return it without what came too late for anybody, in the order of time and device.

        A training is too late after the end of the simulation, a push after the device's last
        decision.
        """
        last_s = interactions.last_decision_s
        trainings = [each for each in self.trainings if each.start_s <= interactions.horizon_s]
        pushes = [each for each in self.pushes if each.start_s <= last_s[each.device]]
        return TrainingLog(
            sorted(trainings, key=lambda each: (each.start_s, each.device)),
            sorted(pushes, key=lambda each: (each.start_s, each.device)),
            self.skipped_for_budget,
            self.skipped_while_training,
        )


@dataclass(frozen=True)
class AdaptationRecords:
    """What became of weights that change along the run.

    Attributes:
        log: what was trained and pushed.
        outcome: what devices showed with the parameters in force.
    """

    log: TrainingLog
    outcome: AdaptedOutcome

    @classmethod
    def of(
        cls, log: TrainingLog, interactions: InteractionRecords, models: AdaptedModels
    ) -> "AdaptationRecords":
        """Return what became of the trainings in a finished simulation."""
        return cls(
            log.close(interactions),
            models.outcome(interactions.version, interactions.held_row, interactions.shown_row),
        )


@dataclass(frozen=True)
class SimulationResult:
    """Everything that a simulated world leaves behind.

    Attributes:
        interactions, requests: the records.
        cloud: what became of the cloud's replicas and of the attempts that reached it.
        events: events that the clock scheduled.
        energy_j: what the fleet spent, by state: `compute` and the radio's `radio_promotion`,
            `radio_transfer`, `radio_tail`; and `idle` where the hardware has idle power.
        network: the bytes on the links, coverage over time, and radio energy by radio.
        adaptation: what was trained along the run, and shown with it; None where nothing was.
    """

    interactions: InteractionRecords
    requests: RequestRecords
    cloud: CloudRecords
    events: int
    energy_j: dict[str, float]
    network: NetworkRecords
    adaptation: AdaptationRecords | None = None

    @property
    def pushed_bytes(self) -> int:
        """Bytes of parameters that devices downloaded."""
        pushes = () if self.adaptation is None else self.adaptation.log.pushes
        return sum(push.size_bytes for push in pushes)

    @property
    def simulated_s(self) -> float:
        """Length of the simulated time."""
        return self.interactions.horizon_s

    def rank(
        self, table: OutcomeTable, llm_table: OutcomeTable, user: NDArray[np.int64]
    ) -> NDArray[Any]:
        """Return the next item's rank in what was shown.

        Args:
            table: the outcome table of the world.
            llm_table: that in which the LLM alone orders lists.
            user: int64, shape [devices].

        Returns:
            int, shape [devices, steps]; 0 is a miss. What never happened means nothing.
        """
        own_order = self.interactions.ranked_by == RankedBy.LLM
        if self.adaptation is not None:
            rank = self.adaptation.outcome.rank
        else:
            rank = self.interactions.rank(table, user)
        if not own_order.any():
            return rank
        return np.where(own_order, self.interactions.rank(llm_table, user), rank)

    def srm_rank(self, srm_table: OutcomeTable, user: NDArray[np.int64]) -> NDArray[Any]:
        """Return the next item's rank if the SRM alone had ordered what was shown.

        Args:
            srm_table: the outcome table in which it does, with the shipped parameters.
            user: int64, shape [devices].

        Returns:
            int, shape [devices, steps]; 0 is a miss.
        """
        if self.adaptation is not None:
            return self.adaptation.outcome.srm_rank
        return self.interactions.rank(srm_table, user)

    def consistency(self, table: OutcomeTable, user: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the held list's consistency at each decision; nan where it was not scored.

        Returns:
            float32, shape [devices, steps]. What never happened means nothing.
        """
        own_order = self.interactions.ranked_by == RankedBy.LLM
        if self.adaptation is not None:
            consistency = self.adaptation.outcome.consistency
        else:
            consistency = self.interactions.consistency(table, user)
        if not own_order.any():
            return consistency
        return np.where(own_order, np.float32(np.nan), consistency)
