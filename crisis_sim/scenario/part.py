"""What every part of a scenario shares: strict keys, and numbers that carry unit, range and source."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from crisis_sim.scenario.numbers import Distribution, Within, read_number

ASSUMED = "assumed"


class Part(BaseModel):
    """A part of a scenario: unknown keys are mistakes, and nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="after")
    @classmethod
    def _within_range(cls, value: Any, info: ValidationInfo) -> Any:
        limits = range_of(cls, info.field_name)
        if limits is None:
            return value
        if isinstance(value, dict):  # one number for each state
            return {name: limits(number) for name, number in value.items()}
        if isinstance(value, (int, float, Distribution)):
            return limits(value)
        return value


def range_of(part: type[Part], field: str | None) -> Within | None:
    """The range that a part's numeric field declares, or None where it declares none."""
    extra = part.model_fields[field].json_schema_extra if field else None
    if not isinstance(extra, dict) or "low" not in extra:
        return None
    return Within(float(extra["low"]), float(extra["high"]))  # type: ignore[arg-type]


def parameter(
    default: float | dict[str, Any] | None,
    meaning: str,
    *,
    unit: str,
    between: tuple[float, float],
    source: str = ASSUMED,
    slider: bool = False,
) -> Any:
    """A numeric field that carries its meaning, unit, range and source; required when `default` is None.

    The range is checked when a file is read, and tells sweeps and sliders how far a parameter may move.
    """
    extra: dict[str, Any] = {"unit": unit, "low": between[0], "high": between[1], "source": source}
    if slider:
        extra["slider"] = True
    if default == {}:  # one number for each state, none given
        return Field(default_factory=dict, description=meaning, json_schema_extra=extra)
    value: Any = ... if default is None else read_number(default)
    return Field(value, description=meaning, json_schema_extra=extra)
