"""Progress of long work on standard error: a bar on a terminal, now and then a line elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, ProgressColumn, Task, TaskProgressColumn, TextColumn
from rich.progress import Progress as Bars
from rich.text import Text

from workloads.progress import SILENT, Advance, Progress

SHORT_S = 2.0
"""A phase that takes less leaves no line behind."""
LINE_EVERY_S = 5.0
"""Plain lines of one phase are at least this far apart."""
TELLING_SHARE = 0.03
"""What is done of a phase before it tells how long the rest takes: first parts load and warm up."""


def progress_on(stream: TextIO, quiet: bool) -> Progress:
    """Return the progress that suits a stream: bars, plain lines, or nothing if `quiet`."""
    if quiet:
        return SILENT
    return BarProgress(stream) if stream.isatty() else LineProgress(stream)


class BarProgress:
    """A bar with the time left for each open phase.

    Args:
        stream: a terminal.
        clock: returns the time in seconds; tests give their own.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[note]}", style="dim"),
            _TimeLeft(),
            console=Console(file=stream),
            transient=True,
            get_time=clock,
        )

    @contextmanager
    def phase(self, title: str, total: float) -> Iterator[Advance]:
        """Show a bar for a phase of `total` units, and how long it took when it was long."""
        began_s = self._clock()
        task = self._bars.add_task(title, total=total, note="")

        def advance(amount: float = 1, note: str = "") -> None:
            self._bars.update(task, advance=amount, note=note)

        self._bars.start()
        try:
            yield advance
        finally:
            self._bars.remove_task(task)
            if not self._bars.task_ids:
                self._bars.stop()
        took_s = self._clock() - began_s
        if took_s >= SHORT_S:
            self._bars.console.print(f"{title}: {duration(took_s)}", highlight=False)


class LineProgress:
    """Lines with the share done and the time left, for logs and pipes.

    Args:
        stream: where lines go.
        clock: returns the time in seconds; tests give their own.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock

    @contextmanager
    def phase(self, title: str, total: float) -> Iterator[Advance]:
        """Write a line once a phase of `total` units turns out long, then every few seconds."""
        began_s = self._clock()
        next_line_s = began_s + SHORT_S
        done = 0.0

        def advance(amount: float = 1, note: str = "") -> None:
            nonlocal done, next_line_s
            done += amount
            now_s = self._clock()
            if now_s < next_line_s or done <= 0 or total <= 0:
                return
            next_line_s = now_s + LINE_EVERY_S
            left_s = time_left_s(now_s - began_s, done, total)
            estimate = "" if left_s is None else f", about {duration(left_s)} left"
            share = min(done / total, 1)
            noted = f" ({note})" if note else ""
            self._write(f"{title}: {share:.0%}{estimate}{noted}")

        yield advance
        took_s = self._clock() - began_s
        if took_s >= SHORT_S:
            self._write(f"{title}: done in {duration(took_s)}")

    def _write(self, line: str) -> None:
        print(line, file=self._stream, flush=True)


def time_left_s(elapsed_s: float, done: float, total: float) -> float | None:
    """Return how long the rest of a phase takes at its mean speed so far; None: too early to tell.

    The mean over the whole phase, because it changes slowly.

    Args:
        elapsed_s: since the phase began, s.
        done: units of work that are done.
        total: all of them, above 0.
    """
    if elapsed_s < SHORT_S or done < TELLING_SHARE * total:
        return None
    return elapsed_s * max(total - done, 0) / done


class _TimeLeft(ProgressColumn):
    """The time left of a bar's phase, once it can be told."""

    max_refresh = 1.0

    def render(self, task: Task) -> Text:
        """Return it as a text."""
        if not task.total:
            return Text()
        left_s = time_left_s(task.elapsed or 0.0, task.completed, task.total)
        return Text("" if left_s is None else f"about {duration(left_s)} left")


def duration(seconds: float) -> str:
    """Return a time as people say it: `8 s`, `3 min 20 s`, `2 h 05 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
