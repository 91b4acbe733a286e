"""What senders gave to the links and what receivers got, without a look at the links' own log."""

import math
from dataclasses import dataclass

from sim.network.message import Direction
from sim.world import World


@dataclass(eq=False)
class Letter:
    """A message as its sender and its receiver know it.

    Attributes:
        message, direction, size_bytes, wire_bytes: what travels, which way, and how large it is.
        sent_s: when the links took it.
        received_s: when they brought it; infinite if they never did.
    """

    message: object
    direction: Direction
    size_bytes: int
    wire_bytes: int
    sent_s: float
    received_s: float = math.inf

    @property
    def up(self):
        return self.direction == Direction.UP

    @property
    def parameters(self):
        return self.message.carries_parameters


class WatchedLinks:
    """Notes every message of a world's links.

    Attributes:
        links: of the last simulation.
        letters: in the order of sending.
    """

    def __init__(self):
        self.links, self.letters = None, []

    def watch(self, patch):
        """Have the links of worlds watched from now on."""
        make_links = World.make_links

        def watched(world):
            self.links, self.letters = make_links(world), []
            self._wrap(self.links)
            return self.links

        patch.setattr(World, "make_links", watched)

    def _wrap(self, links):
        carry, lose = links.carry, links.lose

        def note(clock, direction, message, size_bytes):
            wire_bytes = links.framing.wire_bytes(size_bytes)
            letter = Letter(message, direction, size_bytes, wire_bytes, clock.now)
            self.letters.append(letter)
            return letter

        def watched_carry(clock, direction, message, size_bytes):
            letter = note(clock, direction, message, size_bytes)
            arrival = carry(clock, direction, message, size_bytes)

            def receive(_):
                letter.received_s = clock.now

            arrival.callbacks.append(receive)
            return arrival

        def watched_lose(clock, direction, message, size_bytes):
            note(clock, direction, message, size_bytes)
            lose(clock, direction, message, size_bytes)

        links.carry, links.lose = watched_carry, watched_lose
