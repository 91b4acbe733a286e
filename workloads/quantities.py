"""Numbers as settings take them: bounded, with their unit in the name."""

from typing import Annotated

from pydantic import Field, FiniteFloat

Seconds = Annotated[FiniteFloat, Field(ge=0)]
"""A duration in seconds, possibly none."""

PositiveSeconds = Annotated[FiniteFloat, Field(gt=0)]
"""A duration in seconds that cannot be none."""

Share = Annotated[float, Field(ge=0, le=1)]
"""A part of a whole, or a probability: 0 and 1 are possible."""

Fraction = Annotated[float, Field(gt=0, lt=1)]
"""A part of a whole that is neither nothing nor everything."""

PositiveInteger = Annotated[int, Field(ge=1)]
"""A whole number of at least 1."""
