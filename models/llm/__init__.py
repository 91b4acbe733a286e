"""Large language models (LLMs), which run in the cloud; one file each."""

from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from models.architecture import Architecture
from models.knowledge_cutoff import in_words


def _iso_date(value: Any) -> Any:
    """Return a date as text; refuse text that is none."""
    if isinstance(value, date):
        return date.isoformat(value)
    if isinstance(value, str):
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError:
            raise ValueError(
                "must be a fraction in (0, 1] or an ISO date such as 1998-03-31"
            ) from None
    return value


class LlmSettings(Architecture):
    """The base of every LLM's settings."""

    trained_until: Annotated[
        Annotated[float, Field(gt=0, le=1)] | str | None, BeforeValidator(_iso_date)
    ] = None
    """How far into the training data its weights reach, as a real LLM's knowledge cut-off: null
    for all of it, a fraction of each user's training part, or an ISO date (before it). Lists are
    still generated from the newest history."""

    @property
    def knowledge(self) -> str:
        """How much of the training data it learns from, in words."""
        if self.trained_until is None:
            return super().knowledge
        return in_words(self.trained_until)

    def identity(self) -> dict[str, Any]:
        """Return what the weights depend on; the cut-off is in the split that they train on."""
        return {
            name: value for name, value in super().identity().items() if name != "trained_until"
        }
