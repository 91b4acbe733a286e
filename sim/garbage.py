"""Python's search for cycles of garbage, and how to do without it for a while."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collecting_no_garbage() -> Iterator[None]:
    """Let Python look for no cycles of garbage meanwhile: it would at moments that nobody chose."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
