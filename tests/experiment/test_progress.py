import io

import pytest

from experiment.progress import BarProgress, LineProgress, duration, progress_on, time_left_s
from workloads.progress import SILENT


class Clock:
    now_s = 0.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


def test_a_short_phase_leaves_no_line(clock):
    stream = io.StringIO()
    with LineProgress(stream, clock).phase("read", 10) as advance:
        clock.now_s = 1.9
        advance(10)
    assert stream.getvalue() == ""


def test_a_long_phase_says_how_far_it_is_and_what_is_left(clock):
    stream = io.StringIO()
    with LineProgress(stream, clock).phase("train", 100) as advance:
        for second in range(1, 21):
            clock.now_s = float(second)
            advance(5, "epoch 1")
    assert stream.getvalue().splitlines() == [
        "train: 10%, about 18 s left (epoch 1)",
        "train: 35%, about 13 s left (epoch 1)",
        "train: 60%, about 8 s left (epoch 1)",
        "train: 85%, about 3 s left (epoch 1)",
        "train: done in 20 s",
    ]


def test_no_time_left_is_told_before_enough_is_known(clock):
    stream = io.StringIO()
    with LineProgress(stream, clock).phase("train", 1000) as advance:
        for second in (15, 20, 26, 32, 38):  # the first part waits for what must be loaded
            clock.now_s = float(second)
            advance(10)
        clock.now_s = 50.0
        advance(450)
    assert stream.getvalue().splitlines() == [
        "train: 1%",
        "train: 2%",
        "train: 3%, about 14 min 01 s left",
        "train: 4%, about 12 min 48 s left",
        "train: 5%, about 12 min 02 s left",
        "train: 50%, about 50 s left",
        "train: done in 50 s",
    ]


@pytest.mark.parametrize(
    ("elapsed_s", "done", "left_s"),
    [(1.9, 50, None), (2.0, 50, 2.0), (60.0, 2.9, None), (60.0, 3, 1940.0), (9.0, 101, 0.0)],
)
def test_time_left_is_that_of_the_mean_speed(elapsed_s, done, left_s):
    assert time_left_s(elapsed_s, done, 100) == left_s


def test_bars_tell_no_time_left_before_enough_is_known(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    clock = Clock()
    stream = Terminal()
    progress = BarProgress(stream, clock)
    with progress.phase("train", 100) as advance:
        clock.now_s = 60.0
        advance(1)
        with progress.phase("a part", 1):  # draws all bars
            assert "  1%" in stream.getvalue()
            assert "left" not in stream.getvalue()
        clock.now_s = 100.0
        advance(9)
        with progress.phase("a part", 1):
            assert "about 15 min 00 s left" in stream.getvalue()
    assert "train: 1 min 40 s" in stream.getvalue()


def test_a_phase_of_nothing_and_one_that_overshoots_are_shown(clock):
    stream = io.StringIO()
    progress = LineProgress(stream, clock)
    with progress.phase("nothing", 0) as advance:
        clock.now_s += 3
        advance(0)
    with progress.phase("more", 1) as advance:
        clock.now_s += 3
        advance(2)
    assert stream.getvalue().splitlines() == [
        "nothing: done in 3 s",
        "more: 100%, about 0 s left",
        "more: done in 3 s",
    ]


def test_a_phase_that_fails_is_not_called_done(clock):
    stream = io.StringIO()

    def fail():
        with LineProgress(stream, clock).phase("train", 1):
            clock.now_s = 9.0
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert stream.getvalue() == ""


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_stream_decides_how_progress_is_shown():
    assert progress_on(Terminal(), quiet=True) is SILENT
    assert isinstance(progress_on(Terminal(), quiet=False), BarProgress)
    assert isinstance(progress_on(io.StringIO(), quiet=False), LineProgress)


def test_bars_of_nested_phases_come_and_go(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    progress = BarProgress(stream)
    for number in range(2):
        with progress.phase(f"outer {number}", 2) as outer:
            with progress.phase(f"inner {number}", 1) as inner:
                inner(1)
            outer()
    shown = stream.getvalue()
    assert all(f"{name} {number}" in shown for name in ("outer", "inner") for number in range(2))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")],
)
def test_durations_are_written_as_people_say_them(seconds, words):
    assert duration(seconds) == words
