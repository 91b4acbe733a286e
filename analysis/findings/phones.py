"""What phones leave out that lack power or budget to score a list."""

import numpy as np

from analysis.findings.finding import Finding
from analysis.numerals import percent
from analysis.records import RunRecords

#: Beyond this share of steps that devices did not re-rank, baselines that re-rank all of them say
#: what these devices could not have done.
MANY_NOT_RERANKED = 0.02

#: Beyond this share of devices that stopped re-ranking, they shape the result.
MANY_STOPPED = 0.05

#: Request policies that read how far the phone's order of a list agrees with the cloud's.
READ_CONSISTENCY = ("consistency", "consistency_drop")


def could_not(share: float) -> str:
    """Return the remark that phones could not have ranked the catalogue; empty where they could.

    Args:
        share: of interactions at which they had no power or budget to score even their list.
    """
    if share <= MANY_NOT_RERANKED:
        return ""
    return (
        f" These phones could not have done it: at {percent(share)} of steps they had no power or "
        f"budget to score even the list that they held."
    )


def unscored(records: RunRecords) -> Finding | None:
    """Say how often devices asked at steps that they scored, and at those that they did not."""
    share = share_ranked(records, "llm")
    if share <= MANY_NOT_RERANKED:
        return None
    frame = records.interactions
    own_order = (frame["ranked_by"] == "llm").to_numpy(dtype=np.bool_)
    requested = frame["requested"].to_numpy(dtype=np.bool_)
    asked = f"They asked at {percent(float(requested[own_order].mean()))} of these"
    if not own_order.all():
        asked += f", at {percent(float(requested[~own_order].mean()))} of the others"
    reads = records.policy_kind in READ_CONSISTENCY
    why = (
        f" Their policy ({records.policy_kind}) reads the agreement that scoring gives, so it "
        f"never asks where a list is not scored: fewer requests are no merit of its threshold."
        if reads
        else ""
    )
    off = float((frame["battery_share"] == 0).mean()) if "battery_share" in frame else 0.0
    if off:
        why += f" At {percent(off)} of all steps the battery was empty: then no policy can ask."
    return Finding(
        "accuracy",
        reads or off > MANY_NOT_RERANKED,
        f"{percent(share)} of steps were not scored on the device.",
        f"Phones had no power or budget to score their lists there. {asked}.{why}",
    )


def batteries(records: RunRecords) -> Finding | None:
    """Say how many devices saved energy, and how many had stopped; None without batteries."""
    frame = records.interactions
    if "battery_share" not in frame:
        return None
    floors = records.scenario["devices"]["battery"]
    last = frame[["device", "battery_share"]].groupby("device")["battery_share"].last()
    saving = float((last < floors["saver_below"]).mean())
    stopped = float(((last < floors["stop_below"]) | (last == 0)).mean())
    empty = float((last == 0).mean())
    off = (
        f" {percent(empty)} were empty: these phones were off, and asked no more." if empty else ""
    )
    own_order = share_ranked(records, "llm")
    return Finding(
        "batteries",
        stopped > MANY_STOPPED,
        f"{percent(stopped)} of devices had stopped re-ranking at their last decision.",
        f"Their batteries were {_stopped(floors['stop_below'])}; {percent(saving)} were below "
        f"{_floor(floors['saver_below'])}, where every {_ordinal(floors['saver_every'])} list is "
        f"re-ranked.{off} {percent(own_order)} of all interactions saw the LLM's own order.",
    )


def share_ranked(records: RunRecords, by: str) -> float:
    """Return the share of interactions whose list was ordered by `fusion`, `llm` or so on."""
    return float((records.interactions["ranked_by"] == by).mean())


def _stopped(floor: float) -> str:
    return f"below {_floor(floor)}" if floor else "empty"


def _floor(share: float) -> str:
    return f"{100 * share:g}%"


def _ordinal(number: int) -> str:
    return {1: "single", 2: "second", 3: "third"}.get(number, f"{number}th")
