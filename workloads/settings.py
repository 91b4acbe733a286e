"""The base of every typed, immutable settings class."""

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """Settings of one part: frozen, no unknown keys, no silent type conversions.

    Validated once, when a scenario is read. Each package owns the settings of its part and derives
    them from this class.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True, allow_inf_nan=True
    )
