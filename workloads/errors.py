"""What the user can mend about a workload."""


class WorkloadError(Exception):
    """A data set or workload setting that cannot be used.

    Attributes:
        key: the scenario key to look at.
    """

    def __init__(self, message: str, key: str = "workload.dataset") -> None:
        super().__init__(message)
        self.key = key
