from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devcluster.apierrors import ApiError
from devcluster.patching import JSON, MERGE, STRATEGIC, apply_patch, merge

json = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda value: st.lists(value, max_size=3) | st.dictionaries(st.sampled_from("abc"), value),
)
objects = st.dictionaries(st.sampled_from("abc"), json)


@given(objects, objects)
def test_a_merge_patch_of_what_is_wanted_is_in_the_result(old: Any, patch: Any) -> None:
    result = merge(old, patch)
    assert merge(result, patch) == result
    assert merge(old, {}) == old
    assert merge(old, dict.fromkeys(old)) == {}


def test_a_merge_patch_removes_by_null_and_replaces_lists() -> None:
    old = {"spec": {"a": 1, "b": [1, 2], "c": {"d": 1}}}
    patch = {"spec": {"a": None, "b": [3], "c": {"e": 2}}}
    assert apply_patch(old, patch, MERGE) == {"spec": {"b": [3], "c": {"d": 1, "e": 2}}}
    assert old["spec"]["a"] == 1


def test_a_json_patch_is_followed_and_a_failed_test_refuses_all_of_it() -> None:
    old = {"metadata": {"resourceVersion": "3"}, "spec": {"a": 1}}
    replace = {"op": "replace", "path": "/spec/a", "value": 2}
    assert apply_patch(old, [replace], JSON)["spec"] == {"a": 2}
    test = {"op": "test", "path": "/metadata/resourceVersion", "value": "2"}
    with pytest.raises(ApiError) as caught:
        apply_patch(old, [replace, test], JSON)
    assert caught.value.code == 422


@pytest.mark.parametrize("patch", [[{"op": "remove", "path": "/nowhere"}], {"spec": 1}, [{}]])
def test_a_json_patch_that_cannot_be_followed_is_refused(patch: Any) -> None:
    with pytest.raises(ApiError):
        apply_patch({}, patch, JSON)


def a_pod_spec(*containers: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"containers": list(containers)}}


def test_a_strategic_patch_merges_containers_by_name() -> None:
    old = a_pod_spec({"name": "a", "image": "1"}, {"name": "b", "image": "1"})
    patch = a_pod_spec({"name": "b", "image": "2"})
    assert apply_patch(old, patch, STRATEGIC) == a_pod_spec(
        {"name": "a", "image": "1"}, {"name": "b", "image": "2"}
    )


def test_a_strategic_patch_deletes_reorders_and_replaces_as_told() -> None:
    old = a_pod_spec({"name": "a"}, {"name": "b"}, {"name": "c"})
    patch = {
        "spec": {
            "containers": [{"name": "a", "$patch": "delete"}],
            "$setElementOrder/containers": [{"name": "c"}, {"name": "b"}],
        }
    }
    assert apply_patch(old, patch, STRATEGIC) == a_pod_spec({"name": "c"}, {"name": "b"})
    replaced = apply_patch(
        {"data": {"a": "1"}}, {"data": {"$patch": "replace", "b": "2"}}, STRATEGIC
    )
    assert replaced == {"data": {"b": "2"}}


def test_a_strategic_patch_retains_only_the_keys_it_names() -> None:
    old = {"strategy": {"type": "A", "rolling": {}}}
    patch = {"strategy": {"$retainKeys": ["type"], "type": "B"}}
    assert apply_patch(old, patch, STRATEGIC) == {"strategy": {"type": "B"}}


def test_a_strategic_patch_adds_to_finalizers_and_takes_from_them() -> None:
    old = {"metadata": {"finalizers": ["a"]}}
    added = apply_patch(old, {"metadata": {"finalizers": ["b"]}}, STRATEGIC)
    assert added == {"metadata": {"finalizers": ["a", "b"]}}
    patch = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}
    assert apply_patch(added, patch, STRATEGIC) == {"metadata": {"finalizers": ["b"]}}
