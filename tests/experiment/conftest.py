"""A cache that all tests of this folder share, so that models train once."""

import pytest

from experiment.directories import Directories


@pytest.fixture(scope="session")
def directories(tmp_path_factory):
    return Directories(data=None, cache=tmp_path_factory.mktemp("cache"))
