"""A scenario's sweep block: which keys take which values."""

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, field_validator

from workloads.settings import Settings, invalid

SweptValues = Annotated[tuple[Any, ...], Field(min_length=1)]


def _one_group_alone(groups: Any) -> Any:
    return (groups,) if isinstance(groups, dict) else groups


class SweepSettings(Settings):
    """Keys of the scenario (dotted, as in `policy.threshold`) and the values that each takes.

    Keys beside one another form a grid: every combination is a point, and the last key changes
    fastest.
    """

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, SweptValues]

    zip: Annotated[
        tuple[dict[str, SweptValues], ...],
        BeforeValidator(
            _one_group_alone,
            json_schema_input_type=dict[str, SweptValues] | tuple[dict[str, SweptValues], ...],
        ),
    ] = ()
    """Keys whose values go together: the first of each, then the second of each, and so on. A list
    of such groups forms a grid with one another and with the other keys."""
    seeds: Annotated[int, Field(ge=1)] = 1
    """Replications of every point, with the seeds `seed`, `seed` + 1, and so on."""

    @field_validator("zip")
    @classmethod
    def _pair_every_value(
        cls, groups: tuple[dict[str, tuple[Any, ...]], ...]
    ) -> tuple[dict[str, tuple[Any, ...]], ...]:
        for group in groups:
            lengths = {key: len(values) for key, values in group.items()}
            if not lengths or len(set(lengths.values())) > 1:
                counts = ", ".join(f"{key} has {length}" for key, length in lengths.items())
                raise invalid(f"needs keys with equally many values: {counts or 'there are none'}")
        return groups

    @property
    def grid(self) -> dict[str, tuple[Any, ...]]:
        """The keys that form a grid, in file order, and their values."""
        return self.__pydantic_extra__
