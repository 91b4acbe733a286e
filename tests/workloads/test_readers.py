import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from workloads import datasets
from workloads.errors import WorkloadError

INTER = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
ITEM = "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\n"


def write(folder, **files):
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name.replace("__", ".")).write_bytes(
            text if isinstance(text, bytes) else text.encode()
        )
    return folder


def taken(log, user):
    return [log.catalogue.keys[item] for item in log.history(user)]


# RecBole


def test_recbole_reads_interactions_titles_and_attributes(tmp_path):
    folder = write(
        tmp_path / "films",
        f__inter=INTER + "2\t10\t1\t30\n1\t10\t5\t20\n1\t9\t1\t10.5\n",
        f__item=ITEM + '9\tThe "Nine"\t1995\tComedy War\n10\tTen\t1996\t\n11\tNobody\t1997\tWar\n',
    )
    log = datasets.read(folder)
    assert log.name == "films"
    assert log.user_keys == ("1", "2")
    assert log.catalogue.keys == ("9", "10")
    assert log.catalogue.titles == ('The "Nine"', "Ten")
    assert log.catalogue.attributes == (("Comedy", "War"), ())
    assert taken(log, 0) == ["9", "10"]
    assert log.history_times_s(0).tolist() == [10.5, 20]


def test_recbole_takes_a_file_without_times_items_or_unix_line_ends(tmp_path):
    write(tmp_path, f__inter="item_id:token\tuser_id:token\r\nb\tu\r\na\tu\r\n\r\n")
    log = datasets.read(tmp_path / "f.inter")
    assert log.name == "f"
    assert log.times_s is None
    assert taken(log, 0) == ["b", "a"]
    assert log.catalogue.titles == ("a", "b")


def test_recbole_keeps_repeated_interactions_and_low_ratings(tmp_path):
    folder = write(tmp_path / "d", f__inter=INTER + "1\t7\t1\t5\n1\t7\t1\t5\n")
    assert datasets.read(folder).interactions == 2


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("", 1, "empty"),
        ("user_id\titem_id:token\n1\t2\n", 1, "NAME:TYPE"),
        ("user_id:token\tuser_id:token\n1\t2\n", 1, "twice"),
        ("user_id:token\titem:token\n1\t2\n", 1, "no column item_id"),
        (INTER, 2, "no interactions"),
        (INTER + "1\t2\t3\t4\n1\t2\t3\n", 3, "3 fields where 4"),
        (INTER + "1\t2\t3\t4\n1\t2\t3\t4\t5\n", 3, "5 fields where 4"),
        (INTER + "1\t2\t3\t4\n\n1\t2\t3\t4\n", 3, "1 field where 4"),
        (INTER + "1\t2\t3\t4\n\t2\t3\t4\n", 3, "user_id is empty"),
        (INTER + "1\t\t3\t4\n", 2, "item_id is empty"),
        (INTER + "1\t2\t3\t4\n1\t2\t3\tsoon\n", 3, "timestamp is 'soon'"),
        (INTER + "1\t2\t3\tnan\n", 2, "timestamp is 'nan'"),
        (INTER + "1\t2\t3\tinf\n", 2, "timestamp is 'inf'"),
        (INTER.encode() + b"1\t2\t3\t4\n\xff\t2\t3\t4\n", 3, "text"),
    ],
)
def test_recbole_names_file_and_line_of_what_is_malformed(tmp_path, text, line, what):
    folder = write(tmp_path / "d", f__inter=text)
    with pytest.raises(WorkloadError) as caught:
        datasets.read(folder)
    message = str(caught.value)
    assert message.startswith(f"{folder / 'f.inter'}: line {line}: ")
    assert what in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        (ITEM + "9\tNine\t1995\n", 2, "3 fields where 4"),
        (ITEM + "9\tNine\t1995\tWar\n9\tNine\t1995\tWar\n", 3, "'9' was given before"),
        ("title:token_seq\n", 1, "no column item_id"),
    ],
)
def test_recbole_items_are_checked_too(tmp_path, text, line, what):
    folder = write(tmp_path / "d", f__inter=INTER + "1\t9\t3\t4\n", f__item=text)
    with pytest.raises(WorkloadError) as caught:
        datasets.read(folder)
    assert str(caught.value).startswith(f"{folder / 'f.item'}: line {line}: ")
    assert what in str(caught.value)


