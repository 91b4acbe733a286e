"""The command as users meet it: arguments in, exit status and lines out."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from experiment.command import main
from experiment.scenario import load
from experiment.sweep_points import sweep_points
from experiment.versions import versions

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _in_an_empty_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LSC_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("LSC_DATA", raising=False)


@pytest.fixture
def refused(capsys):
    """Run the command and return the one line that it ends with."""

    def run(*words):
        assert main(words) == 2
        captured = capsys.readouterr()
        assert captured.out == ""
        lines = captured.err.splitlines()
        assert len(lines) == 1
        assert lines[0].startswith("error: ")
        assert captured.err.endswith("\n")
        return lines[0].removeprefix("error: ")

    return run


def scenario(text, name="question.yaml"):
    Path(name).write_text(text, encoding="utf-8")
    return name


def run_in_a_process(*words):
    return subprocess.run(
        [sys.executable, str(REPOSITORY / "run_sim.py"), *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("workload: {devcies: 10}", "workload.devcies: unknown key; did you mean devices?"),
        ("polcy: {kind: never}", "polcy: unknown key; did you mean policy?"),
        (
            "policy: {kind: peridic, every: 5}",
            "policy.kind: unknown kind 'peridic'; did you mean p",
        ),
        ("policy: {kind: periodic}", "policy.every: is missing; give it, or target_freq"),
        (
            "policy: {kind: consistency, treshold: 0.5}",
            "policy.treshold: unknown key; did you mean threshold?",
        ),
        (
            "policy: {kind: consistency}\ntreshold: 0.5\nsede: 1",
            "treshold: unknown key; accepted: name,",
        ),
        (
            "policy: {kind: consistency}\nworkload: {devcies: 10}",
            "policy.threshold: is missing; give it, or target_frequency (and 1 more error)",
        ),
        ("policy: {knd: never}", "policy.knd: unknown key; did you mean kind?"),
        ("policy: {kind: periodic, every: 5, threshold: 1}", "policy.threshold: unknown key"),
        ("policy: {kind: periodic, every: often}", "policy.every: is 'often'; must be a whole"),
        ("network: {down_bps: -1, up_bps: 1, rtt_s: 0}", "network.down_bps: is -1; must be a num"),
        ("network: {preset: 6g}", "network.preset: there is no network preset '6g'; there are"),
        (
            "network: {preset: LTE}",
            "network.preset: there is no network preset 'LTE'; did you mean lt",
        ),
        ("models: {device: gpu}", "models.device: is 'gpu'; did you mean cuda? must be"),
        (
            "cloud: {service_time: {kind: profile}}",
            "cloud.service_time.path: is missing; give a file name",
        ),
        (
            "faults: {coverage_losses: [{start_s: 9, duration_s: 5, cells: []}]}",
            "faults.coverage_losses.0.cells: is an empty list; must be a list of 1 or more values, "
            "each a whole number",
        ),
        ("workload: {devices: 0}", "workload.devices: is 0; must be a whole number of at least 1"),
        ("workload: {devices: some}", "workload.devices: is 'some'; must be a whole number"),
        ("workload: {history: 2.5}", "workload.history: is 2.5; must be a whole number"),
        ("models: {candidates: {count: 0}}", "models.candidates.count: is 0; must be"),
        ("models:", "models: is null; leave it out"),
        ("cloud: {replicas: 2, devices_per_replica: 5}", "cloud: replicas and devices_per_replica"),
        (
            "faults: {crashes: [{at_s: 9, replica: 7}]}",
            "faults.crashes: names replica 7; the cloud has only 0",
        ),
        (
            "faults: {coverage_losses: [{start_s: 9, duration_s: 5, cells: [0]}]}",
            "faults.coverage_losses: names cell 0, but the network has no cells",
        ),
        (
            "workload: {devices: 100}\n"
            "network: {kind: cell, devices_per_cell: 40, down_bps: 1, up_bps: 1, rtt_s: 0}\n"
            "faults: {degradations: [{start_s: 9, duration_s: 5, cells: [0, 3]}]}",
            "faults.degradations: names cell 3; the network has 0 to 2",
        ),
        (
            "network: {kind: mobility, regimes: {a: {preset: 3g}}, schedules: "
            "{on: {device_class: low, schedule: [{at_s: 0, regime: a}]}}}",
            "network.schedules.on.device_class: names class 'low'; the section devices gives no",
        ),
        (
            "devices: {classes: {low: 0.5, mid: 0.5}}\n"
            "network: {kind: mobility, regimes: {a: {preset: 3g}}, schedules: "
            "{on: {device_class: [low], schedule: [{at_s: 0, regime: a}]}}}",
            "network.schedules: leave out class 'mid'",
        ),
        (
            "network: {kind: mobility, regimes: {a: {preset: 3g}}, schedules: "
            "{on: {device_class: 3, schedule: [{at_s: 0, regime: a}]}}}",
            "network.schedules.on.device_class: is 3; must be a text",
        ),
        (
            "cloud: {autoscaling: {kind: reactive, minimum: 3, maximum: 2}}",
            "cloud.autoscaling.minimum: is 3; must be at most maximum, 2",
        ),
        ("cloud: {routing: shard}", "cloud.routing.kind: unknown kind 'shard'; did you mean shar"),
        ("cloud: {routing: 3}", "cloud.routing: is 3; must be"),
        (
            "policy: {kind: consistency, threshold: 60}",
            "policy.threshold: is 60; consistency lies between 0 and 1: accepted are thresholds "
            "from 0 (never asks) to 1.01",
        ),
        ("devices: {classes: {low: 30, mid: 70}}", "devices.classes.low: is 30; must be the part"),
        ("devices: {classes: {low: 1, mid: x}}", "devices.classes.mid: is 'x'; must be the part"),
        (
            "devices: {classes: {low: 0.3, mid: 0.5}}",
            "devices.classes: have shares that add up to 0.8; they must add up to 1",
        ),
        ("seed: -1", "seed: is -1; must be a whole number of at least 0"),
        ("name: ../elsewhere", "name: is '../elsewhere'; must begin with"),
        ("sweep: {workload.devices: [10, 0]}", "sweep.workload.devices: is 0"),
        ("a: [1\n", "line 2, column 1: is not valid YAML"),
        ("policy: !!python/name:os.system x", "line 1, column 9: the tag"),
        ("seed: 1\nseed: 2", "line 2, column 1: the key 'seed' is given twice"),
        ("", "is empty"),
        ("just words", "must be a mapping"),
    ],
)
def test_bad_scenarios_end_in_one_line_that_names_file_and_key(refused, text, start):
    assert refused(scenario(text)).startswith(f"question.yaml: {start}")
    assert list(Path().iterdir()) == [Path("question.yaml")]


def test_a_missing_trace_is_named_with_every_place_that_was_looked_in(refused, monkeypatch):
    path = scenario("network: {kind: trace, up: a.up, down: ./b.down, rtt_s: 0}")
    monkeypatch.delenv("LSC_TRACES", raising=False)
    line = refused(path)
    assert line.startswith("question.yaml: network.up: there is no trace file 'a.up' (looked for ")
    assert f"(looked for {Path.cwd() / 'a.up'}); accepted: a file in LSC_TRACES (not set)" in line
    monkeypatch.setenv("LSC_TRACES", "/traces")
    assert f"(looked for /traces/a.up and {Path.cwd() / 'a.up'});" in refused(path)
    Path("a.up").write_text("1\n")
    assert f"network.down: there is no trace file './b.down' (looked for {Path.cwd()}" in refused(
        path
    )


def test_a_missing_profile_is_named_with_the_place_that_was_looked_in(refused):
    line = refused(scenario("cloud: {service_time: {kind: profile, path: mine.yaml}}"))
    assert line.startswith("question.yaml: cloud.service_time.path: is 'mine.yaml', and ")
    assert f"{Path.cwd() / 'mine.yaml'} cannot be read (No such file" in line


def test_missing_and_unreadable_scenarios_are_named(refused):
    assert refused("nowhere.yaml").startswith("nowhere.yaml: no such file")
    Path("folder").mkdir()
    assert refused("folder").startswith("folder: is a directory")
    Path("latin.yaml").write_bytes(b"name: \xe9")
    assert refused("latin.yaml").startswith("latin.yaml: line 1: is not UTF-8")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "name a scenario file"),
        (("--bogus",), "unrecognized arguments: --bogus"),
        (("x.yaml", "y.yaml"), "unrecognized arguments: y.yaml"),
        (("x.yaml", "--resume", "--fresh"), "not allowed with"),
        (("x.yaml", "--jobs", "0"), "'0' is no whole number of at least 1"),
        (("x.yaml", "--seed", "-3"), "'-3' is no whole number of at least 0"),
        (("x.yaml", "--set"), "expected one argument"),
    ],
)
def test_arguments_that_are_not_understood_end_in_one_line(refused, words, message):
    assert message in refused(*words)


@pytest.mark.parametrize(
    ("override", "start"),
    [
        ("policy.treshold=1", "policy.treshold: unknown key (given by --set); did you mean thres"),
        ("workload.devices=many", "workload.devices: is 'many' (given by --set); must be"),
        ("policy=[1", "policy: line 1"),
        ("policy", "policy: --set takes key.path=value"),
        ("policy.kind.x=1", "policy.kind.x: cannot be set, because policy.kind is no mapping here"),
        (
            "faults.degradations.0.bandwidth_factor=0",
            "faults.degradations.0.bandwidth_factor: cannot be set, because faults.degradations is "
            "a list here; give the whole of it, as faults.degradations=[{...}, ...]",
        ),
    ],
)
def test_bad_overrides_end_in_one_line(refused, override, start):
    path = scenario(
        "policy: {kind: consistency, threshold: 0.3}\n"
        "faults: {degradations: [{start_s: 1, duration_s: 2, bandwidth_factor: 0.5}]}"
    )
    assert refused(path, "--set", override).startswith(f"question.yaml: {start}")


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("taken", "taken: --out: is a file"),
        ("taken/below", "taken/below: --out: cannot be written"),
        ("/proc/no/such/place", "/proc/no/such/place: --out: cannot be written"),
    ],
)
def test_an_unwritable_output_directory_ends_in_one_line(refused, out, message):
    Path("taken").write_text("")
    assert refused(scenario("seed: 1"), "--out", out).startswith(message)


def test_a_finished_result_is_refused_and_stays(refused):
    Path("done").mkdir()
    Path("done/summary.json").write_text("{}")
    assert refused(scenario("seed: 1"), "--out", "done").startswith("done: --out: holds the fin")
    assert Path("done/summary.json").read_text() == "{}"


def test_a_missing_dataset_ends_in_one_line(refused):
    line = refused(scenario("workload: {dataset: ./nowhere.inter}"), "--quiet")
    assert line.startswith("question.yaml: workload.dataset: ")
    assert "nowhere.inter" in line
    assert not Path("runs/question").exists()


def test_a_malformed_dataset_is_named_with_its_line(refused):
    Path("broken.inter").write_text("user_id:token\titem_id:token\nu1\ti1\nu2\n")
    line = refused(scenario("workload: {dataset: ./broken.inter}"), "--quiet")
    assert line.startswith("question.yaml: workload.dataset: ")
    assert "broken.inter" in line
    assert "3" in line.split("broken.inter")[1]


def test_a_dry_run_says_what_would_run_and_writes_nothing(capsys):
    path = scenario(
        "name: plan\nworkload: {devices: 30, replay_steps: 5}\n"
        "policy: {kind: periodic, every: 5}\nsweep: {policy.kind: [never, periodic]}\n"
    )
    assert main([path, "--dry-run"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    *lines, estimate = captured.out.splitlines()
    assert estimate.startswith("estimate: ")
    assert lines == [
        "would run plan into runs/plan",
        "  policy.kind=never: 30 devices, 150 interactions of synthetic "
        "(dropped keys: policy.every)",
        "  policy.kind=periodic: 30 devices, 150 interactions of synthetic",
        "2 points",
    ]
    assert list(Path().iterdir()) == [Path(path)]


@pytest.mark.parametrize(("word", "left"), [("", 2), ("--resume", 2), ("--fresh", 3)])
def test_a_dry_run_estimates_the_points_that_would_run(word, left, capsys):
    path = scenario("workload: {devices: 30, replay_steps: 5}\nsweep: {seeds: 3}")
    done = Path("out/points") / sweep_points(load(path))[0].id
    done.mkdir(parents=True)
    (done / "summary.json").write_text("{}")
    (done / "manifest.json").write_text(json.dumps({"versions": versions()}))
    assert main([path, "--out", "out", "--dry-run", *filter(None, [word])]) == 0
    *_, estimate = capsys.readouterr().out.splitlines()
    assert f"; {left} points on " in estimate


def test_a_dry_run_shows_overrides(capsys):
    assert main([scenario("seed: 1"), "--set", "workload.devices=7", "--dry-run"]) == 0
    assert "7 devices, 140 interactions" in capsys.readouterr().out


def test_the_schema_needs_no_scenario(capsys):
    assert main(["--schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["properties"]["policy"]["discriminator"]["propertyName"] == "kind"


def test_ctrl_c_ends_with_130_and_keeps_what_is_finished(monkeypatch, capsys):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("experiment.sweep.run_sweep", interrupt)
    Path("out/points/1").mkdir(parents=True)
    Path("out/points/1/summary.json").write_text("{}")
    path = scenario("sweep: {seed: [1, 2]}")
    assert main([path, "--out", "out"]) == 130
    assert capsys.readouterr().err.splitlines() == [
        "interrupted; --resume goes on with a sweep's unfinished points"
    ]
    assert Path("out/points/1").is_dir()


def test_a_full_disk_ends_in_one_line(monkeypatch, refused):
    def fill(*_, **__):
        raise OSError(28, "No space left on device", "out/interactions.parquet")

    monkeypatch.setattr("experiment.run.run_scenario", fill)
    line = refused(scenario("seed: 1"), "--out", "out", "--quiet")
    assert line == "out/interactions.parquet: No space left on device"


def test_a_mistake_of_the_program_is_not_hidden(monkeypatch):
    def fail(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr("experiment.run.run_scenario", fail)
    with pytest.raises(ZeroDivisionError):
        main([scenario("seed: 1"), "--quiet"])


def test_the_real_process_ends_with_the_same_status_and_line():
    done = run_in_a_process(scenario("workload: {devcies: 10}"))
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: question.yaml: workload.devcies: unknown key; did you")
    assert done.stderr.count("\n") == 1


def test_a_policy_file_that_cannot_be_imported_ends_in_one_line():
    Path("impatient.py").write_text("class Impatient(Policy)\n", encoding="utf-8")
    program = (
        "import sys\n"
        "from importlib.machinery import PathFinder\n"
        "from experiment.command import main\n"
        "class WithThisFolder(PathFinder):\n"
        "    @classmethod\n"
        "    def find_spec(cls, name, path=None, target=None):\n"
        "        if name == 'sim.policies':\n"
        "            spec = PathFinder.find_spec(name, path)\n"
        "            spec.submodule_search_locations.append('.')\n"
        "            return spec\n"
        "sys.meta_path.insert(0, WithThisFolder)\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, scenario("seed: 1"), "--dry-run"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.endswith(
        "impatient.py: cannot be imported: line 1: SyntaxError: expected ':'\n"
    )
    assert done.stderr.count("\n") == 1


def test_help_and_yaml_errors_do_not_wait_for_the_models_libraries():
    program = (
        "import sys; from experiment.command import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print('loaded:', {'torch', 'pandas', 'pydantic'} & set(sys.modules), file=sys.stderr)"
    )
    for word in ("--help", scenario("a: [1")):
        done = subprocess.run(
            [sys.executable, "-c", program, word],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        )
        assert done.stderr.endswith("loaded: set()\n")


def test_help_gives_examples(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    assert "--set policy.threshold=0.4" in capsys.readouterr().out


def test_an_unusable_cache_is_named(monkeypatch, capsys):
    Path("file").touch()
    monkeypatch.setenv("LSC_CACHE", "file")
    assert main([scenario("seed: 1"), "--out", "out", "--quiet"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: file: LSC_CACHE: cannot be written")
    assert not Path("out").exists()


def test_a_reader_that_has_seen_enough_is_no_error():
    command = [sys.executable, str(Path(__file__).parents[2] / "run_sim.py"), "--schema"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
