"""The figure of consistency by list age shows a threshold only on the scale that it is drawn on."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from matplotlib.text import Text

from analysis import records
from analysis.figures import consistency_by_age


@pytest.mark.parametrize(
    ("policy", "told"),
    [
        ({"kind": "consistency", "threshold": 0.4}, ["asks below 0.4"]),
        ({"kind": "consistency", "measure": "footrule", "threshold": 0.4}, ["asks below 0.4"]),
        ({"kind": "consistency", "measure": "kendall", "threshold": 0.4}, []),
        ({"kind": "consistency", "threshold": {"quantile": 0.3}}, []),
        ({"kind": "consistency", "threshold": None, "target_frequency": 0.2}, []),
        ({"kind": "uncertainty", "threshold": 0.4}, []),
    ],
)
def test_a_threshold_is_drawn_where_it_is_one_of_this_consistency(
    run_dir: Path, policy: dict[str, Any], told: list[str]
) -> None:
    run = records.read(run_dir)
    drawing = consistency_by_age.draw(replace(run, scenario={**run.scenario, "policy": policy}))
    assert drawing is not None
    texts = [text.get_text() for text in drawing.figure.findobj(Text)]
    assert "unrelated orders" in texts
    assert [text for text in texts if text.startswith("asks below")] == told
