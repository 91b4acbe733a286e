"""The trade-off of a sweep: accuracy against what it costs, a line with a band per policy."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis import emphasis, swept_words, theme
from analysis.costs import COSTS, FREQUENCY, Cost
from analysis.drawing import Drawing, canvas, name_y_axis
from analysis.figures.trade_off_panel import Look, TradeOffPanel
from analysis.numerals import count, intervals_over
from analysis.sweep_records import SweepRecords

#: More facets than this are only in the table, and more than `MOST_WIDE` stand two in a row.
MOST_PANELS = 12
MOST_WIDE = 2

#: Characters of a panel's title that surely fit, beside the accuracy's name or alone in a half.
TITLE_FITS, HALF_TITLE_FITS = 48, 26


def draw(sweep: SweepRecords, cost: Cost = FREQUENCY) -> Drawing | None:
    """Draw accuracy against a cost, a line per series; None where the cost never varies."""
    settings = with_cost(sweep, cost)
    if settings is None:
        return None
    facets = [facet for facet in sweep.facets if (settings["facet"] == facet).any()][:MOST_PANELS]
    styles = theme.styles_of_policies(sweep.kinds)
    costs = (float(settings["cost"].min()), float(settings["cost"].max()))
    look = Look(emphasis.emphasised(sweep), styles, cost, costs, len(facets))
    panels = [
        TradeOffPanel(panel, settings[settings["facet"] == panel.facet], look)
        for panel in sweep.panels
        if panel.facet in facets
    ]
    wide = len(panels) <= MOST_WIDE
    figure, whole = _one(panels[0]) if len(panels) == 1 else _several(sweep, panels, wide)
    return Drawing(
        cost.name,
        cost.title,
        figure,
        _table(settings, cost, sweep.metric),
        _caption(sweep, settings, cost, whole),
        f"{cost.title}: lines of {len(settings)} settings for the policies "
        f"{', '.join(sorted(settings['series'].unique()))}; the table that follows has all values.",
        _code(sweep, cost),
    )


def with_cost(sweep: SweepRecords, cost: Cost) -> pd.DataFrame | None:
    """Return the settings with their `cost` and whether they are on the Pareto front.

    None where the sweep does not know the cost or it is the same everywhere.
    """
    values = cost.of(sweep.settings)
    if values is None:
        return None
    settings = sweep.settings.assign(cost=values).dropna(subset=["cost", "accuracy"])
    if settings["cost"].nunique() < 2:
        return None
    return settings.assign(pareto=_pareto(settings))


def _pareto(settings: pd.DataFrame) -> list[bool]:
    """Return, per setting that is no bound, that none in its facet is cheaper and as accurate."""
    facet = pd.factorize(settings["facet"])[0]
    cost = settings["cost"].to_numpy(dtype=np.float64)
    accuracy = settings["accuracy"].to_numpy(dtype=np.float64)
    real = ~settings["bound"].to_numpy(dtype=bool)
    marks = []
    for row in range(len(settings)):
        rivals = real & (facet == facet[row])
        no_worse = (cost <= cost[row]) & (accuracy >= accuracy[row])
        better = (cost < cost[row]) | (accuracy > accuracy[row])
        marks.append(bool(real[row]) and not bool((rivals & no_worse & better).any()))
    return marks


def _one(panel: TradeOffPanel) -> tuple[Figure, bool]:
    """Draw the only panel, with a strip above it for a bound that is far above all else."""
    strip = panel.bound_is_far
    rows, heights = (2, [1, 4.2]) if strip else (1, [1])
    with canvas(5.3 if strip else 4.4, rows=rows, sharex=True, height_ratios=heights) as (
        figure,
        axes,
    ):
        whole = panel.draw(axes[-1])
        panel.name_references(axes[-1])
        panel.write_key(figure, axes[-1])
        if strip:
            panel.draw_strip(axes[0], axes[-1])
        name_y_axis(axes[0], panel.metric_name)
        axes[-1].set_xlabel(panel.look.cost.axis)
    return figure, whole


def _several(
    sweep: SweepRecords, panels: Sequence[TradeOffPanel], wide: bool
) -> tuple[Figure, bool]:
    columns = 1 if wide else 2
    rows = -(-len(panels) // columns)
    same_users = not any(key.startswith("workload") for key in sweep.swept)
    key_rows = -(-len(panels[0].key_entries) // 2)
    height = 0.9 + 0.22 * key_rows + (3.4 if wide else 2.3) * rows
    fits = TITLE_FITS if wide else HALF_TITLE_FITS
    titles = swept_words.shortened([panel.panel.facet for panel in panels], fits)
    with canvas(height, rows=rows, columns=columns, sharex=True, sharey=same_users) as (
        figure,
        axes,
    ):
        whole = [panel.draw(each) for panel, each in zip(panels, axes, strict=False)]
        if same_users:
            limits = [panel.limits for panel in panels]
            axes[0].set_ylim(min(low for low, _ in limits), max(high for _, high in limits))
        for panel, each, title in zip(panels, axes, titles, strict=False):
            panel.name_references(each, beside=wide)
            name_y_axis(each, f"{panel.metric_name}, {title}" if wide else title)
        for each in axes[len(panels) :]:
            each.set_visible(False)
        figure.supxlabel(panels[0].look.cost.axis, fontsize=10, color=theme.colour("muted"))
        panels[0].write_key(figure)
    return figure, all(whole)


def _code(sweep: SweepRecords, cost: Cost) -> str:
    name = next(name for name, each in COSTS.items() if each is cost)
    return (
        "from analysis import costs; from analysis.figures import trade_off; "
        "from analysis.sweep_records import read; "
        f"trade_off.draw({sweep.code}, costs.{name})"
    )


def _caption(sweep: SweepRecords, settings: pd.DataFrame, cost: Cost, whole: bool) -> str:
    drawn = sweep.panels[:MOST_PANELS]
    rest = len(sweep.panels) - len(drawn)
    cut = f" {rest} more panels are only in the table." if rest > 0 else ""
    start = "" if whole else " The vertical axis does not start at 0."
    if cost is not FREQUENCY:
        return (
            f"{_known(sweep, settings)}. Lines go from fewest to most requests. Rings: no setting "
            f"is both cheaper and more accurate.{start}{cut}"
        )
    seeds = settings["ids"].map(len)
    interactions = float((settings["interactions"] * seeds.clip(lower=1)).max())
    several = sweep.replications > 1
    band = intervals_over(max(panel.users for panel in drawn), "Bands and bars").rstrip(".")
    apart = " Bands can overlap where the paired differences below tell policies apart."
    return (
        f"Each marker is one of {count(int(settings['swept'].sum()))} swept settings, or the never "
        f"or always world of the same runs, which are the ends of every line; on "
        f"{count(interactions)} interactions{' of all seeds together' if several else ''}. {band}"
        f"{', all seeds of a user taken together' if several else ''}."
        f"{apart if len(sweep.series) > 1 else ''} Rings mark the Pareto front "
        f"by point estimates: no setting is both cheaper and more accurate.{_thin(sweep)}"
        f"{_BOUND if settings['bound'].any() else ''}{start}{cut}"
    )


def _known(sweep: SweepRecords, settings: pd.DataFrame) -> str:
    """Say how many swept settings have a cost."""
    known, whole = (int(each["swept"].sum()) for each in (settings, sweep.settings))
    if known < whole:
        return f"{count(known)} of the {count(whole)} settings; others have none"
    return f"The same {count(known)} settings"


def _thin(sweep: SweepRecords) -> str:
    coloured = emphasis.emphasised(sweep)
    series = {series for panel in sweep.panels for series in panel.contenders}
    grey = sorted(series - set(coloured))
    return f" Thin grey lines: {', '.join(grey)}." if grey else ""


_BOUND = (
    " The dashed hindsight bound knows in advance which lists will rank the next item well, luck "
    "included; no policy can reach it."
)


def _table(settings: pd.DataFrame, cost: Cost, metric: str) -> pd.DataFrame:
    columns = {
        "series": "policy",
        "parameters": "parameters",
        "facet": "setting",
        "cost": cost.axis.partition(":")[0],
        "accuracy": metric,
        "low": "low",
        "high": "high",
        "pareto": "on the Pareto front",
    }
    table = settings[list(columns)].rename(columns=columns)
    for empty in ("setting", "parameters"):
        if (table[empty] == "").all():
            table = table.drop(columns=empty)
    table["on the Pareto front"] = np.where(table["on the Pareto front"], "yes", "")
    return table
