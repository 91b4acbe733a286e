"""Policies whose parameter is a whole number of steps."""

import math

from .mixture import Mixture
from .policy import Policy
from .tunable import TunablePolicy

MOST_STEPS = 2**20
"""Longer than any session."""


class WholeNumberPolicy(TunablePolicy):
    """Asks the oftener the smaller its number of steps is; between two numbers it mixes both."""

    @property
    def eagerness(self) -> float:
        """1 / steps."""
        return 1.0 / float(self.own)

    def with_eagerness(self, eagerness: float) -> Policy:
        """Return the policy of that eagerness, a mixture where that is no whole number of steps."""
        steps = min(1.0 / eagerness, MOST_STEPS) if eagerness > 0 else MOST_STEPS
        fewer, share = math.floor(steps), steps - math.floor(steps)
        if not share:
            return self.with_own(fewer)
        return Mixture(first=self.with_own(fewer), second=self.with_own(fewer + 1), share=share)
