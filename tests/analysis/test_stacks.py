"""Stacked parts: each starts where the one before it ends."""

import numpy as np

from analysis import stacks
from analysis.drawing import canvas
from analysis.stacks import Part

PARTS = (
    Part("contents", np.array([1.0, 4.0]), "blue"),
    Part("headers", np.array([2.0, 0.5]), "orange", "///"),
)


def test_areas_lie_upon_one_another() -> None:
    with canvas(2.0) as (figure, (axes,)):
        total = stacks.areas(axes, np.array([0.0, 10.0, 20.0]), PARTS)
        stacks.key(figure, axes, columns=2)
    assert total.tolist() == [3.0, 4.5]
    lower, upper = (patch.get_data() for patch in axes.patches)
    assert lower.values.tolist() == [1.0, 4.0]
    assert upper.baseline.tolist() == [1.0, 4.0]
    assert upper.values.tolist() == [3.0, 4.5]
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["contents", "headers"]


def test_bars_lie_end_to_end_the_first_on_top() -> None:
    with canvas(2.0) as (_, (axes,)):
        lengths = stacks.bars(axes, PARTS)
        stacks.name_bars(axes, ["up", "down"], lengths, ["3 B", "4.5 B"], room=2.0)
    assert lengths.tolist() == [3.0, 4.5]
    spans = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in axes.patches]
    assert spans == [(0.0, 1.0), (0.0, 4.0), (1.0, 3.0), (4.0, 4.5)]
    height = dict(zip(axes.get_yticks(), axes.get_yticklabels(), strict=True))
    assert height[max(height)].get_text() == "up"
    assert axes.get_xlim() == (0.0, 9.0)
    assert [(text.get_text(), text.xy) for text in axes.texts] == [
        ("3 B", (3.0, 1)),
        ("4.5 B", (4.5, 0)),
    ]
