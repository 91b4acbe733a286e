"""Accuracy against request frequency of runs that are compared."""

import pandas as pd

from analysis import theme
from analysis.comparison import FREQUENCY, ComparedRun, Comparison
from analysis.drawing import Drawing, EndLabel, canvas, frame_values, name_y_axis, write_end_labels
from analysis.intervals import MIN_USERS, Estimate
from analysis.metrics import HEADLINE
from analysis.numerals import count

#: Longer labels would leave no room for the figure.
LONGEST = 18


def draw(compared: Comparison) -> Drawing:
    """Draw each run as a point, with 95% intervals of both its accuracy and its frequency."""
    means = [(run.mean(FREQUENCY), run.mean(HEADLINE)) for run in compared.runs]
    with canvas(3.6) as (figure, (axes,)):
        for position, (frequency, accuracy) in enumerate(means):
            style = theme.style_of_setting(position)
            look = {"color": theme.colour(style.role), "linewidth": 2.0}
            x, y = _ends(frequency), _ends(accuracy)
            axes.plot(x, [accuracy.value] * 2, **look)  # type: ignore[arg-type]
            axes.plot([frequency.value] * 2, y, **look)  # type: ignore[arg-type]
            axes.plot([frequency.value], [accuracy.value], color=look["color"], marker=style.marker)
        from_zero = frame_values(
            axes.set_ylim, *zip(*(_ends(accuracy) for _, accuracy in means), strict=True)
        )
        frame_values(axes.set_xlim, *zip(*(_ends(each) for each, _ in means), strict=True))
        axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
        axes.set_xlabel("requests / interactions")
        name_y_axis(axes, f"{HEADLINE.upper()}, mean over interactions")
        write_end_labels(axes, _labels(compared, means))
    directories = [str(run.directory.resolve()) for run in compared.runs]
    zero = "" if from_zero else " The vertical axis does not start at 0."
    return Drawing(
        "compared_runs",
        "Accuracy and requests",
        figure,
        _table(compared.runs, means),
        f"{count(len(means))} runs. Bars are 95% intervals over the users of each "
        f"(none of fewer than {MIN_USERS}). Bars that overlap say little of runs on the same "
        f"users: the differences below are paired where they can be.{zero}",
        f"Accuracy against request frequency of {len(means)} runs; all values are in the table.",
        made_by=(
            "from analysis import comparison; from analysis.figures import compared_runs; "
            f"compared_runs.draw(comparison.read({directories}))"
        ),
    )


def _ends(estimate: Estimate) -> tuple[float, float]:
    if estimate.low is None or estimate.high is None:
        return estimate.value, estimate.value
    return estimate.low, estimate.high


def _labels(compared: Comparison, means: list[tuple[Estimate, Estimate]]) -> list[EndLabel]:
    return [
        EndLabel(accuracy.value, _shortened(run.label), theme.style_of_setting(position))
        for position, (run, (_, accuracy)) in enumerate(zip(compared.runs, means, strict=True))
    ]


def _shortened(label: str) -> str:
    return label if len(label) <= LONGEST else f"\u2026{label[1 - LONGEST :]}"


def _table(runs: tuple[ComparedRun, ...], means: list[tuple[Estimate, Estimate]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "run": run.label,
                "users": len(run.by_user),
                "interactions": int(run.by_user["interactions"].sum()),
                FREQUENCY: frequency.value,
                f"{FREQUENCY}_low": frequency.low,
                f"{FREQUENCY}_high": frequency.high,
                HEADLINE: accuracy.value,
                f"{HEADLINE}_low": accuracy.low,
                f"{HEADLINE}_high": accuracy.high,
            }
            for run, (frequency, accuracy) in zip(runs, means, strict=True)
        ]
    )
