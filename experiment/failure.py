"""Why a point of a sweep has no result."""

import traceback
from dataclasses import dataclass
from typing import Self

from experiment.refusals import refusal_of


@dataclass(frozen=True)
class Failure:
    """Why a point of a sweep has no result; plain values, so that it crosses processes.

    Attributes:
        error: the class of what was raised.
        key: the dotted key of the scenario that it is about; empty where it is about none.
        message: what went wrong, on one line.
        traceback: where, for a mistake of the program; empty for what the user can mend.
        mendable: whether the user can mend it.
    """

    error: str
    key: str
    message: str
    traceback: str
    mendable: bool

    @classmethod
    def of(cls, error: Exception) -> Self:
        """Return what is to be recorded of an error."""
        name = type(error).__name__
        refusal = refusal_of(error, "")
        if refusal is not None:
            where = f"{refusal.source}: " if isinstance(error, OSError) else ""
            return cls(name, refusal.key, _on_one_line(where + refusal.message), "", mendable=True)
        trace = "".join(traceback.format_exception(error))
        last = "".join(traceback.format_exception_only(error)).strip().splitlines() or [name]
        return cls(name, "", _on_one_line(last[-1]), trace, mendable=False)

    @classmethod
    def killed(cls) -> Self:
        """Return what is to be recorded of a point whose process ended without a word."""
        message = (
            "the process that worked on it was killed, most likely for lack of memory; give fewer "
            "--jobs, or a smaller scenario"
        )
        return cls("KilledProcess", "", message, "", mendable=False)

    def __str__(self) -> str:
        return f"{self.key}: {self.message}" if self.key else self.message


def _on_one_line(text: str) -> str:
    return " ".join(text.split())
