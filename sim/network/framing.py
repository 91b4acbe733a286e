"""Packets: what headers add to a message."""

from pydantic import Field

from workloads.settings import Settings


class Framing(Settings):
    """How messages are cut into packets."""

    packet_bytes: int = Field(default=1500, ge=1)
    """Largest packet with its headers: the maximum transmission unit of Ethernet (RFC 894)."""
    header_bytes: int = Field(default=40, ge=0)
    """Headers of each packet: 20 of IPv4 (RFC 791) and 20 of TCP (RFC 9293), no options."""

    def packets(self, size_bytes: int) -> int:
        """Return into how many packets a message is cut; an empty one still takes a packet."""
        return max(1, -(-size_bytes // (self.packet_bytes - self.header_bytes)))

    def wire_bytes(self, size_bytes: int) -> int:
        """Return the bytes of a message with the headers of its packets."""
        return size_bytes + self.header_bytes * self.packets(size_bytes)
