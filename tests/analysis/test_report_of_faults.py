"""What a run's report shows of faults, retries, coverage, batteries and traffic, and only then."""

import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from faulty_run import change_json, write_faulty_run
from run_directory import Case, write_run

from analysis import faults, load, records, responses, run_report, simulated
from analysis.faults import Fault
from analysis.figures import (
    attempts_over_time,
    cloud_load,
    coverage_over_time,
    energy_by_state,
    outcomes_over_time,
    response_over_time,
    response_parts,
    traffic,
    who_ranked,
)
from analysis.findings import baselines, cloud, phones, radio
from analysis.findings.finding import Finding
from analysis.records import RunRecords

ONLY_WITH_SOMETHING_TO_SHOW = {
    "attempts_over_time",
    "coverage_over_time",
    "response_over_time",
    "traffic",
    "who_ranked",
}


NAMES = ("replica 1 slow", "no coverage", "links degraded")


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> RunRecords:
    return records.read(write_faulty_run(tmp_path_factory.mktemp("faulty") / "run"))


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> RunRecords:
    """A run whose cloud is quick, so that responses hardly differ."""
    case = Case(service_s=0.05)
    return records.read(write_run(tmp_path_factory.mktemp("calm") / "run", case))


def drawn(run: RunRecords) -> set[str]:
    return {d.name for draw in run_report.FIGURES if (d := draw(run)) is not None}


def test_figures_are_there_exactly_where_there_is_something_to_show(
    faulty: RunRecords, calm: RunRecords
) -> None:
    assert drawn(faulty) - drawn(calm) == ONLY_WITH_SOMETHING_TO_SHOW
    assert drawn(calm) <= drawn(faulty)


def test_the_page_has_every_figure_and_finding(faulty: RunRecords, calm: RunRecords) -> None:
    drawings = {d.name: d for draw in run_report.FIGURES if (d := draw(faulty)) is not None}
    page = run_report.html(faulty, drawings)
    for name in drawings:
        assert page.count(f'<figure id="{name}">') == 1
    for headline in ("The cloud was out for 60.0 s.", "of devices had stopped re-ranking"):
        assert headline in page
        assert headline not in run_report.html(calm, {})
    assert "outage from 150 s to 3.50 min" in page


def test_phones_that_are_off_are_told_of_whatever_the_floor(faulty: RunRecords) -> None:
    frame = faulty.interactions.frame().assign(battery_share=0.0, ranked_by="llm", requested=False)
    scenario = {**faulty.scenario, "policy": {"kind": "always"}}
    floors = {**scenario["devices"]["battery"], "stop_below": 0.0}
    scenario["devices"] = {**scenario["devices"], "battery": floors}
    run = replace(faulty, interactions=frame, scenario=scenario)
    stopped, unscored = phones.batteries(run), phones.unscored(run)
    assert stopped is not None
    assert stopped.headline.startswith("100% of devices had stopped")
    assert "Their batteries were empty;" in stopped.text
    assert "100% were empty" in stopped.text
    assert unscored is not None
    assert unscored.warns
    assert "At 100% of all steps the battery was empty" in unscored.text


def test_faults_are_those_of_the_scenario_cut_at_the_end(faulty: RunRecords) -> None:
    assert faults.of_run(faulty) == [
        Fault("outages", "outage", 150.0, 210.0, "refuses requests, its work is lost"),
        Fault("crashes", "replica 0 down", 300.0, faulty.simulated_s, "its work is retried"),
    ]


def test_whom_faults_hit_and_how_hard(faulty: RunRecords) -> None:
    lasting = {"start_s": 10.0, "duration_s": 60.0}
    given = {
        "degradations": [
            {**lasting, "cells": [1], "bandwidth_factor": 0.01, "extra_rtt_s": 0.5},
            {**lasting, "share": 1.0, "bandwidth_factor": 0.5, "extra_rtt_s": 0.0},
        ],
        "coverage_losses": [{**lasting, "share": 0.25}, {**lasting, "regions": [0, 2]}],
        "slow_replicas": [{**lasting, "replica": 1, "factor": 5.0}],
    }
    run = replace(faulty, scenario={**faulty.scenario, "faults": given})
    when = "from 10.0 s to 70.0 s"
    assert dict(simulated.lines(run))["Faults"].split("; ") == [
        f"replica 1 slow {when} (5 times as slow)",
        f"no coverage {when} (25.0% of devices)",
        f"no coverage {when} (devices of regions 0, 2)",
        f"links degraded {when} (devices of cell 1, bandwidth times 0.01, round trips 0.5 s "
        "longer)",
        f"links degraded {when} (all devices, bandwidth times 0.5)",
    ]


