"""What the user can mend about a workload, or about a file of a family."""


class WorkloadError(Exception):
    """A data set or workload setting that cannot be used.

    Attributes:
        key: the scenario key to look at.
    """

    def __init__(self, message: str, key: str = "workload.dataset") -> None:
        super().__init__(message)
        self.key = key


class BrokenMember(Exception):
    """A file of a family that cannot be imported.

    Attributes:
        file: its path.
        message: what is wrong, with the line where it is known.
    """

    def __init__(self, file: str, message: str) -> None:
        self.file = file
        self.message = message
        super().__init__(file, message)
