"""Policies around another policy, which they restrain or encourage."""

from typing import TYPE_CHECKING, Any, Self

from pydantic import model_validator

from workloads.settings import invalid

from .policy import Policy

if TYPE_CHECKING:
    from .calibration_cells import CalibrationCells

    AnyPolicy = Policy


class Wrapper(Policy):
    """Asks where another policy does, with conditions of its own."""

    inner: "AnyPolicy"
    """The policy inside."""

    @model_validator(mode="after")
    def _goes_around_a_policy(self) -> Self:
        if self.inner.is_bound:
            raise invalid("is a bound and no policy of devices; it stands by itself", "inner")
        if super().wants_frequency and self.inner.wants_frequency:
            raise invalid("has a wanted frequency as well; accepted: one of both", "inner")
        return self

    @property
    def wants_frequency(self) -> bool:
        """Whether it or the inner policy does."""
        return super().wants_frequency or self.inner.wants_frequency

    @property
    def signals(self) -> tuple[str, ...]:
        """What the inner policy reads."""
        return self.inner.signals

    @property
    def uses_draws(self) -> bool:
        """Whether the inner policy does."""
        return self.inner.uses_draws

    @property
    def uses_session_draw(self) -> bool:
        """Whether the inner policy does."""
        return self.inner.uses_session_draw

    @property
    def reads_link(self) -> bool:
        """Whether the inner policy does."""
        return self.inner.reads_link

    @property
    def reads_times(self) -> bool:
        """Whether the inner policy does."""
        return self.inner.reads_times

    @property
    def series(self) -> str:
        """Both policies in words."""
        return f"{super().series}: {self.inner.series}"

    @property
    def is_fitted(self) -> bool:
        """Whether the inner policy is."""
        return self.inner.is_fitted

    def fitted(self, cells: "CalibrationCells") -> Policy:
        """Return the same conditions around the fitted inner policy."""
        fitted: Policy = self.around(self.inner.fitted(cells))
        return fitted

    def around(self, inner: Policy) -> Any:
        """Return the same conditions around another policy."""
        kept = {name: getattr(self, name) for name in self.model_fields_set}
        return type(self)(**{**kept, "inner": inner})
