"""The benchmark of scale measures what it says, on sizes that take no time."""

import pytest

from benchmarks.scale import few_in_session, lines, main, sparse_lines
from benchmarks.scale_sizes import Size, Sparse, anonymous_peak, run_size, run_sparse
from benchmarks.throughput_workload import workload

TINY_LLM = {"hidden": 16, "layers": 1, "heads": 2, "intermediate": 32}


def size(devices, whole_s, anonymous_mb):
    wall_s = {"prepare": 1.0, "train": 0.0, "infer": 0.0, "simulate": whole_s - 3.0, "report": 2.0}
    return Size(
        devices,
        20 * devices,
        9 * devices,
        40 * devices,
        wall_s,
        2 * anonymous_mb,
        anonymous_mb,
        devices * 600,
        60 * devices,
    )


def test_growth_is_told_by_hand():
    text = "\n".join(lines([size(1000, 5.0, 100.0), size(11_000, 27.5, 200.0)], load=0.5))
    assert "| 1,000 | 9,000 | 5.0 s | 3.0 s | 5000 us |" in text
    assert "x 0.77 without the report, x 0.50 with it" in text  # 2.3 and 2.5 ms after 3 and 5
    assert "a further device: 2250 us and 21.0 kB at the peak" in text  # 22.5 s by 10,000
    assert "10.5 kB are in no file" in text  # 100 MiB by 10,000
    assert "30.0 bytes of records an interaction" in text


def test_a_device_that_is_not_in_session_is_told_by_hand():
    line, speed = sparse_lines([Sparse(1 << 20, 100.0, 10, 1.0), Sparse(3 << 20, 200.0, 30, 2.0)])
    assert "50 bytes" in line
    assert "30 events in 2.0 s, 15 a second" in speed
    # Where nothing is known of memory, nothing is told.
    assert not sparse_lines([Sparse(1 << 20, 0.0, 10, 1.0), Sparse(3 << 20, 0.0, 30, 2.0)])


def test_the_peak_of_memory_is_seen():
    with anonymous_peak() as peak:
        held = bytearray(b"x") * (64 << 20)
    assert peak[0] >= len(held) / 2**20


def test_runs_of_two_kinds_are_measured(tmp_path):
    tiny = workload(60, users=60, items=1000, steps=4, llm=TINY_LLM).scenario
    measured = run_size(tiny, tmp_path)
    assert (measured.devices, measured.interactions) == (60, 240)
    assert measured.simulated == 3 * 240
    assert measured.record_bytes > 0
    spread = few_in_session(4).workload
    assert spread.start_spread_s == pytest.approx(4 / 20.0)
    assert run_sparse(tiny, tmp_path).devices == 60


def test_where_memory_is_not_known_nothing_is_told_of_it():
    text = "\n".join(lines([size(1000, 5.0, 0.0), size(11_000, 27.5, 0.0)], load=0.5))
    assert "a further device: 2250 us\n" in text
    assert "a GiB" not in text


@pytest.mark.parametrize(
    "words", [["--devices", "many"], ["--devices", "9", "9"], ["--sparse", "9", "8"]]
)
def test_sizes_that_are_none_or_do_not_ascend_are_refused(words, capsys):
    with pytest.raises(SystemExit) as refused:
        main(words)
    assert refused.value.code == 2
    assert words[0] in capsys.readouterr().err