# GroupLens


def u_item(key, title, *flags):
    return "|".join([key, title, "01-Jan-1995", "", "http://x", *flags]) + "\n"


ACTION_AND_WAR = ["0", "1", *["0"] * 15, "1", "0"]


def test_grouplens_100k_layout(tmp_path):
    folder = write(
        tmp_path / "ml-100k",
        u__data="1\t20\t3\t100\n1\t3\t1\t50\n2\t3\t1\t60\n",
        u__item=(
            u_item("3", "Misérables, Les (1995)", *ACTION_AND_WAR)
            + u_item("20", "Twenty (1995)", *["0"] * 19)
        ).encode("latin-1"),
    )
    log = datasets.read(folder)
    assert taken(log, 0) == ["3", "20"]
    assert log.catalogue.titles == ("Misérables, Les (1995)", "Twenty (1995)")
    assert log.catalogue.attributes == (("Action", "War"), ())
    assert log.history_times_s(0).tolist() == [50, 100]


def test_grouplens_1m_layout(tmp_path):
    folder = write(
        tmp_path / "ml-1m",
        ratings__dat="1::20::3::100\n1::3::1::50\n",
        movies__dat="3::Star Wars: Part IV (1977)::Action|Sci-Fi\n20::Café (1990)::Drama\n".encode(
            "latin-1"
        ),
    )
    log = datasets.read(folder)
    assert taken(log, 0) == ["3", "20"]
    assert log.catalogue.titles == ("Star Wars: Part IV (1977)", "Café (1990)")
    assert log.catalogue.attributes == (("Action", "Sci-Fi"), ("Drama",))


def test_a_tab_within_a_title_of_the_1m_layout_is_part_of_it(tmp_path):
    folder = write(tmp_path / "d", ratings__dat="1::2::3::4\n", movies__dat="2::A\tB::War\n")
    log = datasets.read(folder)
    assert (log.catalogue.titles, log.catalogue.attributes) == (("A\tB",), (("War",),))


def test_grouplens_ratings_alone_will_do(tmp_path):
    write(tmp_path, u__data="1\t20\t3\t100\n")
    assert datasets.read(tmp_path / "u.data").catalogue.titles == ("20",)


@pytest.mark.parametrize(
    ("files", "file", "line", "what"),
    [
        ({"u__data": "1\t2\t3\n"}, "u.data", 1, "3 fields where 4"),
        ({"u__data": "1\t2\t3\t4\n1\t2\t3\tx\n"}, "u.data", 2, "timestamp is 'x'"),
        ({"ratings__dat": "1::2::3::4\n1::2::3:4\n"}, "ratings.dat", 2, "3 fields where 4"),
        (
            {"u__data": "1\t2\t3\t4\n", "u__item": u_item("2", "Two", *["0"] * 18, "2")},
            "u.item",
            1,
            "genre Western is '2'",
        ),
        (
            {"ratings__dat": "1::2::3::4\n", "movies__dat": "2::Two\n"},
            "movies.dat",
            1,
            "2 fields where 3",
        ),
    ],
)
def test_grouplens_names_file_and_line(tmp_path, files, file, line, what):
    folder = write(tmp_path / "d", **files)
    with pytest.raises(WorkloadError) as caught:
        datasets.read(folder)
    assert str(caught.value).startswith(f"{folder / file}: line {line}: ")
    assert what in str(caught.value)


# Sequences


def test_sequences_with_attributes_beside_them(tmp_path):
    folder = write(
        tmp_path / "shop",
        Shop__txt="2 7 9 7\n1 9\n",
        Shop_item2attributes__json=json.dumps({"7": [4, "red"], "8": [1]}),
        README__txt="Not a log.\n",
    )
    log = datasets.read(folder)
    assert log.user_keys == ("1", "2")
    assert taken(log, 1) == ["7", "9", "7"]
    assert log.times_s is None
    assert log.catalogue.attributes == (("4", "red"), ())


