"""What the JSON Schema of a network says of figures that its preset gives."""

from typing import Any

FIGURES = ("down_bps", "up_bps", "rtt_s")
"""What a network needs, from its preset or by itself."""


def figures_or_preset(schema: dict[str, Any]) -> None:
    """Require the figures only where no preset gives them, in place.

    That is where the preset is `explicit`, and where there is none but some figure.
    """
    schema["required"] = [key for key in schema.get("required", ()) if key not in FIGURES]
    schema["if"] = {
        "anyOf": [
            {"required": ["preset"], "properties": {"preset": {"const": "explicit"}}},
            {
                "not": {"required": ["preset"]},
                "anyOf": [{"required": [figure]} for figure in FIGURES],
            },
        ]
    }
    schema["then"] = {"required": list(FIGURES)}
