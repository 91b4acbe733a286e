"""Policies that can be told how often to ask: by their own parameter or by a wanted frequency."""

from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from workloads.settings import invalid

from .policy import Policy


class TunablePolicy(Policy):
    """A policy whose parameter decides how often it asks.

    Either the parameter is given or a `target_frequency`, for which the parameter is then found by
    calibration. For that a subclass maps its parameter onto an *eagerness* in [0, 1], which grows
    with how often the policy asks: about never at 0, at every step at 1.
    """

    parameter: ClassVar[str]

    target_frequency: float | None = Field(default=None, gt=0, lt=1)
    """Wanted requests per interaction of the whole run; takes the place of the policy's own
    parameter, which is calibrated on other users."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Let the parameter and the wanted frequency exclude each other."""
        super().__init_subclass__(**options)
        if "exclusive" not in vars(cls):
            cls.exclusive = ((cls.parameter, "target_frequency"),)

    @model_validator(mode="after")
    def _says_how_often(self) -> Self:
        if not any(self._given(group) for group in self.exclusive):
            first, *others = self.exclusive[0]
            raise invalid(f"is missing; give it, or {' or '.join(others)}", first)
        return self

    @property
    def is_adjustable(self) -> bool:
        """It is, but for a bound, which is planned."""
        return not self.is_bound

    @property
    def wants_frequency(self) -> bool:
        """Whether a frequency takes the place of the parameter."""
        return self.target_frequency is not None

    @property
    def own(self) -> Any:
        """The policy's parameter.

        Raises:
            ValueError: it has not been calibrated yet.
        """
        value = getattr(self, self.parameter)
        if not isinstance(value, int | float):
            raise ValueError(f"{self.parameter} is {value!r}: to be calibrated first")
        return value

    @property
    def eagerness(self) -> float:
        """How eager the policy is with its parameter, in [0, 1]."""
        raise NotImplementedError

    def with_eagerness(self, eagerness: float) -> Policy:
        """Return the policy that is that eager."""
        raise NotImplementedError

    def with_own(self, value: Any) -> Self:
        """Return the policy with another value of its parameter."""
        kept = {name: getattr(self, name) for name in self.model_fields_set}
        kept.pop("target_frequency", None)
        return type(self)(**{**kept, self.parameter: value})