@pytest.mark.parametrize(
    ("files", "where", "what"),
    [
        ({"S__txt": "1 2 3\n2\n"}, "S.txt: line 2: ", "at least one item"),
        ({"S__txt": "1 2 3\n\n2 4\n"}, "S.txt: line 2: ", "at least one item"),
        ({"S__txt": "1 2 3\n1 4\n"}, "S.txt: line 2: ", "line 1 already"),
        (
            {"S__txt": "1 2\n", "S_item2attributes__json": '{"2":\n [1}'},
            "S_item2attributes.json: line 2: ",
            "JSON",
        ),
        (
            {"S__txt": "1 2\n", "S_item2attributes__json": "[1]"},
            "S_item2attributes.json: line 1: ",
            "mapping",
        ),
        (
            {"S__txt": "1 2\n", "S_item2attributes__json": '{"2": "red"}'},
            "S_item2attributes.json: item '2': ",
            "list",
        ),
    ],
)
def test_sequences_name_file_and_line(tmp_path, files, where, what):
    folder = write(tmp_path / "d", **files)
    with pytest.raises(WorkloadError) as caught:
        datasets.read(folder)
    assert str(caught.value).startswith(f"{folder}/{where}")
    assert what in str(caught.value)


# All of them

# hypothesis runs many examples in one temporary folder; each overwrites the files of the last.
many = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
keys = st.text(st.characters(exclude_categories=["C", "Z"], codec="utf-8"), min_size=1, max_size=4)
rows = st.lists(st.tuples(keys, keys, st.integers(0, 5)), min_size=1, max_size=20)


@many
@given(rows)
def test_recbole_agrees_with_a_plain_reading(tmp_path, rows):
    lines = "".join(f"{user}\t{item}\t1\t{time_s}\n" for user, item, time_s in rows)
    log = datasets.read(write(tmp_path / "d", f__inter=INTER + lines))
    assert set(log.user_keys) == {user for user, _, _ in rows}
    assert set(log.catalogue.keys) == {item for _, item, _ in rows}
    for number, user in enumerate(log.user_keys):
        own = [(time_s, item) for who, item, time_s in rows if who == user]
        own.sort(key=lambda pair: pair[0])
        assert taken(log, number) == [item for _, item in own]
        assert log.history_times_s(number).tolist() == [time_s for time_s, _ in own]


@many
@given(st.lists(st.lists(keys, min_size=2, max_size=6), min_size=1, max_size=8))
def test_sequences_agree_with_a_plain_reading(tmp_path, lines):
    lines = list({line[0]: line for line in lines}.values())
    text = "\n".join(" ".join(line) for line in lines)
    log = datasets.read(write(tmp_path / "d", S__txt=text))
    sequence_of = {line[0]: line[1:] for line in lines}
    assert {user: taken(log, number) for number, user in enumerate(log.user_keys)} == sequence_of


@many
@given(
    st.sampled_from(
        ["f.inter", "f.item", "u.data", "u.item", "ratings.dat", "movies.dat", "S.txt"]
    ),
    st.binary(max_size=60) | st.text('12\t:|\n\r" .', max_size=60).map(str.encode),
)
def test_whatever_a_file_holds_is_read_or_refused_in_one_line(tmp_path, name, content):
    folder = tmp_path / name.replace(".", "-")
    folder.mkdir(exist_ok=True)
    partner = {"f.item": "f.inter", "u.item": "u.data", "movies.dat": "ratings.dat"}.get(name)
    if partner:
        good = {"f.inter": INTER + "1\t1\t1\t1\n", "u.data": "1\t1\t1\t1\n"}
        (folder / partner).write_text(good.get(partner, "1::1::1::1\n"))
    if name == "f.inter":
        content = INTER.encode() + content
    (folder / name).write_bytes(content)
    outcome = read_or_error(folder)
    if isinstance(outcome, WorkloadError):
        assert str(folder / name) in str(outcome)
        assert "line " in str(outcome)
        assert "\n" not in str(outcome)
    else:
        assert outcome.interactions == outcome.offsets[-1] > 0
        assert outcome.times_s is None or np.isfinite(outcome.times_s).all()


def read_or_error(folder):
    try:
        return datasets.read(folder)
    except WorkloadError as error:
        return error
