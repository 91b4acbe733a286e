"""How a device uses lists: serving mode, deadlines, first list and payload."""

from typing import Literal

from pydantic import Field, FiniteFloat

from workloads.settings import Settings


class PayloadSettings(Settings):
    """Sizes of messages."""

    header_bytes: int = Field(default=300, ge=0)
    """Fixed part of every message, either way."""
    interaction_bytes: int = Field(default=4, ge=0)
    """Uploaded for each interaction since the last acknowledged upload."""
    candidate_bytes: int = Field(default=8, ge=0)
    """Downloaded for each candidate: item id and score."""

    def request_bytes(self, interactions: int) -> int:
        """Size of a request that carries `interactions` new interactions."""
        return self.header_bytes + self.interaction_bytes * interactions

    def reply_bytes(self, candidates: int) -> int:
        """Size of a reply that carries `candidates` candidates (0 in a rejection)."""
        return self.header_bytes + self.candidate_bytes * candidates


class ServingSettings(Settings):
    """What the device shows while a request is under way, and how long it waits."""

    mode: Literal["stale", "wait"] = "stale"
    """`stale`: show the re-ranked old list at once, use the new one from the first decision at or
    after its arrival. `wait`: wait for it until `deadline_s`, then show the old one."""
    deadline_s: FiniteFloat = Field(default=2.0, ge=0)
    """Longest wait in mode `wait`, counted from the sending of the request."""
    timeout_s: FiniteFloat = Field(default=30.0, gt=0)
    """The device gives a request up after this time; a later reply is discarded."""
    first_list: Literal["preloaded", "none"] = "preloaded"
    """`preloaded`: the session starts with a list; `none`: with a popularity list."""
    first_list_age_steps: int = Field(default=1, ge=0)
    """Newest interactions that the preloaded list does not know."""
    payload: PayloadSettings = PayloadSettings()
    """Sizes of messages."""
