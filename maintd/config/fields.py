"""What the models say about their own fields: for messages, where a model is known and a value is not."""

from collections.abc import Iterable, Sequence
from inspect import isclass
from typing import Any, get_args

from pydantic import BaseModel

from maintd.config.nodes import Step


def models_at(model: type[BaseModel], steps: Iterable[Step]) -> list[type[BaseModel]]:
    """The models that may stand below `model` at that place; several where it is a union."""
    found = [model]
    for step in steps:
        fields = [one.model_fields[step] for one in found if isinstance(step, str) and step in one.model_fields]
        found = [below for field in fields for below in models_in(field.annotation)] or found
    return found


def keys_of(models: Sequence[type[BaseModel]]) -> list[str]:
    """Every key that one of them takes."""
    return [field.alias or name for model in models for name, field in model.model_fields.items()]


def meaning(models: Sequence[type[BaseModel]], key: str) -> str:
    """How to add a key that is missing: `add kind: what the job does …`."""
    for model in models:
        for name, field in model.model_fields.items():
            if key in (name, field.alias) and field.description:
                return f"add {key}: {field.description[0].lower()}{field.description[1:].rstrip('.')}"
    return f"add {key}"


def refusal(models: Sequence[type[BaseModel]], key: str) -> str | None:
    """What a model says of a key that it knows and does not take."""
    for model in models:
        refused: dict[str, str] = getattr(model, "refused", {})
        if key in refused:
            return refused[key]
    return None


def models_in(annotation: Any) -> list[type[BaseModel]]:
    """The models that an annotation names, however deep: `dict[str, Target] | None` → Target."""
    if isclass(annotation) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in models_in(part)]
