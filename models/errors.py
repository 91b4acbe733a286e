"""Errors of the models that the user can mend."""


class ModelError(Exception):
    """A setting of the models that does not fit the data.

    Attributes:
        message: one line that says what is wrong and what is accepted.
        key: the setting's place in a scenario, as `models.candidates.count`.
    """

    def __init__(self, message: str, key: str) -> None:
        super().__init__(message, key)  # both, so that a worker's error can be unpickled
        self.message = message
        self.key = key

    def __str__(self) -> str:
        return self.message


class NotNumbers(ModelError):
    """Scores of a model that are no numbers: its training has diverged."""

    def __init__(self, message: str | None = None, key: str = "models.training") -> None:
        super().__init__(
            message
            or "its scores are no numbers: a model has diverged in training; accepted: smaller "
            "learning_rates",
            key,
        )