def test_what_was_lost_in_an_outage(faulty: RunRecords) -> None:
    sent = faulty.requests["sent_s"].between(150.0, 210.0, inclusive="left").sum()
    (finding,) = cloud.outages(faulty)
    assert finding.warns
    assert f"Of {sent} requests sent in the 60.0 s" in finding.text
    assert "100% brought their devices no list" in finding.text


def request_times(sent_s: np.ndarray, took_s: np.ndarray) -> pd.DataFrame:
    answered = np.isfinite(took_s)
    outcome = np.where(answered, "delivered", "lost")
    received_s = np.where(answered, sent_s + took_s, np.nan)
    return pd.DataFrame({"sent_s": sent_s, "received_s": received_s, "outcome": outcome})


@pytest.mark.parametrize(("slow_until_s", "recovery_s"), [(40.0, 30.0), (90.0, math.inf)])
def test_recovery_by_hand(faulty: RunRecords, slow_until_s: float, recovery_s: float) -> None:
    """Two requests a second of 1 s; none answered from 20 to 25 s; then 5 s until `slow_until_s`.

    A window of 20 s has a median of 1 s as soon as half of its requests take 1 s: from 10 s before
    the slow ones end, unless they go on until the run ends.
    """
    sent_s = np.arange(0.0, 90.0, 0.5)
    took_s = np.where((sent_s >= 25) & (sent_s < slow_until_s), 5.0, 1.0)
    took_s[(sent_s >= 20) & (sent_s < 25)] = math.inf
    run = replace(faulty, requests=request_times(sent_s, took_s))
    before_s, found_s = responses.recovery_s(run, Fault("outages", "outage", 0.0, 0.0))
    assert math.isnan(before_s)  # nothing was sent in no time
    fault = Fault("outages", "outage", 20.0, 25.0)
    assert math.isnan(responses.recovery_s(run, fault)[0])  # ten requests are too few
    before_s, found_s = responses.recovery_s(run, replace(fault, start_s=12.5, end_s=25.0))
    assert before_s == 1.0
    assert found_s == (recovery_s - 25.0 if recovery_s < math.inf else math.inf)


def test_response_over_time_counts_the_lost_as_never(faulty: RunRecords) -> None:
    table = responses.over_time(faulty)
    assert table["requests"].sum() == len(faulty.requests)
    took_s = responses.time_to_list_s(faulty.requests)
    assert table["answered"].sum() == np.isfinite(took_s).sum()
    inside = table["start_s"].between(150.0, 209.0) & (table["end_s"] <= 210.0)
    assert table.loc[inside, "p50_s"].isna().all()
    known = table.dropna(subset=["p50_s", "ci95_low_s"])
    assert len(known) > 0
    assert (known["ci95_low_s"] <= known["p50_s"]).all()
    assert (known["p50_s"] <= known["ci95_high_s"]).all()
    row = known.iloc[0]
    own = took_s[faulty.requests["sent_s"].between(row["start_s"], row["end_s"], inclusive="left")]
    assert row["p50_s"] == np.sort(own)[math.ceil(len(own) / 2) - 1]
    mean_s = float(own[np.isfinite(own)].mean())
    assert row[list(responses.PARTS)].sum() == pytest.approx(mean_s)


def test_the_load_knows_how_many_replicas_there_were(faulty: RunRecords) -> None:
    table = load.over_time(faulty)
    assert table is not None
    by_hand = 300.0 / faulty.simulated_s
    width = table["end_s"] - table["start_s"]
    mean = float((table["replicas_serving"] * width).sum() / width.sum())
    assert mean == pytest.approx(by_hand)
    assert (table["replicas_on"] - 1).abs().max() < 1e-9
    drawing = cloud_load.draw(faulty)
    assert drawing is not None
    assert "Shaded: outage, replica 0 down." in drawing.caption


def test_attempts_are_counted(faulty: RunRecords) -> None:
    drawing = outcomes_over_time.draw(faulty)
    assert drawing is not None
    lost = (faulty.requests["outcome"].astype(str) == "lost").sum()
    assert f"{len(faulty.requests) + 2 * lost} attempts in all" in drawing.caption
    assert drawing.table["attempts_mean"].max() == 3
    attempts = attempts_over_time.draw(faulty)
    assert attempts is not None
    assert attempts.table["failed"].sum() == faulty.cloud_load["failed"].sum() > 0
    assert "refused or crashed" in attempts.caption


def test_coverage_by_hand(faulty: RunRecords) -> None:
    drawing = coverage_over_time.draw(faulty)
    assert drawing is not None
    assert drawing.table[["4g", "none"]].to_numpy().tolist() == [[90, 0], [60, 30]]
    assert "no coverage 16.7% in the mean; 33.3% of devices" in drawing.caption


