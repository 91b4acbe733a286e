"""The report of one run: what happened, whether it could matter, what it gave and what it cost."""

import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from analysis import (
    by_class,
    frequency,
    model_cards,
    overridden,
    page,
    records,
    run_costs,
    simulated,
    tables,
    theme,
    verdict,
)
from analysis.drawing import Drawing
from analysis.figures import (
    accuracy_baselines,
    accuracy_by_thirds,
    attempts_over_time,
    cloud_load,
    consistency_between_users,
    consistency_by_age,
    coverage_over_time,
    energy_by_state,
    freshness_curve,
    gain_by_consistency,
    list_age,
    outcomes_over_time,
    request_placement,
    response_over_time,
    response_parts,
    response_time,
    traffic,
    who_ranked,
)
from analysis.findings.run import all_findings
from analysis.metrics import HEADLINE
from analysis.numerals import (
    NOTHING,
    count,
    percent_with_interval,
    seconds,
    seconds_with_interval,
    with_interval,
)
from analysis.records import RunRecords
from analysis.tables import Table

FIGURES: tuple[Callable[[RunRecords], Drawing | None], ...] = (
    freshness_curve.draw,
    consistency_by_age.draw,
    accuracy_baselines.draw,
    accuracy_by_thirds.draw,
    list_age.draw,
    gain_by_consistency.draw,
    consistency_between_users.draw,
    who_ranked.draw,
    request_placement.draw,
    response_time.draw,
    response_parts.draw,
    traffic.draw,
    energy_by_state.draw,
    response_over_time.draw,
    cloud_load.draw,
    attempts_over_time.draw,
    outcomes_over_time.draw,
    coverage_over_time.draw,
)

NAME = HEADLINE.upper()


@dataclass(frozen=True)
class KeyNumber:
    """One of the three numbers that matter: its name, value, interval and count."""

    name: str
    value: str
    interval: str
    basis: str


def write(directory: Path, *, png: bool = True) -> Path:
    """Write `report.html` and `figures/` of the run in `directory` and return the page's path.

    Raises:
        RecordsError: if the directory's files are not those of a run.
    """
    run = records.read(directory)
    drawings = {d.name: d for draw in FIGURES if (d := draw(run)) is not None}
    figures = directory / "figures"
    figures.mkdir(exist_ok=True)
    for drawing in drawings.values():
        drawing.save(figures, png=png)
    path = directory / "report.html"
    page.write_whole(path, html(run, drawings, png=png))
    return path


def html(run: RunRecords, drawings: Mapping[str, Drawing], *, png: bool = True) -> str:
    """Return the page of a run, given its figures by name and whether there are PNG files too."""
    found = all_findings(run)
    return page.render(
        "run.html.j2",
        run=run,
        png=png,
        title=run.summary["scenario"],
        description=str(run.scenario.get("description", "")).strip(),
        overridden=overridden.given(run.manifest["command_line"]),
        sentence=_sentence(run),
        room=_room(run),
        key_numbers=_key_numbers(run),
        found=found,
        warnings=[finding for finding in found if finding.warns],
        simulated=simulated.lines(run),
        drawings=drawings,
        who_knows_what=model_cards.side_by_side(run),
        comparison=_comparison(run),
        by_class=by_class.table(run),
        cost=_cost(run),
        command=_command(run),
        command_notes=_command_notes(run),
        provenance=_provenance(run),
        wall=_wall(run),
    )


def _sentence(run: RunRecords) -> str:
    asked = frequency.of_requests(run)
    sentence = (
        f"{count(run.summary['devices'])} devices asked the cloud in "
        f"{percent_with_interval(asked)} of their interactions"
    )
    response = frequency.median_response_s(run)
    if response.value == response.value:
        sentence += f", had an answer after {seconds_with_interval(response)} in the median,"
    return (
        f"{sentence} and what users took next was ranked with {NAME} "
        f"{with_interval(run.accuracies.mean('run'))}."
    )


def _room(run: RunRecords) -> str:
    """Say how far the run is from never and from always asking, on the same users."""
    never, always = (run.accuracies.difference("run", name) for name in ("never", "always"))
    return (
        f"The difference to never asking is {with_interval(never, signed=True)}, to always asking "
        f"{with_interval(always, signed=True)}."
    )


