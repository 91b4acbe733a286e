"""What a dry run says a sweep will take."""

import pytest

from experiment.scenario import from_mapping
from experiment.sweep_estimate import estimated
from experiment.sweep_points import sweep_points


def estimate(**sections):
    points = sweep_points(from_mapping({"sweep": {"seeds": 3}, **sections}, "f.yaml"))
    return estimated([point.scenario for point in points])


def test_more_devices_take_more_of_everything():
    few, many = (estimate(workload={"devices": devices}) for devices in (100, 100_000))
    assert len(few.point_s) == 3
    assert min(many.point_s) > max(few.point_s)
    assert many.worlds_s > few.worlds_s
    assert many.memory_bytes > few.memory_bytes


def test_processes_share_the_work_but_not_a_point():
    three = estimate(workload={"devices": 1000})
    assert three.wall_s(1) == pytest.approx(sum(three.point_s) + three.worlds_s)
    assert three.wall_s(100) == max(three.point_s)


def test_a_wanted_frequency_has_to_be_found():
    load = {"devices": 500}
    wanted = estimate(policy={"kind": "random", "target_frequency": 0.3}, workload=load)
    given = estimate(policy={"kind": "random", "probability": 0.3}, workload=load)
    assert min(wanted.point_s) > max(given.point_s)


def test_without_the_data_nobody_knows_how_many_all_users_are():
    assert estimate(workload={"devices": "all"}) is None
