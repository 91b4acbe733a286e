import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def trace_dir() -> Path:
    """The directory of recorded traces; tests that need it skip where it does not exist."""
    fallback = Path(__file__).resolve().parents[2].parent / "shared" / "traces" / "mahimahi"
    path = Path(os.environ.get("LSC_TRACES", fallback))
    if not path.is_dir():
        pytest.skip(f"no traces at {path} (LSC_TRACES)")
    return path
