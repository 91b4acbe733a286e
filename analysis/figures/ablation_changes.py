"""What one change to the models brings at equal other settings, paired on users."""

import textwrap
from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes

from analysis import dots, theme
from analysis.ablation import METRICS, Ablation, Change
from analysis.drawing import Drawing, canvas, in_file_name, name_y_axis
from analysis.metrics import HEADLINE
from analysis.numerals import count
from analysis.verdict import in_word

MOST_PANELS = 8

#: What fits above a panel, right of the rows' names.
TITLE_CHARACTERS = 46

NAME = HEADLINE.upper()


def draw(ablation: Ablation) -> Drawing | None:
    """Draw paired differences of NDCG@10, a panel per change; None where nothing changes."""
    changes = ablation.changes()
    if not changes:
        return None
    steps = list(dict.fromkeys(change.step for change in changes))
    shown = steps[:MOST_PANELS]
    elsewhere = list(dict.fromkeys(change.elsewhere for change in changes if change.step in shown))
    styles = {label: theme.style_of_setting(place) for place, label in enumerate(elsewhere)}
    entries = list(styles.items()) if len(elsewhere) > 1 else []
    parts = [[change for change in changes if change.step == step] for step in shown]
    heights = [0.62 + dots.rows_height_in(len(_ways(ablation, p)), len(_places(p))) for p in parts]
    with canvas(
        0.3 + 0.19 * len(entries) + sum(heights),
        rows=len(shown),
        sharex=True,
        height_ratios=heights,
    ) as (figure, all_axes):
        for axes, part in zip(all_axes, parts, strict=True):
            _panel(axes, ablation, part, styles)
        if entries:
            dots.key(figure, entries)
    cut = len(steps) - len(shown)
    return Drawing(
        in_file_name("ablation_changes", ablation.name),
        f"What one change brings on {ablation.name}",
        figure,
        table(ablation),
        f"Differences of {NAME}, paired on {count(ablation.users)} users, between two settings "
        f"that differ in nothing else; right of 0 the change helps. A filled marker: its 95% "
        f"interval excludes 0. With {count(len(changes))} intervals side by side, about 1 in 20 "
        f"would exclude 0 by chance alone."
        + (f" {cut} more changes are only in the table." if cut > 0 else ""),
        f"Dot plot of differences of {NAME} on {ablation.name} for the changes "
        f"{'; '.join(shown)}; the table that follows has all values.",
        "from analysis import ablation, sweep_records; "
        "from analysis.figures import ablation_changes; "
        f'ablation_changes.draw(ablation.of_sweep(sweep_records.read("."))[{ablation.position}])',
    )


def _panel(
    axes: Axes, ablation: Ablation, part: Sequence[Change], styles: dict[str, theme.Style]
) -> None:
    ways, places = _ways(ablation, part), _places(part)
    axes.axvline(0, color=theme.colour("ink"), linewidth=1.1, zorder=1)
    for change in part:
        gain = ablation.difference(change.after, change.before)
        told = gain.above_zero or gain.below_zero
        height = dots.place(
            ways.index(change.after.way), places.index(change.elsewhere), len(places)
        )
        dots.dot(axes, gain, height, styles[change.elsewhere], filled=told)
    dots.name_rows(axes, ways, [way in ablation.fused for way in ways])
    axes.tick_params(axis="x", labelbottom=True)
    name_y_axis(axes, textwrap.fill(part[0].step, TITLE_CHARACTERS))


def _ways(ablation: Ablation, part: Sequence[Change]) -> list[str]:
    return [way for way in ablation.ways if any(change.after.way == way for change in part)]


def _places(part: Sequence[Change]) -> list[str]:
    return list(dict.fromkeys(change.elsewhere for change in part))


def table(ablation: Ablation) -> pd.DataFrame:
    """Return the paired difference of every change, by both metrics."""
    rows = []
    for change in ablation.changes():
        for metric in METRICS:
            gain = ablation.difference(change.after, change.before, metric)
            rows.append(
                {
                    "change": change.step,
                    "order": change.after.way,
                    "elsewhere": change.elsewhere,
                    "metric": metric,
                    "difference": gain.value,
                    "low": gain.low,
                    "high": gain.high,
                    "verdict": in_word(gain),
                }
            )
    frame = pd.DataFrame(rows)
    return frame.drop(columns="elsewhere") if (frame["elsewhere"] == "").all() else frame
