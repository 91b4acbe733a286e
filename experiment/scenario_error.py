"""The one error that a user can mend by editing a scenario or a command line."""


class ScenarioError(Exception):
    """A scenario that cannot be run as it is written.

    Attributes:
        source: the file (or other origin) that is wrong.
        key: dotted path of the key that is wrong; empty where the whole file is.
        message: what is wrong, and what is accepted.
    """

    def __init__(self, source: str, key: str, message: str) -> None:
        self.source = source
        self.key = key
        self.message = message
        super().__init__(source, key, message)

    def __str__(self) -> str:
        return ": ".join(part for part in (self.source, self.key, self.message) if part)
