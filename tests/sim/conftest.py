import os
from pathlib import Path

import pytest
from random_networks import TRACES_MS


@pytest.fixture(scope="session")
def trace_dir() -> Path:
    """The directory of recorded traces; tests that need it skip where it does not exist."""
    fallback = Path(__file__).resolve().parents[2].parent / "shared" / "traces" / "mahimahi"
    path = Path(os.environ.get("LSC_TRACES", fallback))
    if not path.is_dir():
        pytest.skip(f"no traces at {path} (LSC_TRACES)")
    return path


@pytest.fixture(scope="session")
def traces(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Paths of the traces `TRACES_MS`, by name."""
    folder = tmp_path_factory.mktemp("traces")
    for name, times_ms in TRACES_MS.items():
        (folder / name).write_text("".join(f"{time_ms}\n" for time_ms in times_ms))
    return {name: str(folder / name) for name in TRACES_MS}
