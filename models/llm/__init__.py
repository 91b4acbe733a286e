"""Large language models (LLMs), which run in the cloud; one file each."""

from models.recommender import RecommenderSettings


class LlmSettings(RecommenderSettings):
    """The base of every LLM's settings."""
