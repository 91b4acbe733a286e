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
def _asleep(rules: Any, device: Any, time_s: float) -> bool:
    return rules.promotion_s > 0 and time_s > device.idle_s


@compiled
def _wake(rules: Any, device: Any, time_s: float) -> float:
    """Return when the first byte can cross (`sim.radio.states`)."""
    if not rules.promotion_s > 0:
        return time_s
    if time_s > device.idle_s:
        device.ready_s = time_s + rules.promotion_s
        _busy(rules, device, device.ready_s)
        return device.ready_s
    return max(device.ready_s, time_s)


@compiled
def _busy(rules: Any, device: Any, until_s: float) -> None:
    if rules.promotion_s > 0:
        device.idle_s = max(until_s + rules.tail_s, device.idle_s)


@compiled
def send_up(
    rules: Any, at: Any, heap: Any, device: Any, request: Any, number: int, factor: float
) -> None:
    """Send a request now, the latency being half a round trip x a factor."""
    wake_s = max(device.up_free_s, at.now_s)
    start_s = _wake(rules, device, wake_s)
    end_s = start_s + 8 * wire_bytes(rules, request.bytes_up) / device.up_bps
    _busy(rules, device, end_s)
    device.up_free_s = end_s
    request.up_wake_s, request.up_start_s, request.up_end_s = wake_s, start_s, end_s
    schedule(at, heap, end_s + rules.half_rtt_s * factor, DELIVERY, ARRIVES, number)


@compiled
def send_down(
    rules: Any, at: Any, heap: Any, device: Any, request: Any, number: int, factor: float
) -> None:
    """Send the reply to a request now; its crossing is known at once unless it wakes the radio."""
    now_s = at.now_s
    request.answered_s = now_s
    reaching_s = now_s + rules.half_rtt_s * factor
    if reaching_s <= device.reached_s:
        reaching_s = math.nextafter(device.reached_s, math.inf)
    device.reached_s = reaching_s
    if now_s > device.out_of_sight_s:
        wake_s = max(device.down_free_s, reaching_s)
        if reaching_s == now_s or not _asleep(rules, device, wake_s):
            cross_down(rules, at, heap, device, request, number, reaching_s)
            return
    device.out_of_sight_s = reaching_s
    schedule(at, heap, reaching_s, DELIVERY, REACHES, number)


@compiled
def cross_down(
    rules: Any, at: Any, heap: Any, device: Any, request: Any, number: int, reaching_s: float
) -> None:
    """Let a reply cross the link that it reaches at a time."""
    wake_s = max(device.down_free_s, reaching_s)
    start_s = _wake(rules, device, wake_s)
    size_bytes = rules.list_bytes if request.batch_size > 0 else rules.rejection_bytes
    end_s = start_s + 8 * wire_bytes(rules, size_bytes) / device.down_bps
    _busy(rules, device, end_s)
    device.down_free_s = end_s
    request.down_wake_s, request.down_start_s, request.down_end_s = wake_s, start_s, end_s
    schedule(at, heap, end_s, DELIVERY, RECEIVES, number)
