import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from experiment.scenario_error import ScenarioError
from experiment.yaml_document import read_mapping, read_value, write

texts = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=12)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | texts
    | st.sampled_from(["1e-3", "0o7", "no", "2003-01-01", "1:30", ".inf", "null", "~", "=", "<<"])
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=8
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E5", 100000.0),
        (".5", 0.5),
        ("010", 10),
        ("0x10", 16),
        ("0o10", 8),
        ("20_000", 20000),
        (".inf", math.inf),
        ("-.inf", -math.inf),
        ("no", "no"),
        ("12:30", "12:30"),
        ("2003-01-01", "2003-01-01"),
        ("true", True),
        ("~", None),
        ("", None),
        ("[1, {a: b}]", [1, {"a": "b"}]),
        ("{1: a, <<: b}", {"1": "a", "<<": "b"}),
    ],
)
def test_reads_the_core_schema(text, value):
    assert read_value(text, "f") == value
    assert type(read_value(text, "f")) is type(value)


@given(values)
def test_what_is_written_is_read_again(value):
    text = write({"key": value})
    assert read_value(text, "f") == {"key": value}


@given(texts | st.sampled_from(["1e-3", "0o7", "no", "2003-01-01", "1:30", "1_0", "010"]))
def test_readers_of_yaml_1_1_read_written_texts_alike(text):
    assert yaml.safe_load(write({"key": text})) == {"key": text}


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "the key 'a' is given twice"),
        ("a: 1\nb: !!python/object/apply:os.system ['true']\n", 2, "tag"),
        ("a: !mine 3\n", 1, "tag '!mine'"),
        ("a: 1\nb: [1, 2\n", 3, "is not valid YAML"),
        ("a: 1\n  b: 2\n", 2, "is not valid YAML"),
        ("a: &x [*x]\n", 1, "recursive"),
        ("? [a]\n: 2\n", 1, "a key must be a plain word"),
        ("a: 1\n---\nb: 2\n", 2, "single document"),
        ("a: 1\nb: .nan\n", 2, "not a number"),
        ("a: 1\nb: \x01\n", 2, "character"),
    ],
)
def test_names_the_line_of_what_it_does_not_accept(text, line, message):
    with pytest.raises(ScenarioError) as caught:
        read_value(text, "f.yaml")
    assert str(caught.value).startswith(f"f.yaml: line {line}")
    assert message in caught.value.message


def test_a_file_that_is_not_utf_8_is_named_with_its_line(tmp_path):
    path = tmp_path / "latin.yaml"
    path.write_bytes("name: x\ndescription: é".encode("latin-1"))
    with pytest.raises(ScenarioError, match="line 2: is not UTF-8"):
        read_mapping(path)


def test_a_byte_order_mark_is_accepted(tmp_path):
    path = tmp_path / "marked.yaml"
    path.write_bytes(b"\xef\xbb\xbfname: x\n")
    assert read_mapping(path) == {"name": "x"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty"),
        ("# only a comment\n", "is empty"),
        ("- 1\n", "not a list"),
        ("word\n", "not the single value"),
    ],
)
def test_a_file_must_hold_a_mapping(tmp_path, content, message):
    path = tmp_path / "f.yaml"
    path.write_text(content)
    with pytest.raises(ScenarioError, match=message):
        read_mapping(path)
