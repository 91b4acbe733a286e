"""Tables on disk are tables like others."""

import errno
import mmap
import os

import numpy as np
import pytest

from workloads import disk_tables


@pytest.fixture(params=[0, 1 << 40], ids=["on disk", "in memory"])
def from_bytes(request, monkeypatch, tmp_path):
    monkeypatch.setenv("LSC_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(disk_tables, "FROM_BYTES", request.param)
    return request.param


@pytest.mark.usefixtures("from_bytes")
def test_a_table_keeps_what_is_written_also_when_its_memory_is_let_go(tmp_path):
    table = disk_tables.zeros((1000, 3), np.float32)
    table[:] = np.arange(3000).reshape(1000, 3)
    disk_tables.let_go(table[10:, 1])
    np.testing.assert_array_equal(table, np.arange(3000).reshape(1000, 3))
    # Nothing of it has a name that a killed program would leave behind.
    assert not list(tmp_path.glob("cache/*"))


def base_of(table):
    while isinstance(table, np.ndarray):
        table = table.base
    return getattr(table, "obj", table)


def test_a_large_table_is_on_disk_and_a_small_one_is_not(from_bytes):
    table = disk_tables.zeros((10, 2))
    assert isinstance(base_of(table), mmap.mmap) == (from_bytes == 0)
    assert not table.any()


def test_what_the_disk_has_no_room_for_is_in_memory(monkeypatch, tmp_path):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setenv("LSC_CACHE", str(tmp_path))
    monkeypatch.setattr(disk_tables, "FROM_BYTES", 0)
    monkeypatch.setattr(os, "posix_fallocate", full)
    assert base_of(disk_tables.zeros(4)) is None


@pytest.mark.usefixtures("from_bytes")
def test_rows_are_taken_in_the_order_that_is_asked_for():
    rows = np.array([[("a", 1.0)], [("b", 2.0)], [("c", 3.0)]], [("name", "U1"), ("value", float)])
    taken = disk_tables.taken(rows, np.array([2, 0, 2]))
    assert taken["name"].ravel().tolist() == ["c", "a", "c"]


def test_where_the_cache_is_no_directory_a_table_is_in_memory(monkeypatch, tmp_path):
    monkeypatch.setenv("LSC_CACHE", str(tmp_path / "file" / "cache"))
    (tmp_path / "file").write_text("no directory")
    monkeypatch.setattr(disk_tables, "FROM_BYTES", 0)
    table = disk_tables.zeros(4)
    table[:] = 7.0
    disk_tables.let_go(table)
    assert table.tolist() == [7.0] * 4
