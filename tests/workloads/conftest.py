import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The directory of real data sets; tests that need it skip where it does not exist."""
    fallback = Path(__file__).resolve().parents[2].parent / "shared" / "data"
    path = Path(os.environ.get("LSC_DATA", fallback))
    if not path.is_dir():
        pytest.skip(f"no data sets at {path} (LSC_DATA)")
    return path
