"""Render the field reference for people (docs/api.md) from the CRD. Pure."""

from collections.abc import Iterator
from typing import Any

from ccx_api.crd import crd

Schema = dict[str, Any]

INTRO = """# API reference: `ClaudeExecution` (cc-executor.dev/v1alpha1)

Rendered from the models by `make manifests`; do not edit. `kubectl explain cx.spec` tells the same.
"""


def reference() -> str:
    (version,) = crd()["spec"]["versions"]
    root = version["schema"]["openAPIV3Schema"]
    parts = [INTRO]
    for name in ("spec", "status"):
        parts.append(f"## {name}\n\n| field | type | meaning |\n| --- | --- | --- |")
        parts.extend(_rows(root["properties"][name], ""))
        parts.append("")
    parts.append("## Rules\n")
    parts.extend(dict.fromkeys(f"- {rule['message']}" for rule in _rules(root)))
    return "\n".join(parts) + "\n"


def _rows(schema: Schema, path: str) -> Iterator[str]:
    for name, field in schema.get("properties", {}).items():
        where = f"{path}{name}"
        inner = field.get("items", field)
        is_list = "items" in field
        text = " ".join(field.get("description", "").split()).replace("|", "\\|")
        yield f"| `{where}{'[]' if is_list else ''}` | {_type(field)} | {text} |"
        yield from _rows(inner, f"{where}{'[]' if is_list else ''}.")


def _type(field: Schema) -> str:
    if "enum" in field:
        return " \\| ".join(str(value) for value in field["enum"])
    if "items" in field:
        return f"list of {_type(field['items'])}"
    if "additionalProperties" in field:
        return "map"
    kind = str(field.get("type", "integer or string"))
    default = f", default {field['default']}" if "default" in field else ""
    return kind + default


def _rules(schema: Schema) -> Iterator[Schema]:
    yield from schema.get("x-kubernetes-validations", ())
    for field in schema.get("properties", {}).values():
        yield from _rules(field)
    if "items" in schema:
        yield from _rules(schema["items"])
