"""What a sweep's points are called: whose curve each is on, and where on it, in words."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from analysis import swept_words
from analysis.records import read_yaml

#: Swept keys that replicate a setting: their points are taken together.
REPLICATES = ("seed", "models.seed")


def labelled(points: pd.DataFrame, directory: Path, swept: tuple[str, ...]) -> pd.DataFrame:
    """Return the points with columns that say what each is; others are as they were.

    Args:
        points: the columns of `sweep.parquet`.
        directory: of the sweep.
        swept: the swept keys.

    Returns:
        Besides, `kind` of the request policy; `series`, its name without the parameter that moves
        along the curve (its kind, where an older program wrote the sweep); `bound`, whether it
        knows what no device knows; `policy`, the swept values of the policy, in words;
        `parameters`, those beside the series; `target`, the request frequency that was wanted or
        NaN; `reached`, whether it could be; and `facet`, the swept values that are no policy's and
        no seed, in words.

    Raises:
        RecordsError: a point's scenario is missing or malformed.
    """
    policy_keys = [key for key in swept if section(key) == "policy"]
    facet_keys = [key for key in swept if key not in policy_keys and key not in REPLICATES]
    rows = points.to_dict("records")
    kinds = [_kind(directory, str(point)) for point in points["id"]]
    words = [_parameters_in_words(row, policy_keys) for row in rows]
    return points.assign(
        kind=kinds,
        series=[_series(row, kind) for row, kind in zip(rows, kinds, strict=True)],
        bound=[
            bool(_of_policy(row, "bound", kind == "hindsight"))
            for row, kind in zip(rows, kinds, strict=True)
        ],
        policy=words,
        parameters=[_parameters(row, each) for row, each in zip(rows, words, strict=True)],
        target=pd.Series([_of_policy(row, "target_frequency") for row in rows], dtype="float64"),
        reached=[bool(_of_policy(row, "reached", True)) for row in rows],
        facet=[swept_words.of_values({key: row[key] for key in facet_keys}) for row in rows],
    )


def section(key: str) -> str:
    """Return the section of the scenario that a key is of; a seed is its own."""
    return key if key in REPLICATES else key.partition(".")[0]


def _kind(directory: Path, point: str) -> str:
    scenario = read_yaml(directory / "points" / point / "scenario.yaml")
    return str(scenario.get("policy", {}).get("kind", "policy"))


def _of_policy(row: Mapping[Any, Any], name: str, otherwise: Any = None) -> Any:
    """Return what the summary's block `request_policy` says; older summaries have none."""
    value = row.get(f"request_policy.{name}")
    return value if swept_words.is_given(value) else otherwise


def _series(row: Mapping[Any, Any], kind: str) -> str:
    return str(_of_policy(row, "series", kind)).replace("_", " ")


def _parameters(row: Mapping[Any, Any], words: str) -> str:
    """Return where a point is on its series' curve: what was wanted, or the one parameter."""
    target = _of_policy(row, "target_frequency")
    if target is not None:
        return f"at {100 * float(target):g}% wanted"
    name, value = _of_policy(row, "parameter"), _of_policy(row, "value")
    if name is not None and isinstance(value, int | float):
        return f"{str(name).replace('_', ' ')} {value:.4g}"
    return words


def _parameters_in_words(row: Mapping[Any, Any], keys: Iterable[str]) -> str:
    """Return the swept parameters of a policy; not those that its kind does not know."""
    given = {key: swept_words.plain(row[key]) for key in keys if key != "policy.kind"}
    for key, value in given.items():
        if isinstance(value, Mapping):
            given[key] = {name: inner for name, inner in value.items() if name != "kind"}
    return swept_words.of_values({key: value for key, value in given.items() if value is not None})
