"""What a model is built for and trained on."""

from dataclasses import dataclass

from workloads.interaction_log import InteractionLog
from workloads.splits import Split


@dataclass(frozen=True)
class Corpus:
    """A log, the part of it that a model may learn from, and how far back it reads.

    Attributes:
        log: the interactions and their catalogue.
        split: which interactions train and which validate.
        history: interactions before a window that the model is given as context.
    """

    log: InteractionLog
    split: Split
    history: int

    @property
    def items(self) -> int:
        """Items in the catalogue."""
        return len(self.log.catalogue)

    @property
    def positions(self) -> int:
        """The longest context: the history and the longest window that grows from it."""
        calibration = int((self.split.replay_start - self.split.calibration_start).max(initial=0))
        return self.history + max(self.split.replay_steps, calibration)
