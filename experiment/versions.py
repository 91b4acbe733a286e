"""The versions of everything that computes a result, this program among them."""

import hashlib
import importlib.metadata
import platform
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from workloads.library_versions import library_versions

LIBRARIES = (
    "device-cloud-testbed",
    "matplotlib",
    "numba",
    "numpy",
    "pandas",
    "pyarrow",
    "pydantic",
    "safetensors",
    "scikit-learn",
    "scipy",
    "simpy",
    "torch",
    "transformers",
)
PACKAGES = ("workloads", "models", "sim", "analysis", "experiment")
SOURCE_SUFFIXES = (".py", ".yaml", ".j2", ".css")


def versions() -> dict[str, str]:
    """Return the versions of Python, of this program and of the libraries it depends on."""
    found = {"python": platform.python_version(), "source": source_hash()[:12]}
    for library in LIBRARIES:
        try:
            found |= library_versions([library])
        except importlib.metadata.PackageNotFoundError:
            found[library] = "not installed"
    return found


@cache
def source_hash() -> str:
    """Return the SHA-256 (hex) of this program's own files: its version, to the letter."""
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*")):
            if path.suffix in SOURCE_SUFFIXES:
                digest.update(path.relative_to(root).as_posix().encode() + b"\0")
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def changed_versions(then: Mapping[str, str]) -> tuple[str, ...]:
    """Return what has another version now than in the versions of a manifest, in words."""
    names = {"source": "this program", "device-cloud-testbed": "this program"}
    changed = (key for key, version in versions().items() if then.get(key) != version)
    return tuple(dict.fromkeys(names.get(key, key) for key in changed))
