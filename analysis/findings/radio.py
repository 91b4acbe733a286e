"""Whether the radio's energy was simulated at all."""

import math
from collections.abc import Mapping
from typing import Any

from analysis.findings.finding import Finding
from analysis.records import RunRecords

NO_RADIO = "none"


def without_radio(scenario: Mapping[str, Any]) -> list[str]:
    """Return the networks of a scenario that take time or bytes and have the radio `none`.

    Not one that takes no time at all, which stands for no network, and not the regime `none`.
    """
    network: Mapping[str, Any] = scenario.get("network") or {}
    regimes: Mapping[str, Any] = network.get("regimes") or {"the network": network}
    return [
        name
        for name, link in regimes.items()
        if name != NO_RADIO
        and isinstance(link, Mapping)
        and link.get("radio", network.get("radio")) == NO_RADIO
        and not _takes_no_time(link)
    ]


def _takes_no_time(link: Mapping[str, Any]) -> bool:
    bps = (link.get("up_bps"), link.get("down_bps"))
    return link.get("rtt_s") == 0 and bps == (math.inf, math.inf)


def no_energy(records: RunRecords) -> Finding | None:
    """Say where the energy of radios is 0 because they have none, not because they spent none."""
    names = without_radio(records.scenario)
    if not names or records.requests.empty:
        return None
    regimes = bool(records.scenario["network"].get("regimes"))
    key = "network.regimes.NAME.radio" if regimes else "network.radio"
    where = f"In {', '.join(names)} phones" if regimes else "Phones"
    battery = bool((records.scenario.get("devices") or {}).get("battery"))
    empties = " Batteries empty more slowly than they would." if battery else ""
    return Finding(
        "cost",
        battery,
        "The radio's energy is not counted.",
        f"{where} have the radio `{NO_RADIO}`, whose energy is 0 whatever it sends: that 0 is a "
        f"setting, not a result.{empties} `{key}` names a radio whose energy is counted.",
    )
