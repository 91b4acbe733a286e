"""Large language models (LLMs), which run in the cloud; one file each."""

from models.architecture import Architecture


class LlmSettings(Architecture):
    """The base of every LLM's settings."""
