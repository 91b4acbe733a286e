"""Small recommendation models (SRMs), which run on the device; one file each."""

from models.architecture import Architecture


class SrmSettings(Architecture):
    """The base of every SRM's settings."""
