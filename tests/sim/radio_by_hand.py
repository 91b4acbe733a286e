"""A radio whose energy can be worked out by hand, and transfers that use it."""

from dataclasses import fields

import numpy as np

from sim.network.message import Direction
from sim.network.transfers import Crossing, Transfers
from sim.radio.energy import radio_energy_j
from sim.radio.radio import Radio

# Powers of 1, 2 and 3 W, a tail of 10 s at 2 W and 5 s at 1 W, promotion of 1 s at 3 W.
RADIO = Radio(
    promotion_s=1.0,
    promotion_w=3.0,
    tail=((10.0, 2.0), (5.0, 1.0)),
    alpha_up_w_per_mbps=0.5,
    alpha_down_w_per_mbps=0.25,
    beta_w=1.0,
)
MEGABIT = 125_000


def energy(*transfers, radios=(RADIO,), horizon_s=np.inf):
    """The energy of transfers (device, start_s, end_s, bytes up, bytes down[, wake_s, radio])."""
    columns = [each if len(each) == 7 else (*each, each[1], 0) for each in transfers]
    rows = [
        {
            "device": device,
            "direction": Direction.DOWN if down else Direction.UP,
            "parameters": False,
            "radio": radio,
            "transmission": 0,
            "first_sent_s": wake_s,
            "sent_s": wake_s,
            "wake_s": wake_s,
            "start_s": start_s,
            "end_s": end_s,
            "arrived_s": end_s,
            "wire_bytes": up + down,
            "lost_bytes": 0,
        }
        for device, start_s, end_s, up, down, wake_s, radio in columns
    ]
    names = [field.name for field in fields(Transfers)]
    transfers = Transfers(**{name: np.array([row[name] for row in rows]) for name in names})
    return radio_energy_j(radios, transfers, horizon_s)


def crossings(count, seed, devices=3):
    """Random transfers, many of which overlap."""
    generator = np.random.default_rng(seed)
    for _ in range(count):
        wake_s = float(generator.integers(0, 200))
        start_s = wake_s + float(generator.choice([0.0, 0.5, 3.0]))
        end_s = start_s + float(generator.choice([0.0, 1.0, 20.0]))
        direction = Direction(int(generator.integers(2)))
        yield (
            int(generator.integers(devices)),
            Crossing(wake_s, start_s, end_s, direction, int(generator.integers(10**6)), 0),
        )


def columns(transfers):
    """The same transfers as columns; each was sent when it needed its radio."""
    wake_s, start_s, end_s, direction, wire_bytes, radio = (
        np.array(column) for column in zip(*(each for _, each in transfers), strict=True)
    )
    nothing = np.zeros(len(transfers), np.int8)
    return Transfers(
        device=np.array([device for device, _ in transfers]),
        direction=direction,
        parameters=nothing.astype(bool),
        radio=radio,
        transmission=nothing,
        first_sent_s=wake_s,
        sent_s=wake_s,
        wake_s=wake_s,
        start_s=start_s,
        end_s=end_s,
        arrived_s=end_s,
        wire_bytes=wire_bytes,
        lost_bytes=nothing.astype(np.int64),
    )
