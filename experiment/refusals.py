"""What goes wrong and the user can mend, told apart from mistakes of the program."""

import errno

from experiment.scenario_error import ScenarioError
from models.errors import ModelError
from workloads.errors import BrokenMember, WorkloadError

STORAGE_ERRORS = {
    errno.EACCES,
    errno.EDQUOT,
    errno.EEXIST,
    errno.EISDIR,
    errno.ENAMETOOLONG,
    errno.ENOSPC,
    errno.ENOTDIR,
    errno.EPERM,
    errno.EROFS,
}


def refusal_of(error: Exception, source: str) -> ScenarioError | None:
    """Return what a user is told of an error; None where it is a mistake of the program.

    Args:
        error: whatever was raised.
        source: the scenario's file, named where the error itself names no other.
    """
    match error:
        case ScenarioError():
            return error
        case WorkloadError() | ModelError():
            return ScenarioError(source, error.key, str(error))
        case BrokenMember():
            return ScenarioError(error.file, "", f"cannot be imported: {error.message}")
        case OSError() if error.errno in STORAGE_ERRORS:
            return ScenarioError(str(error.filename or source), "", f"{error.strerror}")
        case _:
            return None
