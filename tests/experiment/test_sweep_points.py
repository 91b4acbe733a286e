import pytest

from experiment.scenario import dump, from_mapping
from experiment.scenario_error import ScenarioError
from experiment.sweep_points import in_words, sweep_points
from experiment.yaml_document import read_value


def points_of(text, *overrides):
    return sweep_points(from_mapping(read_value(text, "f.yaml"), "f.yaml", overrides))


def refused(text, *overrides):
    with pytest.raises(ScenarioError) as caught:
        points_of(text, *overrides)
    assert "\n" not in str(caught.value)
    return caught.value


def test_without_a_sweep_there_are_no_points():
    assert points_of("seed: 1") == ()
    assert points_of("sweep: {}") == ()


def test_keys_form_a_grid_in_the_order_of_the_file():
    points = points_of("sweep: {seed: [7, 5], workload.devices: [30, 10, 20]}")
    assert [point.values for point in points] == [
        {"seed": seed, "workload.devices": devices} for seed in (7, 5) for devices in (30, 10, 20)
    ]
    assert all(point.scenario.seed == point.values["seed"] for point in points)
    assert all(
        point.scenario.workload.devices == point.values["workload.devices"] for point in points
    )


def test_zipped_keys_go_together_and_groups_form_a_grid():
    points = points_of(
        "sweep: {models.fusion: [1, 2], zip: {seed: [1, 2], workload.devices: [10, 20]}}"
    )
    assert [tuple(point.values.values()) for point in points] == [
        (1, 1, 10),
        (1, 2, 20),
        (2, 1, 10),
        (2, 2, 20),
    ]
    points = points_of("sweep: {zip: [{seed: [1, 2]}, {models.fusion: [1, 2]}]}")
    assert len(points) == 4


def test_seeds_replicate_every_point():
    points = points_of("seed: 10\nsweep: {models.fusion: [1, 2], seeds: 3}")
    assert [point.scenario.seed for point in points] == [10, 11, 12, 10, 11, 12]
    assert [point.scenario.seed for point in points_of("sweep: {seeds: 2}")] == [0, 1]


def test_a_point_is_the_scenario_with_its_values_and_no_sweep():
    (point, _) = points_of("policy: {kind: never}\nsweep: {workload.devices: [10, 20]}")
    alone = from_mapping(
        {"name": "f", "policy": {"kind": "never"}, "workload": {"devices": 10}}, "f"
    ).scenario
    assert point.scenario == alone
    assert "sweep" not in dump(point.scenario)


def test_a_points_id_follows_its_scenario_and_not_its_place_in_the_sweep():
    short = points_of("sweep: {seed: [1, 2]}")
    long = points_of("sweep: {seed: [0, 1, 2, 3]}")
    assert {point.id for point in short} < {point.id for point in long}
    assert len({point.id for point in long}) == 4


def test_whole_policies_can_be_swept():
    points = points_of("sweep: {policy: [{kind: never}, {kind: periodic, every: 5}]}")
    assert [point.scenario.policy.kind for point in points] == ["never", "periodic"]
    assert in_words(points[1].values) == "policy={kind: periodic, every: 5}"


def test_a_swept_kind_drops_keys_at_the_points_that_do_not_know_them():
    never, periodic = points_of(
        "policy: {kind: periodic, every: 5}\nsweep: {policy.kind: [never, periodic]}"
    )
    assert never.dropped_keys == ("policy.every",)
    assert periodic.dropped_keys == ()
    assert periodic.scenario.policy.every == 5


def test_a_swept_key_drops_the_one_that_it_excludes():
    (point,) = points_of("cloud: {replicas: 3}\nsweep: {cloud.devices_per_replica: [100]}")
    assert point.dropped_keys == ("cloud.replicas",)


def test_a_key_that_the_sweep_gives_need_not_stand_in_its_section():
    points = points_of("policy: {kind: consistency}\nsweep: {policy.threshold: [0.2, 0.4]}")
    assert [point.scenario.policy.threshold for point in points] == [0.2, 0.4]