def test_who_ranked_by_hand(faulty: RunRecords) -> None:
    drawing = who_ranked.draw(faulty)
    assert drawing is not None
    table = drawing.table.set_index(drawing.table["charge_from"].round(2))
    # 30 devices of 8 steps at each charge; steps 0, 3 and 6 are re-ranked below the saver floor.
    assert table.loc[0.0, ["fusion", "llm"]].tolist() == [0, 240]
    assert table.loc[0.1, ["fusion", "llm"]].tolist() == [90, 150]
    assert table.loc[0.9, ["fusion", "llm"]].tolist() == [240, 0]
    assert table["interactions"].sum() == len(faulty.interactions)
    finding = phones.batteries(faulty)
    assert finding is not None
    assert finding.headline.startswith("33.3% of devices had stopped")
    assert "66.7% were below 20%, where every third list is re-ranked" in finding.text


def test_traffic_by_hand(faulty: RunRecords) -> None:
    drawing = traffic.draw(faulty)
    assert drawing is not None
    up, down = drawing.table.to_dict("records")
    assert (up["contents_bytes"], up["headers_bytes"], up["sent_again_bytes"]) == (700, 240, 60)
    assert (down["contents_bytes"], down["headers_bytes"]) == (900, 100)
    assert "120 B were lost on the way. 80.0 B were still under way" in drawing.caption


def test_energy_by_radio(tmp_path: Path) -> None:
    directory = write_run(tmp_path / "run")
    worlds = records.read_json(directory / "baseline_worlds.json")
    states = {"compute": 90.0, "radio_promotion": 180.0, "radio_tail": 360.0, "idle": 900.0}
    by_radio = {
        "3g": {"promotion": 90.0, "transfer": 0.0, "tail": 270.0},
        "wifi": {"promotion": 90.0, "transfer": 0.0, "tail": 90.0},
    }
    run = {**worlds["run"], "energy_by_state_j": states, "energy_by_radio_j": by_radio}
    change_json(directory / "baseline_worlds.json", run=run)
    drawing = energy_by_state.draw(records.read(directory))
    assert drawing is not None
    table = drawing.table.set_index("state")
    assert list(table.index) == ["idle", "compute", "radio promotion", "radio tail"]
    assert table["per_device_j"].tolist() == [10.0, 1.0, 2.0, 4.0]
    assert table["3g_per_device_j"].tolist() == [0.0, 0.0, 1.0, 3.0]
    assert table["wifi_per_device_j"].tolist() == [0.0, 0.0, 1.0, 1.0]
    assert "its computing and its radio take 7.00 J" in drawing.caption


def test_a_radio_that_spends_nothing_by_setting_is_told(calm: RunRecords) -> None:
    def finding(network: dict[str, object], **devices: object) -> Finding | None:
        scenario = {**calm.scenario, "network": network, "devices": devices}
        return radio.no_energy(replace(calm, scenario=scenario))

    assert finding({"preset": "3g", "radio": "3g"}) is None
    at_once = {"rtt_s": 0.0, "up_bps": math.inf, "down_bps": math.inf, "radio": "none"}
    assert finding({"preset": "ideal", **at_once}) is None
    assert finding({"preset": "ideal", **at_once, "rtt_s": 0.2}) is not None
    trace = {"kind": "trace", "rtt_s": 0.1, "radio": "none"}
    remark = finding(trace)
    assert remark is not None
    assert not remark.warns
    assert "a setting, not a result" in remark.text
    warning = finding(trace, battery={"stop_below": 0.05})
    assert warning is not None
    assert warning.warns
    regimes = {"street": {"radio": "lte"}, "train": {"radio": "none"}, "none": {"radio": "none"}}
    mixed = finding({"kind": "mobility", "radio": "none", "regimes": regimes})
    assert mixed is not None
    assert mixed.text.startswith("In train phones have")
    assert "`network.regimes.NAME.radio`" in mixed.text


def test_answers_that_take_no_time_have_no_parts(calm: RunRecords) -> None:
    at_once = calm.requests.frame().assign(outcome="delivered")
    for name in ("arrived_cloud_s", "service_start_s", "service_end_s", "received_s"):
        at_once[name] = at_once["sent_s"]
    assert response_parts.draw(replace(calm, requests=at_once)) is None
    drawing = response_parts.draw(calm)
    assert drawing is not None
    took_s = responses.time_to_list_s(calm.requests)
    assert "waiting for coverage" not in drawing.caption
    coverage = pd.DataFrame({"time_s": [0.0], "regime": ["none"], "devices": [90]})
    roaming = response_parts.draw(replace(calm, coverage=coverage))
    assert roaming is not None
    assert "waiting for coverage" in roaming.caption
    means = drawing.table[list(responses.PARTS)].sum(axis=1)
    assert means[0] == pytest.approx(took_s[np.isfinite(took_s)].mean())
    assert means[1] > means[0]


