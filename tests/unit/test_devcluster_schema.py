from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devcluster.apierrors import FieldError
from devcluster.cel_rules import UNCHECKED
from devcluster.custom_resources import CustomResources, check_definition
from devcluster.resources import custom_type
from devcluster.schema_shape import apply_defaults, prune
from support.devcluster_objects import SCHEMA, a_crd, a_widget

WIDGET = custom_type(a_crd())


def a_shaped_widget(**spec: Any) -> dict[str, Any]:
    widget = a_widget(**spec)
    CustomResources().shape(WIDGET, widget)
    return widget


def told(new: dict[str, Any], old: dict[str, Any] | None = None) -> list[str]:
    return [str(error) for error in CustomResources().check(WIDGET, new, old)]


def test_defaults_are_set_where_there_is_nothing() -> None:
    spec = a_shaped_widget(mode="Big", env=[{"name": "A"}])["spec"]
    assert spec["size"] == 3
    assert spec["mode"] == "Big"
    assert spec["env"] == [{"name": "A", "value": ""}]


def test_a_null_takes_the_default() -> None:
    assert a_shaped_widget(size=None)["spec"]["size"] == 3


def test_unknown_fields_are_pruned_and_named_at_every_depth() -> None:
    widget = a_widget(promt="x", env=[{"name": "A", "vlaue": "b"}]) | {"extra": 1}
    assert sorted(prune(widget, SCHEMA)) == ["extra", "spec.env[0].vlaue", "spec.promt"]
    assert widget == a_widget(env=[{"name": "A"}])


def test_an_open_part_and_a_map_keep_every_field() -> None:
    widget = a_widget(template={"spec": {"x": [1]}}, labels={"any": "thing"})
    assert prune(widget, SCHEMA) == []
    assert widget["spec"]["template"] == {"spec": {"x": [1]}}


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda v: (
            st.dictionaries(st.sampled_from(["spec", "size", "env", "name", "other"]), v)
            | st.lists(v)
        ),
    )
)
def test_pruning_and_defaulting_twice_is_once(spec: Any) -> None:
    widget = {"apiVersion": "x", "kind": "Widget", "metadata": {}, "spec": spec}
    prune(widget, SCHEMA)
    apply_defaults(widget, SCHEMA)
    once = repr(widget)
    assert prune(widget, SCHEMA) == []
    apply_defaults(widget, SCHEMA)
    assert repr(widget) == once


REFUSALS = [
    (
        {"size": 0},
        "spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1",
    ),
    (
        {"size": "3"},
        'spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"',
    ),
    (
        {"size": True},
        'spec.size: Invalid value: "boolean": spec.size in body must be of type integer: "boolean"',
    ),
    (
        {"prompt": ""},
        'spec.prompt: Invalid value: "": spec.prompt in body should be at least 1 chars long',
    ),
    ({"prompt": "x" * 21}, "spec.prompt: Too long: may not be more than 20 bytes"),
    ({"mode": "Huge"}, 'spec.mode: Unsupported value: "Huge": supported values: "Small", "Big"'),
    ({"env": [{"value": "x"}]}, "spec.env[0].name: Required value"),
    (
        {"env": [{"name": "A"}, {"name": "A"}]},
        'spec.env[1]: Duplicate value: {"name":"A"}',
    ),
    ({"env": [{"name": n} for n in "ABCD"]}, "spec.env: Too many: 4: must have at most 3 items"),
    (
        {"until": "tomorrow"},
        'spec.until: Invalid value: "tomorrow": spec.until in body must be of type date-time: '
        '"tomorrow"',
    ),
    (
        {"labels": {"a": 1}},
        'spec.labels.a: Invalid value: "integer": spec.labels.a in body must be of type string: '
        '"integer"',
    ),
    ({"size": 100}, 'spec: Invalid value: "object": a size of 100 or more needs the mode Big'),
    ({"factor": 0.5}, 'spec.factor: Invalid value: "number": failed rule: self > 0.5'),
]


@pytest.mark.parametrize(("spec", "message"), REFUSALS)
def test_a_refusal_has_the_words_of_the_api_server(spec: dict[str, Any], message: str) -> None:
    assert told(a_shaped_widget(**spec))[0] == message


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"size": 100, "mode": "Big"},
        {"factor": 1},
        {"port": 80},
        {"port": "http"},
        {"until": "2024-01-02T03:04:05.123Z"},
    ],
)
def test_a_right_object_is_taken(spec: dict[str, Any]) -> None:
    assert told(a_shaped_widget(**spec)) == []


def test_rules_are_not_tried_on_an_object_of_the_wrong_shape() -> None:
    widget = a_widget(size=100)
    del widget["spec"]["prompt"]
    assert told(widget) == [
        "spec.prompt: Required value",
        f"<nil>: Invalid value: null: {UNCHECKED}",
    ]


def test_a_transition_rule_compares_with_the_object_before() -> None:
    old = a_shaped_widget() | {"status": {"phase": "Running"}}
    new = a_shaped_widget(mode="Big") | {"status": {"phase": "Running"}}
    words = '<nil>: Invalid value: "object": spec.mode cannot change once there is a status'
    assert told(new, old) == [words]
    assert told(new, None) == []


def test_a_transition_rule_finds_the_item_of_a_list_by_its_key() -> None:
    old = a_shaped_widget(env=[{"name": "A", "value": "1"}, {"name": "B", "value": "2"}])
    moved = a_shaped_widget(env=[{"name": "B", "value": "2"}, {"name": "A", "value": "9"}])
    assert told(moved, old) == ['spec.env[1].value: Invalid value: "string": was 1']


def test_what_an_update_leaves_as_it_was_is_not_refused() -> None:
    old = a_shaped_widget(size=0)
    new = a_shaped_widget(size=0, prompt="other")
    assert told(new, old) == []


def test_a_rule_at_the_root_sees_no_more_of_the_metadata_than_the_names() -> None:
    rule = {"rule": "!has(self.metadata.labels) && self.metadata.name == 'one'"}
    crd = a_crd()
    version = crd["spec"]["versions"][0]
    schema = {**version["schema"]["openAPIV3Schema"], "x-kubernetes-validations": [rule]}
    crd["spec"]["versions"] = [{**version, "schema": {"openAPIV3Schema": schema}}]
    widget = a_shaped_widget()
    widget["metadata"]["labels"] = {"a": "b"}
    assert CustomResources().check(custom_type(crd), widget, None) == []


def test_a_definition_is_taken_or_its_mistake_named() -> None:
    def first(crd: dict[str, Any]) -> FieldError:
        return check_definition(crd)[0]

    assert check_definition(a_crd()) == []
    assert first(a_crd(group="other.dev")).field == "metadata.name"
    broken = {"type": "object", "x-kubernetes-validations": [{"rule": "self.x &&"}]}
    assert "x-kubernetes-validations" in first(a_crd_with(broken)).message
    untyped = {"type": "object", "properties": {"x": {}}}
    path = "spec.versions[0].schema.openAPIV3Schema.properties[x].type"
    assert first(a_crd_with(untyped)).field == path


def a_crd_with(schema: dict[str, Any]) -> dict[str, Any]:
    version = {"name": "v1", "served": True, "storage": True}
    return a_crd(versions=[{**version, "schema": {"openAPIV3Schema": schema}}])
