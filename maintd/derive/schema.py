"""jobs.schema.json: what editors complete and check jobs.yaml with."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from maintd.config.fields import models_in
from maintd.config.jobs import File
from maintd.core.kind import Kind
from maintd.kinds import load_kinds

_DIALECT = "http://json-schema.org/draft-07/schema#"
_WHEN = ("schedule", "every", "manual")
Schema = dict[str, Any]
Model = type[BaseModel]


def text() -> str:
    """The file as it is written: the same for the same kinds."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def schema(kinds: Mapping[str, Kind] | None = None) -> Schema:
    """The JSON schema of jobs.yaml with these kinds, or with every kind there is."""
    kinds = load_kinds() if kinds is None else kinds
    models = sorted(_reachable([File, *(kind.params for kind in kinds.values())]), key=str)
    references, generated = models_json_schema(
        [(model, "validation") for model in models], schema_generator=_Plain, ref_template="#/$defs/{model}"
    )
    definitions = generated["$defs"]
    for model in models:
        _finish(definitions[_name(references[model, "validation"])], _defaults(model))
    params = {name: references[kind.params, "validation"] for name, kind in kinds.items()}
    _tell_kinds_apart(definitions["Entry"], kinds, params)
    file = definitions.pop("File")
    file["properties"]["targets"]["additionalProperties"] = False
    return {"$schema": _DIALECT, **file, "title": "jobs.yaml", "$defs": dict(sorted(definitions.items()))}


class _Plain(GenerateJsonSchema):
    """Without titles, which only repeat the keys, and without defaults, which pydantic does not write as we do."""

    def field_title_should_be_set(self, _schema: Any) -> bool:
        return False

    def default_schema(self, schema: Any) -> Schema:
        return self.generate_inner(schema["schema"])


def _reachable(models: Iterable[Model]) -> set[Model]:
    found: set[Model] = set()
    waiting = list(models)
    while waiting:
        model = waiting.pop()
        if model not in found:
            found.add(model)
            waiting += [below for field in model.model_fields.values() for below in models_in(field.annotation)]
    return found


def _name(reference: Schema) -> str:
    name: str = reference["$ref"]
    return name.rpartition("/")[2]


def _defaults(model: Model) -> dict[str, Any]:
    """The defaults as they would be written in jobs.yaml: `1d`, `5%`."""
    optional = {name: field for name, field in model.model_fields.items() if not field.is_required()}
    bare = model.model_construct(
        **{name: field.get_default(call_default_factory=True) for name, field in optional.items()}
    )
    return bare.model_dump(mode="json", include=set(optional))


def _finish(definition: Schema, defaults: Mapping[str, Any]) -> None:
    for name, prop in definition["properties"].items():
        for part in (prop, *prop.get("anyOf", ())):
            for bound in ("ge", "gt", "le", "lt"):  # of durations, which JSON schema cannot compare
                part.pop(bound, None)
        default = defaults.get(name)
        if default not in (None, "", [], {}) and not isinstance(default, dict):
            prop["default"] = default


def _tell_kinds_apart(entry: Schema, kinds: Mapping[str, Kind], params: Mapping[str, Schema]) -> None:
    """`if kind … then params …` and no `oneOf`, for which editors blame the wrong branch."""
    entry["properties"]["kind"]["enum"] = [*kinds]
    entry["properties"]["params"] = {"type": "object", "description": entry["properties"]["params"]["description"]}
    entry["oneOf"] = [{"required": [key]} for key in _WHEN]
    entry["allOf"] = [
        {
            "if": {"properties": {"kind": {"const": name}}, "required": ["kind"]},
            "then": _branch(kind, params[name]),
        }
        for name, kind in kinds.items()
    ]


def _branch(kind: Kind, params: Schema) -> Schema:
    allowed: Schema = {"params": params}
    allowed |= {key: False for key, known in (("mode", kind.has_mode), ("limits", kind.acts)) if not known}
    needed = any(field.is_required() for field in kind.params.model_fields.values())
    return {"properties": allowed, **({"required": ["params"]} if needed else {})}