def test_response_over_time_is_left_out_where_nothing_changes(calm: RunRecords) -> None:
    assert response_over_time.draw(calm) is None


def saving_run(directory: Path, srm: float) -> RunRecords:
    """A run that re-ranks a part of its steps only, whose SRM reaches `srm` wherever it ranks."""
    case = Case(level={**Case().level, "srm_full": srm, "srm_only": srm})
    run = records.read(write_run(directory, case))
    ranked_by = (run.interactions["step"] % 4 == 0).map({True: "fusion", False: "llm"})
    return replace(run, interactions=run.interactions.frame().assign(ranked_by=ranked_by))


def test_baselines_that_rank_every_step_are_no_verdict_on_phones_that_save(tmp_path: Path) -> None:
    saving = saving_run(tmp_path / "run", srm=0.95)
    fusion = baselines.fusion(saving)
    assert fusion is not None
    assert not fusion.warns
    assert "nothing of the fusion, which ranked only 25.0% of the steps" in fusion.text
    alone = baselines.phone_alone(saving)
    assert "on phones that could run it" in alone.headline
    assert "could not have done it: at 75.0% of steps" in alone.text
    all_fused = saving.interactions.assign(ranked_by="fusion")
    able = replace(saving, interactions=all_fused)
    assert baselines.phone_alone(able).headline == "The phone does better without the cloud."
    verdict = baselines.fusion(able)
    assert verdict is not None
    assert verdict.headline == "The fusion loses to the SRM's order alone."


def test_why_a_phone_that_saves_asks_little(tmp_path: Path, calm: RunRecords) -> None:
    assert phones.unscored(calm) is None
    saving = saving_run(tmp_path / "run", srm=0.3)
    scored = (saving.interactions["ranked_by"] == "fusion").to_numpy()
    odd = (saving.interactions["device"] % 2 == 1).to_numpy()
    saving = replace(saving, interactions=saving.interactions.assign(requested=scored & odd))
    finding = phones.unscored(saving)
    assert finding is not None
    assert finding.headline.startswith("75.0% of steps were not scored")
    assert "They asked at 0% of these, at 50.0% of the others." in finding.text
    assert "(consistency) reads the agreement that scoring gives" in finding.text
    always = replace(saving, scenario={**saving.scenario, "policy": {"kind": "always"}})
    other = phones.unscored(always)
    assert other is not None
    assert "never asks" not in other.text


def test_too_few_after_an_outage_are_no_slow_recovery(faulty: RunRecords) -> None:
    """A request every 0.5 s before the outage, and one every 5 s after it: never 20 within 20 s."""
    sent_s = np.concatenate([np.arange(0.0, 210.0, 0.5), np.arange(210.0, 1000.0, 5.0)])
    run = replace(faulty, requests=request_times(sent_s, np.ones(len(sent_s))))
    (finding,) = cloud.outages(run)
    assert "too few requests were sent after it to say" in finding.text
    assert "was not again" not in finding.text
    steady = np.arange(0.0, 1000.0, 0.5)
    slow = np.where(steady < 210.0, 1.0, 9.0)
    (finding,) = cloud.outages(replace(faulty, requests=request_times(steady, slow)))
    assert "the median response time was not again within 10% of the 1.00 s" in finding.text


def test_names_of_overlapping_faults_do_not_touch(faulty: RunRecords) -> None:
    given = {
        "slow_replicas": [{"start_s": 100.0, "duration_s": 100.0, "replica": 1}],
        "coverage_losses": [{"start_s": 120.0, "duration_s": 60.0}],
        "degradations": [{"start_s": 140.0, "duration_s": 60.0}],
    }
    run = replace(faulty, scenario={**faulty.scenario, "faults": given})
    for draw in (response_over_time.draw, outcomes_over_time.draw):
        drawing = draw(run)
        assert drawing is not None
        axes = drawing.figure.axes[0]
        names = [text for text in axes.texts if text.get_text() in NAMES]
        boxes = [name.get_window_extent() for name in names]
        assert len(boxes) == 3
        assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


def test_faults_after_the_end_are_told(faulty: RunRecords) -> None:
    assert cloud.never_came(faulty) is None
    given = {"outages": [{"start_s": 50_000.0, "duration_s": 60.0}]}
    run = replace(faulty, scenario={**faulty.scenario, "faults": given})
    assert faults.of_run(run) == []
    end = f"{run.simulated_s:,.0f} s"
    line = dict(simulated.lines(run))["Faults"]
    assert line == f"outage at 50,000 s lies after the end, {end}"
    finding = cloud.never_came(run)
    assert finding is not None
    assert finding.warns
    assert finding.text == f"The run ended at {end}; these never came: outage at 50,000 s."