def test_set_can_change_the_sweep():
    text = "sweep: {models.fusion: [1, 2]}"
    assert len(points_of(text, "sweep.models.fusion=[1, 2, 3]")) == 3
    assert len(points_of(text, "sweep.seeds=2")) == 4
    assert points_of(text, "sweep={}") == ()


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        ("sweep:", "sweep", "is null"),
        ("sweep: [1]", "sweep", "must be a mapping"),
        ("sweep: {policy.kind: never}", "sweep.policy.kind", "must be a list of 1 or more values"),
        ("sweep: {policy.kind: []}", "sweep.policy.kind", "is an empty list"),
        ("sweep: {policy: {threshold: [1]}}", "sweep.policy", "is a mapping; must be a list"),
        ("sweep: {seeds: 0}", "sweep.seeds", "at least 1"),
        ("sweep: {workload.devcies: [1]}", "sweep.workload.devcies", "did you mean devices?"),
        ("sweep: {workloud.devices: [1]}", "sweep.workloud.devices", "did you mean workload?"),
        ("sweep: {workload.devices: [5, 0]}", "sweep.workload.devices", "is 0; must be"),
        ("sweep: {policy.kind: [never, alwys]}", "sweep.policy.kind", "did you mean always?"),
        ("sweep: {name.x: [1]}", "sweep.name.x", "name is no mapping"),
        (
            "policy: {kind: random}\nsweep: {policy.probability: [x]}",
            "sweep.policy.probability",
            "",
        ),
        ("policy: {kind: never}\nsweep: {policy.kind: [periodic]}", "sweep.policy.kind", "every"),
        (
            "sweep: {policy: [{kind: never}, {kind: periodic, evry: 5}]}",
            "sweep.policy.evry",
            "in {kind: periodic, evry: 5}: unknown key; did you mean every?",
        ),
        ("sweep: {zip: {seed: [1, 2], models.fusion: [1]}}", "sweep.zip", "equally many"),
        ("sweep: {zip: [{}]}", "sweep.zip", "equally many"),
        ("sweep: {seed: [1], seeds: 2}", "sweep.seed", "twice"),
        ("sweep: {seed: [1], zip: {seed: [2]}}", "sweep.seed", "twice"),
        ("sweep: {seed: [1, 1]}", "sweep", "the same run: seed=1"),
    ],
)
def test_bad_sweeps_name_the_swept_key(text, key, message):
    error = refused(text)
    assert error.key == key
    assert message in error.message


@pytest.mark.parametrize("override", ["seed=3", "workload.devices=3"])
def test_what_is_swept_cannot_be_set_beside(override):
    key = override.split("=")[0]
    error = refused("sweep: {seed: [1, 2], workload.devices: [1, 2]}", override)
    assert error.key == key
    assert f"--set sweep.{key}=[...]" in error.message


def test_a_swept_section_cannot_be_set_below():
    error = refused("sweep: {policy: [{kind: never}]}", "policy.kind=always")
    assert error.key == "policy"


@pytest.mark.parametrize("section_first", [True, False])
def test_a_key_below_a_swept_section_stays_whatever_comes_first(section_first):
    axes = ["cloud: [{replicas: 1, queue_limit: 5}, {replicas: 3}]", "cloud.queue_limit: [50, 60]"]
    points = points_of(f"sweep: {{{', '.join(axes if section_first else axes[::-1])}}}")
    clouds = [(point.scenario.cloud.replicas, point.scenario.cloud.queue_limit) for point in points]
    assert sorted(clouds) == [(1, 50), (1, 60), (3, 50), (3, 60)]
    assert list(points[0].values) == ["cloud", "cloud.queue_limit"][:: 1 if section_first else -1]


def test_a_key_below_a_swept_policy_completes_it():
    points = points_of(
        "policy: {kind: never}\n"
        "sweep: {policy.threshold: [0.2, 0.4], policy: [{kind: consistency}]}"
    )
    assert [point.scenario.policy.threshold for point in points] == [0.2, 0.4]
