"""Messages on links of constant speed, as `sim.network.links.Links` carries them."""

import math
from typing import Any

from sim.clock import DELIVERY
from sim.compiled.agenda import ARRIVES, REACHES, RECEIVES, schedule
from sim.compiled.code import compiled


@compiled
def wire_bytes(rules: Any, size_bytes: int) -> int:
    """Return the bytes of a message with the headers of its packets (`sim.network.framing`)."""
    packets = max(1, -(-size_bytes // rules.packet_bytes))
    return size_bytes + rules.packet_header_bytes * packets


@compiled
def _asleep(rules: Any, session: Any, time_s: float) -> bool:
    return rules.promotion_s > 0 and time_s > session.idle_s


@compiled
def _wake(rules: Any, session: Any, time_s: float) -> float:
    """Return when the first byte can cross (`sim.radio.states`)."""
    if not rules.promotion_s > 0:
        return time_s
    if time_s > session.idle_s:
        session.ready_s = time_s + rules.promotion_s
        _busy(rules, session, session.ready_s)
        return session.ready_s
    return max(session.ready_s, time_s)


@compiled
def _busy(rules: Any, session: Any, until_s: float) -> None:
    if rules.promotion_s > 0:
        session.idle_s = max(until_s + rules.tail_s, session.idle_s)


@compiled
def send_up(
    rules: Any, at: Any, heap: Any, session: Any, request: Any, number: int, factor: float
) -> None:
    """Send a request now, the latency being half a round trip x a factor."""
    wake_s = max(session.up_free_s, at.now_s)
    start_s = _wake(rules, session, wake_s)
    end_s = start_s + 8 * wire_bytes(rules, request.bytes_up) / session.up_bps
    _busy(rules, session, end_s)
    session.up_free_s = end_s
    request.up_wake_s, request.up_start_s, request.up_end_s = wake_s, start_s, end_s
    schedule(at, heap, end_s + rules.half_rtt_s * factor, DELIVERY, ARRIVES, number)


@compiled
def send_down(
    rules: Any, at: Any, heap: Any, session: Any, request: Any, number: int, factor: float
) -> None:
    """Send the reply to a request now; its crossing is known at once unless it wakes the radio."""
    now_s = at.now_s
    request.answered_s = now_s
    reaching_s = now_s + rules.half_rtt_s * factor
    if reaching_s <= session.reached_s:
        reaching_s = math.nextafter(session.reached_s, math.inf)
    session.reached_s = reaching_s
    if now_s > session.out_of_sight_s:
        wake_s = max(session.down_free_s, reaching_s)
        if reaching_s == now_s or not _asleep(rules, session, wake_s):
            cross_down(rules, at, heap, session, request, number, reaching_s)
            return
    session.out_of_sight_s = reaching_s
    schedule(at, heap, reaching_s, DELIVERY, REACHES, number)


@compiled
def cross_down(
    rules: Any, at: Any, heap: Any, session: Any, request: Any, number: int, reaching_s: float
) -> None:
    """Let a reply cross the link that it reaches at a time."""
    wake_s = max(session.down_free_s, reaching_s)
    start_s = _wake(rules, session, wake_s)
    size_bytes = rules.list_bytes if request.batch_size > 0 else rules.rejection_bytes
    end_s = start_s + 8 * wire_bytes(rules, size_bytes) / session.down_bps
    _busy(rules, session, end_s)
    session.down_free_s = end_s
    request.down_wake_s, request.down_start_s, request.down_end_s = wake_s, start_s, end_s
    schedule(at, heap, end_s, DELIVERY, RECEIVES, number)