def _key_numbers(run: RunRecords) -> list[KeyNumber]:
    accuracy, asked = run.accuracies.mean("run"), frequency.of_requests(run)
    response = frequency.median_response_s(run)
    answered = sum(run.summary["outcomes"][name] for name in ("delivered", "superseded"))
    users = f"{count(len(run.users))} users"
    return [
        _key_number(
            f"Accuracy ({NAME})",
            with_interval(accuracy),
            f"{count(run.summary['interactions'])} interactions of {users}",
        ),
        _key_number(
            "Request frequency",
            percent_with_interval(asked),
            f"{count(run.summary['requests'])} requests of {users}",
        ),
        _key_number(
            "Median response time",
            NOTHING if response.value != response.value else seconds_with_interval(response),
            f"{count(answered)} answered requests",
        ),
    ]


def _key_number(name: str, text: str, basis: str) -> KeyNumber:
    value, _, interval = text.partition(" [")
    interval = interval.rstrip("]").replace(", ", " to ")
    return KeyNumber(name, value, f"{interval} (95%)" if interval else "", basis)


def _comparison(run: RunRecords) -> Table:
    rows = []
    for name in run.accuracies.series:
        if name == "run":
            continue
        gain = run.accuracies.difference("run", name)
        rows.append(
            [
                theme.SERIES_LABELS.get(name, name),
                with_interval(run.accuracies.mean(name)),
                with_interval(gain, signed=True),
                verdict.in_word(gain),
            ]
        )
    columns = ("Baseline", NAME, "run minus baseline", "the run is")
    return tables.of_texts("The run against each baseline, paired on users", columns, rows)


def _cost(run: RunRecords) -> Table:
    worlds = {"this run": run.summary}
    for name in ("never", "always"):
        worlds[theme.SERIES_LABELS[name]] = run.baseline_worlds[name]
    return run_costs.table("What the run and its baseline worlds cost", worlds)


def _command(run: RunRecords) -> str:
    """Return what makes this run again; a sweep's command would make all of its points."""
    own = ["scenario.yaml"]
    return _program(own if run.manifest.get("point") else _words(run) or own)


def _command_notes(run: RunRecords) -> list[str]:
    notes = []
    if run.manifest.get("point"):
        notes.append(
            "This run is a point of a sweep: scenario.yaml is the file beside this page. The whole "
            f"sweep was made by: {_program(_words(run))}"
        )
    elif not _words(run):
        notes.append("scenario.yaml is the file beside this page.")
    dataset = str(run.scenario["workload"]["dataset"])
    if dataset != "synthetic" and "/" not in dataset:
        notes.append(f"{dataset} is looked for in the directory that LSC_DATA names.")
    return notes


def _words(run: RunRecords) -> list[str]:
    """Return the arguments that the user gave; none where the run was started from Python."""
    words = [str(word) for word in run.manifest["command_line"]]
    return words[1:] if words and Path(words[0]).name == "run_sim.py" else words


def _program(words: list[str]) -> str:
    return shlex.join(["python", "run_sim.py", *words])


def _provenance(run: RunRecords) -> list[tuple[str, list[tuple[str, str]]]]:
    groups = []
    for title, key in (
        ("Seeds", "seeds"),
        ("Versions", "versions"),
        ("Content hashes", "hashes"),
        ("Processor", "processor"),
    ):
        values = run.manifest.get(key) or {}
        groups.append((title, [(str(name), str(value)) for name, value in values.items()]))
    dropped = run.manifest.get("dropped_keys") or []
    if dropped:
        groups.append(("Keys dropped by an override", [(str(key), "dropped") for key in dropped]))
    if idle := run.manifest.get("idle_settings"):
        groups.append(("Settings without effect", [(key, f"as {idle[key]}") for key in idle]))
    return groups


def _wall(run: RunRecords) -> str:
    engine = run.summary["engine"]
    # How long the report takes is not known before it is written; `summary.json` has it afterwards.
    known = {name: wall_s for name, wall_s in engine["wall_s"].items() if name != "report"}
    phases = ", ".join(f"{name} {seconds(wall_s)}" for name, wall_s in known.items())
    models = "from the cache" if engine.get("cached") else "trained or run here"
    return f"{phases}; models {models}; {count(engine.get('events'))} events simulated"
