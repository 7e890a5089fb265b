"""What the parts of a scenario share: strict keys, and numbers with unit, range and source."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

from crisis_sim.scenario.numbers import Chance, Within, read_number

ASSUMED = "assumed"


class Part(BaseModel):
    """A part of a scenario: unknown keys are mistakes, and nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@cache
def range_of(part: type[Part], field: str) -> Within | None:
    """The range that a part's numeric field declares, or None where it declares none."""
    return next(
        (note for note in part.model_fields[field].metadata if isinstance(note, Within)), None
    )


def parameter(
    default: float | dict[str, Any] | None,
    meaning: str,
    *,
    unit: str,
    between: tuple[float, float],
    source: str = ASSUMED,
    slider: bool | tuple[float, float] = False,
    whole: bool = False,
) -> Any:
    """A numeric field with its meaning, unit, range and source; required when `default` is None.

    The range is checked when a file is read, and tells sweeps and sliders how far a parameter may
    move.

    Args:
        slider: whether it is one of the few that are worth a slider; as two numbers, how far a
            slider goes where most of the range would be out of this world.
        whole: whether a fraction of it makes no sense.
    """
    extra: dict[str, Any] = {"unit": unit, "source": source}
    if slider:
        extra["slider"] = list(slider) if isinstance(slider, tuple) else True
    described: dict[str, Any] = {"description": meaning, "json_schema_extra": extra}
    field: FieldInfo
    if default == {}:  # one number for each state, none given
        field = Field(default_factory=dict, **described)
    else:
        field = Field(... if default is None else read_number(default), **described)
    field.metadata.append(Within(*between, whole))
    return field


def chance(meaning: str, *, source: str = ASSUMED) -> Any:
    """A field that is true or false, by default false, or the chance that it is true."""
    field: Any = Field(
        0.0, description=meaning, json_schema_extra={"unit": "probability", "source": source}
    )
    field.metadata.append(Chance())
    return field
