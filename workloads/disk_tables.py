"""Large tables on disk, mapped into memory: what of them is not in use takes none.

They have no name in any directory, and are gone when nothing refers to them any more, or when the
program ends, however it ends.
"""

import mmap
import os
import tempfile
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from workloads.cache_directory import cache_directory

FROM_BYTES = 32 << 20
"""Tables as large as this are on disk."""
_AT_ONCE = 1 << 18


def zeros(shape: int | tuple[int, ...], dtype: DTypeLike = np.float64) -> NDArray[Any]:
    """Return a table of zeros, on disk if it is large and the disk of the cache has room.

    Rows that are never written take no memory.
    """
    entries = int(np.prod(shape))
    size_bytes = entries * np.dtype(dtype).itemsize
    if size_bytes < FROM_BYTES:
        return np.zeros(shape, dtype)
    directory = cache_directory()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory) as file:
            # Reserved at once: where a mapped page finds no room later, the process is killed.
            os.posix_fallocate(file.fileno(), 0, size_bytes)
            content = mmap.mmap(file.fileno(), size_bytes)
    except (OSError, AttributeError):  # no room, or a system that reserves none
        return np.zeros(shape, dtype)
    return np.frombuffer(content, dtype).reshape(shape)


def taken(table: NDArray[Any], rows: NDArray[np.integer]) -> NDArray[Any]:
    """Return some rows of a table, on disk if they are many."""
    chosen = zeros((len(rows), *table.shape[1:]), table.dtype)
    for start in range(0, len(rows), _AT_ONCE):
        block = slice(start, start + _AT_ONCE)
        chosen[block] = table[rows[block]]
        let_go(chosen)
    let_go(table)
    return chosen


def let_go(table: NDArray[Any]) -> None:
    """Let the memory go that a table on disk takes at present; its contents stay."""
    base: Any = table
    while isinstance(base, np.ndarray):
        base = base.base
    content = base.obj if isinstance(base, memoryview) else base
    if isinstance(content, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        content.madvise(mmap.MADV_DONTNEED)
