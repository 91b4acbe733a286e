"""What the versions of a result are versions of."""

import re
import tomllib
from pathlib import Path

from experiment.versions import versions

#: Dependencies that bring data and pages about, and compute no number.
CARRIERS = {"huggingface-hub", "jinja2", "joblib", "platformdirs", "pyyaml", "rich"}


def test_every_library_that_computes_is_among_them():
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    declared = {re.match(r"[\w-]+", each)[0] for each in project["dependencies"]}
    assert declared - CARRIERS == versions().keys() - {"python", "source", project["name"]}
