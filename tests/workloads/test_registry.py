import importlib
import sys

import pytest
from pydantic import TypeAdapter, ValidationError

from workloads import readers, registry
from workloads.errors import BrokenMember
from workloads.readers.reader import Reader
from workloads.settings import Settings

MEMBER = """
from typing import Literal
from shapes_for_test.shape import Shape


class {name}(Shape):
    kind: Literal["{kind}"] = "{kind}"
    size: int = 1
"""


@pytest.fixture
def shapes(tmp_path, monkeypatch):
    """A family of two members, in files whose order is not that of their names in the class."""
    folder = tmp_path / "shapes_for_test"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "shape.py").write_text(
        "from workloads.settings import Settings\n\n\nclass Shape(Settings):\n    pass\n"
    )
    (folder / "b_square.py").write_text(MEMBER.format(name="Square", kind="square"))
    (folder / "a_round.py").write_text(MEMBER.format(name="Round", kind="round"))
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield importlib.import_module("shapes_for_test")
    for name in [name for name in sys.modules if name.startswith("shapes_for_test")]:
        del sys.modules[name]


def family(package):
    return registry.members(package, importlib.import_module(f"{package.__name__}.shape").Shape)


def test_members_are_found_by_file_in_order(shapes):
    assert [member.__name__ for member in family(shapes)] == ["Round", "Square"]


def test_a_new_file_is_a_new_member(shapes, tmp_path):
    new = MEMBER.format(name="Star", kind="star")
    (tmp_path / "shapes_for_test" / "star.py").write_text(new)
    importlib.invalidate_caches()
    assert [member.__name__ for member in family(shapes)] == ["Round", "Square", "Star"]


def test_a_choice_is_told_apart_by_kind_and_may_have_a_default(shapes):
    choice = TypeAdapter(registry.choice_of(family(shapes), default_kind="square"))
    assert type(choice.validate_python({"kind": "round"})).__name__ == "Round"
    assert type(choice.validate_python({"size": 4})).__name__ == "Square"
    with pytest.raises(ValidationError, match="'round', 'square'"):
        choice.validate_python({"kind": "star"})


def test_without_a_default_the_kind_must_be_given(shapes):
    with pytest.raises(ValidationError, match="kind"):
        TypeAdapter(registry.choice_of(family(shapes))).validate_python({"size": 4})


def test_a_family_of_one_is_a_choice_too(shapes):
    choice = TypeAdapter(registry.choice_of(family(shapes)[:1], default_kind="round"))
    assert choice.validate_python({"size": 2}).size == 2


def test_the_readers_are_a_family():
    kinds = [member().kind for member in registry.members(readers, Reader)]
    assert kinds == ["grouplens", "recbole", "sequences"]
    assert all(issubclass(member, Settings) for member in registry.members(readers, Reader))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1\nclass Star(:\n", "line 2: SyntaxError: invalid syntax"),
        ("import nowhere_at_all", "line 1: ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("\n\nkind: Literal['star']", "line 3: NameError: name 'Literal' is not defined"),
    ],
)
def test_a_file_that_cannot_be_imported_is_named(shapes, tmp_path, text, message):
    file = tmp_path / "shapes_for_test" / "star.py"
    file.write_text(text)
    importlib.invalidate_caches()
    with pytest.raises(BrokenMember) as caught:
        family(shapes)
    assert caught.value.file == str(file)
    assert caught.value.message == message
