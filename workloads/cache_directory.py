"""Where everything is kept that need not be made anew."""

import os
from pathlib import Path

import platformdirs

APPLICATION = "device-cloud-testbed"


def cache_directory() -> Path:
    """Return the directory that `LSC_CACHE` names, else that of the user's cache."""
    named = os.environ.get("LSC_CACHE")
    return Path(named) if named else Path(platformdirs.user_cache_dir(APPLICATION))
