"""Where the cloud hurt: saturated, failing, out."""

import math

import numpy as np

from analysis import faults, load, responses
from analysis.findings.finding import Finding
from analysis.load import SATURATED
from analysis.numerals import count, percent, seconds
from analysis.records import RunRecords

#: Beyond this share of requests that bring no list, the network or cloud shapes the result.
MANY_FAILED = 0.05

#: Beyond this share of requests that arrive at a saturated cloud, its average load misleads.
MANY_SATURATED = 0.2

#: A recovery that takes no longer than this is one at once.
AT_ONCE_S = 1.0


def saturation(records: RunRecords) -> Finding | None:
    """Warn where the cloud is busier than 95% of the time, or was while many requests came."""
    utilisation = records.summary["cloud"]["utilisation"]
    if utilisation is not None and utilisation > SATURATED:
        return Finding(
            "cloud",
            True,
            "The cloud is saturated.",
            f"Its replicas were busy {percent(utilisation)} of the time. Above 95% queues grow "
            f"with the length of the run, so response times say how long was simulated, not how "
            f"fast the cloud is. Add replicas, batch more or ask less.",
        )
    share = load.share_arriving_saturated(records)
    if share <= MANY_SATURATED:
        return None
    return Finding(
        "cloud",
        True,
        "The cloud was saturated while it mattered.",
        f"{percent(share)} of requests arrived while its replicas were busy more than 95% of the "
        f"time, though over the whole run they were busy {percent(utilisation)}. Response times "
        f"depend on how long that lasted.",
    )


def failures(records: RunRecords) -> Finding | None:
    """Warn where many requests brought the device no list."""
    outcomes, requests = records.summary["outcomes"], records.summary["requests"]
    failed = {name: outcomes[name] for name in ("timed_out", "rejected", "lost") if outcomes[name]}
    if not requests or sum(failed.values()) <= MANY_FAILED * requests:
        return None
    parts = ", ".join(f"{name.replace('_', ' ')} {count(n)}" for name, n in failed.items())
    return Finding(
        "outcomes",
        True,
        f"{percent(sum(failed.values()) / requests)} of requests failed.",
        f"Of {count(requests)} requests: {parts}. Their devices kept their old lists.",
    )


def outages(records: RunRecords) -> list[Finding]:
    """Say of each outage what became of requests, and how long responses took to recover."""
    return [
        _outage(records, fault) for fault in faults.of_cloud(records) if fault.kind == "outages"
    ]


def _outage(records: RunRecords, fault: faults.Fault) -> Finding:
    requests = records.requests
    sent_s = requests["sent_s"].to_numpy(dtype=np.float64)
    during = (sent_s >= fault.start_s) & (sent_s < fault.end_s)
    failed = ~np.isfinite(responses.time_to_list_s(requests))
    lost = float(failed[during].mean()) if during.any() else 0.0
    before_s, recovery_s = responses.recovery_s(records, fault)
    lasted = seconds(fault.end_s - fault.start_s)
    text = (
        f"Of {count(during.sum())} requests sent in the {lasted} without a cloud, "
        f"{percent(lost)} brought their devices no list"
    )
    before = f"again within 10% of the {seconds(before_s)} before it"
    if math.isnan(before_s):
        text += "; too few were sent before it to say when responses were as fast again."
    elif math.isnan(recovery_s):
        text += (
            f"; too few requests were sent after it to say when responses were as fast again (a "
            f"median needs {responses.FEWEST} within {responses.WINDOW_S:g} s)."
        )
    elif math.isinf(recovery_s):
        text += (
            f"; wherever enough were sent after it to say ({responses.FEWEST} within "
            f"{responses.WINDOW_S:g} s), the median response time was not {before}."
        )
    elif recovery_s < AT_ONCE_S:
        text += f". Right after its end the median response time was {before}."
    else:
        text += (
            f". {seconds(recovery_s)} after its end the median response time was {before} "
            f"(looked at over {responses.WINDOW_S:g} s)."
        )
    return Finding("cloud", lost > MANY_FAILED, f"The cloud was out for {lasted}.", text)


def never_came(records: RunRecords) -> Finding | None:
    """Warn of scheduled faults that lie after the end of the run; None without any."""
    late = faults.after_end(records)
    if not late:
        return None
    named = ", ".join(f"{fault.name} at {count(fault.start_s)} s" for fault in late)
    return Finding(
        "cloud",
        True,
        "Faults of the scenario lie after the end of the run.",
        f"The run ended at {count(records.simulated_s)} s; these never came: {named}.",
    )
