"""The base of every typed, immutable settings class."""

import difflib
from collections.abc import Iterable
from typing import Any, ClassVar, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

_OTHER_WORDS = {"gpu": "cuda"}
"""What users call an accepted value that is spelt quite differently."""


def invalid(message: str, key: str = "") -> PydanticCustomError:
    """Return the error to raise in a validator: what is wrong, and what is accepted.

    Args:
        message: a clause that follows the key, such as "is 5; must be below min_history".
        key: the key (or dotted path) inside the section that is wrong; empty for the section.
    """
    return PydanticCustomError("invalid", "{message}", {"message": message, "key": key})


def nearest(word: str, known: Iterable[str]) -> str:
    """Return "did you mean ...? " for the known word most like `word`, or nothing."""
    by_lower_case = {each.lower(): each for each in known}
    meant = _OTHER_WORDS.get(word.lower(), word.lower())
    close = difflib.get_close_matches(meant, list(by_lower_case), n=1, cutoff=0.6)
    return f"did you mean {by_lower_case[close[0]]}? " if close else ""


class Settings(BaseModel):
    """Settings of one part: frozen, no unknown keys, no silent type conversions.

    Validated once, when a scenario is read. Each package owns the settings of its part and derives
    them from this class.

    Attributes:
        exclusive: groups of keys of which at most one may be given (null counts as not given).
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        use_attribute_docstrings=True,
        allow_inf_nan=True,
        ser_json_inf_nan="constants",
    )

    exclusive: ClassVar[tuple[tuple[str, ...], ...]] = ()

    def content_hashes(self) -> dict[str, str]:
        """Return the SHA-256 (hex) of what each file holds that these settings name, by key.

        Settings that name files override it; what is in them then decides whether a result is one
        of these settings. Those below others are asked by themselves.
        """
        return {}

    def _given(self, group: tuple[str, ...]) -> list[str]:
        return [
            key for key in group if key in self.model_fields_set and getattr(self, key) is not None
        ]

    @model_validator(mode="after")
    def _at_most_one_of_each_group(self) -> Self:
        for group in self.exclusive:
            given = self._given(group)
            if len(given) > 1:
                raise PydanticCustomError(
                    "exclusive", "give only one of {keys}", {"keys": " and ".join(given)}
                )
        return self

    @model_serializer(mode="wrap")
    def _without_defaults_beside_a_given_key(
        self, handler: SerializerFunctionWrapHandler
    ) -> dict[str, Any]:
        """Leave out what a given key excludes, and what is null beside a default.

        So what was written can be read again, and then is written the same.
        """
        written: dict[str, Any] = handler(self)
        for group in self.exclusive:
            kept = self._given(group) or [key for key in group if written.get(key) is not None]
            for key in set(group) - set(kept):
                written.pop(key, None)
        return written
