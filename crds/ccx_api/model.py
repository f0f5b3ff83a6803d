"""The base of all API models, and the JSON Schema fragments that Kubernetes adds to them."""

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic.alias_generators import to_camel

_ACRONYMS = {"Id": "ID", "Uid": "UID", "Usd": "USD"}


def to_wire(name: str) -> str:
    """Camel case as Kubernetes spells it: pod_uid is podUID, cost_usd is costUSD."""
    head, _, last = name.rpartition("_")
    word = last.capitalize()
    return to_camel(head) + _ACRONYMS.get(word, word) if head else last


class ApiModel(BaseModel):
    """Snake case in Python, camel case on the wire, immutable in between.

    Unknown fields are ignored: a newer API server may already store some.
    """

    model_config = ConfigDict(
        alias_generator=to_wire,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        use_attribute_docstrings=True,
        frozen=True,
    )


def list_map(key: str) -> Any:
    """A list whose items are told apart by `key`: merged item by item by server-side apply."""
    extra: dict[str, Any] = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]}
    return Field(json_schema_extra=extra)


def rules(*rules: tuple[str, str]) -> dict[str, Any]:
    """CEL validations of a type, as (rule, message) pairs."""
    return {
        "x-kubernetes-validations": [{"rule": rule, "message": text} for rule, text in rules],
    }


INT_OR_STRING: Final = WithJsonSchema({"x-kubernetes-int-or-string": True})
OPEN_OBJECT: Final = WithJsonSchema(
    {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
)
