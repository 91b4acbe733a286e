import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from workloads import datasets, kept_logs, readers, registry
from workloads.errors import WorkloadError
from workloads.interaction_log import InteractionLog
from workloads.kept_logs import kept
from workloads.readers.reader import Reader
from workloads.synthetic.settings import SyntheticSettings
from workloads.workload_settings import WorkloadSettings

SMALL = SyntheticSettings(
    users=3, items=30, categories=4, length_min=5, length_median=6, length_max=9
)


def equal(one: InteractionLog, other: InteractionLog) -> bool:
    for field in fields(InteractionLog):
        mine, its = getattr(one, field.name), getattr(other, field.name)
        if isinstance(mine, np.ndarray):
            if mine.dtype != its.dtype or not np.array_equal(mine, its):
                return False
        elif mine != its:
            return False
    return True


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[InteractionLog]:
    """The logs that were generated."""
    logs: list[InteractionLog] = []
    generate = datasets.generate

    def counting(*arguments: object) -> InteractionLog:
        logs.append(generate(*arguments))
        return logs[-1]

    monkeypatch.setattr(datasets, "generate", counting)
    return logs


def load(cache: Path, **settings: object) -> InteractionLog:
    return datasets.load(WorkloadSettings(synthetic=SMALL, **settings), None, cache)


def test_a_log_is_generated_once(tmp_path: Path, made: list[InteractionLog]) -> None:
    first, second = load(tmp_path), load(tmp_path, devices=7)
    assert len(made) == 1
    assert equal(first, made[0])
    assert equal(second, made[0])
    assert second.content_hash == made[0].content_hash


@pytest.mark.parametrize(
    "change", [{"seed": 1}, {"synthetic": SMALL.model_copy(update={"users": 4})}]
)
def test_another_seed_or_setting_is_another_log(
    tmp_path: Path, made: list[InteractionLog], change: dict[str, object]
) -> None:
    load(tmp_path)
    datasets.load(WorkloadSettings(**{"synthetic": SMALL, **change}), None, tmp_path)
    assert len(made) == 2


def test_another_program_generates_anew(
    tmp_path: Path, made: list[InteractionLog], monkeypatch: pytest.MonkeyPatch
) -> None:
    load(tmp_path)
    monkeypatch.setattr(kept_logs, "_source_hash", lambda: "another")
    load(tmp_path)
    assert len(made) == 2


def test_a_damaged_log_is_generated_anew(
    tmp_path: Path, made: list[InteractionLog], caplog: pytest.LogCaptureFixture
) -> None:
    load(tmp_path)
    (items,) = (tmp_path / "logs").rglob("items.npy")
    content = bytearray(items.read_bytes())
    content[-1] ^= 1
    items.write_bytes(content)
    assert equal(load(tmp_path), made[0])
    assert len(made) == 2
    assert "damaged" in caplog.text


def test_a_log_without_times_and_with_any_names_stays_what_it_was(tmp_path: Path) -> None:
    text = json.dumps({"é": ["a", "b"], "2": []})
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "S.txt").write_text("u é 2\nv 2\n", encoding="utf-8")
    (folder / "S_item2attributes.json").write_text(text)
    log = datasets.read(folder)
    assert log.times_s is None
    for _ in range(2):
        assert equal(kept(tmp_path, {"a": 1}, lambda: log), log)


# name of the log's own file, its lines, and of the file beside it, its lines
LAYOUTS = {
    "grouplens": ("u.data", "1\t2\t5\t7\n", "u.item", "2|Title||||" + "|".join("0" * 19) + "\n"),
    "recbole": (
        "f.inter",
        "user_id:token\titem_id:token\n1\t2\n",
        "f.item",
        "item_id:token\ttitle:token\n2\tTitle\n",
    ),
    "sequences": ("S.txt", "1 2\n", "S_item2attributes.json", '{"2": ["red"]}'),
}


def test_every_reader_has_an_example() -> None:
    family = registry.members(readers, Reader)
    assert {reader().model_dump()["kind"] for reader in family} == set(LAYOUTS)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_log_is_parsed_again_only_when_one_of_its_files_changes(
    tmp_path: Path, layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (reader,) = (
        each for each in registry.members(readers, Reader) if each().model_dump()["kind"] == layout
    )
    parsed: list[Path] = []
    read = reader.read

    def counting(self: Reader, path: Path, *rest: object) -> InteractionLog:
        parsed.append(path)
        return read(self, path, *rest)

    monkeypatch.setattr(reader, "read", counting)
    name, lines, beside, other_lines = LAYOUTS[layout]
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / name).write_text(lines)

    def load() -> InteractionLog:
        settings = WorkloadSettings(dataset=str(folder))
        return datasets.load(settings, None, tmp_path / "cache")

    assert equal(load(), load())
    assert len(parsed) == 1
    (folder / "notes.md").write_text("of no concern")
    load()
    assert len(parsed) == 1
    (folder / beside).write_text(other_lines)
    described = load().catalogue
    assert len(parsed) == 2
    assert described.titles == ("Title",) or described.attributes == (("red",),)
    (folder / name).write_text(lines + lines.split("\n")[-2].replace("1", "3", 1) + "\n")
    assert load().users == 2
    assert len(parsed) == 3


def test_a_malformed_log_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "u.data").write_text("1\t2\n")
    for _ in range(2):
        with pytest.raises(WorkloadError, match=r"u\.data: line 1"):
            datasets.load(WorkloadSettings(dataset=str(tmp_path)), None, tmp_path / "cache")
    assert not (tmp_path / "cache" / "logs").exists()
