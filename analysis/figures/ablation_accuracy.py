"""The accuracy of every setting and every way to order items, with intervals over users."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes

from analysis import dots, theme
from analysis.ablation import METRICS, Ablation, Row, Setting
from analysis.drawing import Drawing, canvas, frame_values, in_file_name, name_y_axis
from analysis.intervals import Estimate
from analysis.metrics import HEADLINE
from analysis.numerals import count, intervals_over
from analysis.verdict import in_word

#: Settings drawn side by side; where there are more, an axis of theirs becomes panels.
MOST_SERIES = 4
MOST_PANELS = 8

NAME = HEADLINE.upper()

#: How a way looks that gives the same under every setting of a panel.
CONSTANT = theme.Style("muted", "d", "-", filled=False)


@dataclass(frozen=True)
class Panel:
    """Settings that share axes: what they have in common, and each with its other levels."""

    title: str
    settings: tuple[tuple[str, Setting], ...]


def draw(ablation: Ablation) -> Drawing:
    """Draw NDCG@10: a row per way to order items, a marker per setting."""
    every_panel = panels(ablation.settings)
    shown = every_panel[:MOST_PANELS]
    series = list(dict.fromkeys(label for panel in shown for label, _ in panel.settings))
    styles = {label: theme.style_of_setting(place) for place, label in enumerate(series)}
    entries = list(styles.items()) if len(series) > 1 else []
    if any(_has_constant(ablation, panel) for panel in shown):
        words = "all of them" if len(shown) == 1 else "all settings of the panel"
        entries.append((f"the same under {words}", CONSTANT))
    height_in = 0.6 + dots.rows_height_in(len(ablation.ways), len(series))
    with canvas(
        0.3 + 0.19 * len(entries) + height_in * len(shown), rows=len(shown), sharex=True
    ) as (figure, all_axes):
        for axes, panel in zip(all_axes, shown, strict=True):
            _panel(axes, ablation, panel, styles)
        from_zero = _frame(all_axes[0], ablation)
        if entries:
            dots.key(figure, entries)
    cut = len(every_panel) - len(shown)
    seeds = f", the mean of {ablation.replications} seeds" if ablation.replications > 1 else ""
    return Drawing(
        in_file_name("ablation_accuracy", ablation.name),
        f"What each part brings on {ablation.name}",
        figure,
        table(ablation),
        f"Each marker is a mean over {count(ablation.interactions)} interactions{seeds}. "
        f"{intervals_over(ablation.users)} Bars that overlap say little: the "
        f"tables compare on the same users."
        + ("" if from_zero else " The axis does not start at 0.")
        + (f" {cut} more panels are only in the table." if cut > 0 else ""),
        f"Dot plot of {NAME} on {ablation.name} for {len(ablation.ways)} ways to order items under "
        f"{len(ablation.settings)} settings; the table that follows has all values.",
        "from analysis import ablation, sweep_records; "
        "from analysis.figures import ablation_accuracy; "
        f'ablation_accuracy.draw(ablation.of_sweep(sweep_records.read("."))[{ablation.position}])',
    )


def panels(settings: Sequence[Setting]) -> list[Panel]:
    """Divide settings into panels, by the axes of fewest levels, until few are side by side."""
    axes = range(len(settings[0].levels))
    levels = [{setting.levels[axis] for setting in settings} for axis in axes]
    together = list(axes)
    while len(together) > 1 and len({_pick(each, together) for each in settings}) > MOST_SERIES:
        together.remove(min(together, key=lambda axis: len(levels[axis])))
    apart = [axis for axis in axes if axis not in together]
    found: dict[str, list[tuple[str, Setting]]] = {}
    for setting in settings:
        found.setdefault(_pick(setting, apart), []).append((_pick(setting, together), setting))
    return [Panel(title, tuple(members)) for title, members in found.items()]


def _pick(setting: Setting, axes: Sequence[int]) -> str:
    return ", ".join(setting.levels[axis] for axis in axes)


def _panel(axes: Axes, ablation: Ablation, panel: Panel, styles: dict[str, theme.Style]) -> None:
    for row, way in enumerate(ablation.ways):
        if ablation.is_constant(way, [setting for _, setting in panel.settings]):
            any_setting = Row(panel.settings[0][1], way)
            dots.dot(axes, ablation.mean(any_setting), dots.place(row, 0, 1), CONSTANT)
            continue
        for place, (label, setting) in enumerate(panel.settings):
            if ablation.has(Row(setting, way)):
                height = dots.place(row, place, len(panel.settings))
                dots.dot(axes, ablation.mean(Row(setting, way)), height, styles[label])
    dots.name_rows(axes, ablation.ways, [way in ablation.fused for way in ablation.ways])
    axes.tick_params(axis="x", labelbottom=True)
    name_y_axis(axes, ", ".join(part for part in (NAME, panel.title) if part))


def _has_constant(ablation: Ablation, panel: Panel) -> bool:
    settings = [setting for _, setting in panel.settings]
    return any(ablation.is_constant(way, settings) for way in ablation.ways)


def _frame(axes: Axes, ablation: Ablation) -> bool:
    estimates = [ablation.mean(row) for row in ablation.rows]
    lows = [e.value if e.low is None else e.low for e in estimates]
    highs = [e.value if e.high is None else e.high for e in estimates]
    return frame_values(axes.set_xlim, lows, highs)


def table(ablation: Ablation) -> pd.DataFrame:
    """Return every row's means and its paired differences to the reference."""
    rows = []
    for row in ablation.rows:
        for metric in METRICS:
            mean = ablation.mean(row, metric)
            gain = _difference(ablation, row, metric)
            rows.append(
                {
                    "setting": row.setting.label,
                    "order": row.way,
                    "metric": metric,
                    "mean": mean.value,
                    "low": mean.low,
                    "high": mean.high,
                    "minus reference": gain.value,
                    "difference low": gain.low,
                    "difference high": gain.high,
                    "verdict": "reference" if row == ablation.reference else in_word(gain),
                }
            )
    frame = pd.DataFrame(rows)
    return frame.drop(columns="setting") if len(ablation.settings) < 2 else frame


def _difference(ablation: Ablation, row: Row, metric: str) -> Estimate:
    return ablation.difference(row, ablation.reference, metric)
