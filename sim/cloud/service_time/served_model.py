"""The LLM whose timing is emulated."""

from pydantic import Field, FiniteFloat

from sim.cloud.service_time.request_tokens import RequestTokens


class ServedModel(RequestTokens):
    """The LLM whose timing is emulated; it need not be the one whose lists are shown.

    The shape of its keys and values is that of Mistral 7B: 32 layers, 8 key-value heads, heads of
    128 numbers (Jiang et al. 2023, arXiv 2310.06825, table 1), 131,072 bytes a token in fp16.
    """

    parameters: FiniteFloat = Field(default=7e9, ge=1)
    """Number of weights."""
    bytes_per_parameter: FiniteFloat = Field(default=2.0, gt=0)
    """2 for fp16 and bf16, 1 for int8."""
    layers: int = Field(default=32, ge=1)
    """Layers that keep keys and values."""
    kv_heads: int = Field(default=8, ge=1)
    """Key-value heads of a layer; with grouped queries fewer than its attention heads."""
    head_dimension: int = Field(default=128, ge=1)
    """Numbers in a key, and in a value."""
    bytes_per_kv_number: FiniteFloat = Field(default=2.0, gt=0)
    """2 for fp16 and bf16, 1 for an 8-bit key-value cache."""

    @property
    def weight_bytes(self) -> float:
        """Memory that the weights take."""
        return self.parameters * self.bytes_per_parameter

    @property
    def kv_bytes_per_token(self) -> float:
        """Memory that a key and a value in every head of every layer take for one token."""
        numbers = 2 * self.layers * self.kv_heads * self.head_dimension
        return numbers * self.bytes_per_kv_number
