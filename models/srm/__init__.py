"""Small recommendation models (SRMs), which run on the device; one file each."""

from models.recommender import RecommenderSettings


class SrmSettings(RecommenderSettings):
    """The base of every SRM's settings."""
