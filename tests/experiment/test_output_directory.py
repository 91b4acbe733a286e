from pathlib import Path

import pytest

from experiment.output_directory import choose, opened, refuse_another_scenario
from experiment.scenario_error import ScenarioError


@pytest.fixture(autouse=True)
def _in_an_empty_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def chosen(named=None, *, has_sweep=False, resume=False, fresh=False):
    path = Path(named) if named else None
    return choose("x", path, has_sweep=has_sweep, resume=resume, fresh=fresh).as_posix()


def put(*paths):
    for path in map(Path, paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("content")


def test_the_default_is_named_after_the_scenario_and_the_next_free_number():
    assert chosen() == "runs/x"
    put("runs/x/summary.json")
    assert chosen() == "runs/x-2"
    put("runs/x-2/sweep.parquet")
    assert chosen() == "runs/x-3"
    Path("runs/x-3").mkdir()
    assert chosen() == "runs/x-3"


def test_the_default_never_holds_what_a_run_would_destroy():
    put("runs/x/notes.txt", "runs/x-2/points/1/summary.json")
    assert chosen() == "runs/x-3"
    assert chosen(has_sweep=True) == "runs/x-2"


def test_resume_and_fresh_take_what_is_there():
    put("runs/x/sweep.parquet", "runs/x-2/points/1/summary.json")
    assert chosen(has_sweep=True, resume=True) == "runs/x-2"
    assert chosen(has_sweep=True, fresh=True) == "runs/x"
    assert not Path("runs/x-3").exists()


def test_resume_is_harmless_where_there_is_nothing_yet():
    assert chosen(resume=True) == "runs/x"
    assert chosen("new", resume=True) == "new"


@pytest.mark.parametrize("result", ["summary.json", "sweep.parquet"])
def test_a_named_finished_result_is_refused_without_a_word_on_it(result):
    put(f"mine/{result}")
    has_sweep = result == "sweep.parquet"
    with pytest.raises(ScenarioError, match="mine: --out: holds the finished result") as caught:
        chosen("mine", has_sweep=has_sweep)
    assert "--fresh" in caught.value.message
    assert chosen("mine", has_sweep=has_sweep, fresh=True) == "mine"
    assert chosen("mine", has_sweep=has_sweep, resume=True) == "mine"


def test_an_unfinished_sweep_goes_on_but_gives_no_way_to_a_single_run():
    put("mine/points/1/summary.json")
    assert chosen("mine", has_sweep=True) == "mine"
    with pytest.raises(ScenarioError, match="points of a sweep that is not finished"):
        chosen("mine")
    with pytest.raises(ScenarioError, match="a single run cannot go on with"):
        chosen("mine", resume=True)
    assert chosen("mine", fresh=True) == "mine"


def test_a_sweep_of_which_no_point_finished_goes_on():
    put("mine/failed.json")
    assert chosen("mine", has_sweep=True) == "mine"
    assert chosen("mine", has_sweep=True, resume=True) == "mine"
    with pytest.raises(ScenarioError, match="points of a sweep"):
        chosen("mine")


def test_fresh_replaces_what_a_killed_sweep_was_writing():
    put("mine/summary.json", "mine/.report.html.part", "mine/.scenario.yaml", "mine/.failed.json")
    assert chosen("mine", has_sweep=True, fresh=True) == "mine"
    with opened(Path("mine"), clear=True):
        assert not list(Path("mine").iterdir())


def test_a_sweep_cannot_go_on_with_a_single_run():
    put("mine/summary.json")
    with pytest.raises(ScenarioError, match="a sweep cannot go on with"):
        chosen("mine", has_sweep=True, resume=True)


@pytest.mark.parametrize("mode", [{}, {"fresh": True}, {"resume": True}])
def test_files_that_no_run_wrote_are_never_replaced(mode):
    put("mine/thesis.tex")
    with pytest.raises(ScenarioError, match="files that no run wrote"):
        chosen("mine", **mode)


def test_fresh_never_takes_what_lies_beside_a_result():
    put("mine/summary.json", "mine/notes.txt")
    with pytest.raises(ScenarioError) as caught:
        chosen("mine", fresh=True)
    assert "notes.txt" in caught.value.message


def test_a_folder_of_other_points_is_no_sweep():
    put("mine/points/map.txt")
    for mode in ({"fresh": True}, {"resume": True}, {}):
        with pytest.raises(ScenarioError):
            chosen("mine", has_sweep=True, **mode)


def test_a_file_is_no_directory():
    put("mine")
    with pytest.raises(ScenarioError, match="mine: --out: is a file"):
        chosen("mine")


def test_an_unwritable_directory_is_named():
    put("file")
    with pytest.raises(ScenarioError, match=r"file/mine: --out: cannot be written \(Not a dir"):
        opened(Path("file/mine"), clear=False).__enter__()


def test_clearing_removes_what_runs_write_and_nothing_else():
    put("mine/points/1/summary.json", "mine/sweep.parquet", "mine/report.html", "mine/notes.txt")
    with opened(Path("mine"), clear=True):
        pass
    assert [path.name for path in Path("mine").iterdir()] == ["notes.txt"]


def test_an_opened_directory_exists_and_is_empty():
    with opened(Path("a/b"), clear=False):
        assert list(Path("a/b").iterdir()) == []
    assert Path("a/b").is_dir()


@pytest.mark.parametrize("files", [[], ["a/b/points"]])
def test_a_failure_leaves_no_empty_directory_and_loses_no_file(files):
    def fail():
        with opened(Path("a/b"), clear=False):
            put(*files)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert [path.as_posix() for path in Path("a/b").glob("*")] == files
    assert Path("a/b").exists() == bool(files)


def test_only_the_same_scenario_is_resumed():
    put("mine/scenario.yaml")
    refuse_another_scenario(Path("mine"), "content")
    with pytest.raises(ScenarioError, match="another scenario"):
        refuse_another_scenario(Path("mine"), "other content")
