"""Benchmarks write their own section of the results and leave the others alone."""

from pathlib import Path

import pytest

from benchmarks.results import machine, origin, write_section


def test_a_section_replaces_itself_and_keeps_the_others(tmp_path: Path) -> None:
    file = tmp_path / "RESULTS.md"
    write_section("Speed", ["10 a second", "", "### Detail", "| a | b |"], "python -m s", file)
    write_section("Scale", ["a line"], "python -m t", file)
    before = file.read_text()
    write_section("Speed", ["20 a second"], "python -m s --fast", file)
    after = file.read_text()
    assert "10 a second" not in after
    assert "### Detail" not in after
    assert "20 a second" in after
    assert "`python -m s --fast` on " in after
    assert after.index("## Speed") < after.index("## Scale")
    assert after[after.index("## Scale") :] == before[before.index("## Scale") :]
    assert after.count("# Results") == 1


def test_the_same_section_twice_is_the_same_file(tmp_path: Path) -> None:
    file = tmp_path / "RESULTS.md"
    for name in ("Speed", "Scale"):
        write_section(name, ["a", "", "b"], "python -m s", file)
    once = file.read_bytes()
    for name in ("Scale", "Speed"):
        write_section(name, ["a", "", "b"], "python -m s", file)
    assert file.read_bytes() == once


def test_where_it_was_measured_is_said() -> None:
    text = origin("python -m s")
    assert machine() in text
    assert "torch 2." in text


@pytest.mark.parametrize(
    ("name", "lines"), [("Speed", ["## Other"]), ("", ["a"]), ("a\nb", ["a"]), ("a", ["x\n# y"])]
)
def test_what_would_begin_another_section_is_refused(
    tmp_path: Path, name: str, lines: list[str]
) -> None:
    with pytest.raises(ValueError, match="section"):
        write_section(name, lines, "python -m s", tmp_path / "RESULTS.md")
