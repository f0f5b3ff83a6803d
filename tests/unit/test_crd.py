"""The CRD as rendered: what a real API server refuses is checked here without one."""

from collections.abc import Iterator
from typing import Any

import pytest

from ccx_api.crd import crd, structural
from ccx_api.names import RESERVED_ENV_PREFIX
from ccx_api.render import rendered
from ccx_api.v1alpha1 import RUN_CONTROL, ClaudeExecution, ExecutionSpec
from ccx_api.wish import Wish

Schema = dict[str, Any]


def root() -> Schema:
    (version,) = crd()["spec"]["versions"]
    schema: Schema = version["schema"]["openAPIV3Schema"]
    return schema


def every_node(schema: Schema) -> Iterator[Schema]:
    yield schema
    for field in schema.get("properties", {}).values():
        yield from every_node(field)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            yield from every_node(schema[key])


def rules(schema: Schema) -> str:
    return " ".join(rule["message"] for rule in schema["x-kubernetes-validations"])


def an_execution(**spec: object) -> ClaudeExecution:
    metadata = {"name": "e1", "namespace": "ns", "uid": "u1", "generation": 7}
    return ClaudeExecution.model_validate({"metadata": metadata, "spec": {"prompt": "x", **spec}})


def test_the_committed_files_are_what_the_models_say() -> None:
    """After a change of the models: `make manifests`, and read its diff as an API change."""
    for path, text in rendered().items():
        assert path.read_text(encoding="utf-8") == text, path


def test_the_schema_is_structural() -> None:
    for node in every_node(root()):
        assert "type" in node or "x-kubernetes-int-or-string" in node
        assert not {"$ref", "$defs", "anyOf", "const", "title", "propertyNames"} & node.keys()


def test_every_field_that_a_user_sets_says_what_it_is_for() -> None:
    spec = root()["properties"]["spec"]["properties"]
    assert [name for name, field in spec.items() if not field.get("description")] == []


def test_strings_lists_and_maps_of_the_spec_are_bounded() -> None:
    """An unbounded one costs the API server's CEL estimate its budget."""
    for node in every_node(root()["properties"]["spec"]):
        if node.get("type") == "string":
            assert "maxLength" in node or "enum" in node
        if node.get("type") == "array":
            assert "maxItems" in node
        if "additionalProperties" in node:
            assert "maxProperties" in node


@pytest.mark.parametrize("field", sorted(root()["properties"]["spec"]["properties"]))
def test_a_field_is_frozen_unless_it_is_run_control(field: str) -> None:
    (frozen,) = (rule for rule in root()["x-kubernetes-validations"] if "spec ==" in rule["rule"])
    for expression in (frozen["rule"], frozen["messageExpression"]):
        assert (f"self.spec.{field} == oldSelf.spec.{field}" in expression) == (
            field not in RUN_CONTROL
        )


def test_run_control_names_fields_that_exist() -> None:
    assert root()["properties"]["spec"]["properties"].keys() >= RUN_CONTROL


def test_what_is_final_is_final_by_rule() -> None:
    spec, status = (root()["properties"][part]["properties"] for part in ("spec", "status"))
    final = "Cancelled is final: create a new execution instead"
    assert final in rules(spec["desiredState"])
    never_left = "a terminal phase is never left"
    assert never_left in rules(status["phase"])
    assert never_left in rules(root())  # the whole status may be taken away, too


def test_no_variable_of_the_user_can_take_the_name_of_one_of_the_runners() -> None:
    env = root()["properties"]["spec"]["properties"]["env"]["items"]
    assert RESERVED_ENV_PREFIX in rules(env)


def test_names_on_the_wire_are_spelled_as_kubernetes_spells_them() -> None:
    status = root()["properties"]["status"]["properties"]
    assert {"podUID", "podName", "nodeName", "activeSeconds"} <= status.keys()
    assert "costUSD" in status["usage"]["properties"]


def test_conditions_are_merged_by_their_type() -> None:
    conditions = root()["properties"]["status"]["properties"]["conditions"]
    assert conditions["x-kubernetes-list-type"] == "map"
    assert conditions["x-kubernetes-list-map-keys"] == ["type"]


def test_a_null_default_is_left_out_and_a_reference_is_resolved() -> None:
    defs = {"Inner": {"type": "string", "title": "Inner"}}
    field = {"anyOf": [{"$ref": "#/$defs/Inner"}, {"type": "null"}], "default": None}
    node = {"type": "object", "properties": {"inner": field}}
    assert structural(node, defs) == {
        "type": "object",
        "properties": {"inner": {"type": "string"}},
    }


def test_fields_that_a_newer_server_stores_are_ignored() -> None:
    assert an_execution(fromTheFuture=1).spec == ExecutionSpec(prompt="x")


def test_a_wish_carries_all_that_the_runner_must_know_of_the_spec() -> None:
    wanted = an_execution(desiredState="Paused", activeDeadlineSeconds=60, onStall="Fail")
    wish = Wish.of(wanted)
    assert wish.model_dump(mode="json") == {
        "generation": 7,
        "desiredState": "Paused",
        "activeDeadlineSeconds": 60,
        "stallTimeoutSeconds": 300,
        "onStall": "Fail",
    }
