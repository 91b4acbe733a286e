"""One thing that a reader must be told in words."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing to be told.

    Attributes:
        about: the part of the report that it concerns.
        warns: whether it belongs at the top of the report as well.
        headline: in a few words.
        text: in full, with the numbers.
    """

    about: str
    warns: bool
    headline: str
    text: str
