import base64
from typing import Any

import pytest

from devcluster.kubelet.lookup import ConfigError
from devcluster.kubelet.volume_files import VolumeFile, files_of
from support.pods import a_pod

OBJECTS: dict[tuple[str, str], dict[str, Any]] = {
    ("secrets", "s"): {"data": {"k": base64.b64encode(b"v").decode()}},
    ("configmaps", "c"): {"data": {"A": "1"}, "binaryData": {"B": base64.b64encode(b"2").decode()}},
}
LABEL = {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}


def files(**volume: Any) -> dict[str, VolumeFile] | None:
    return files_of(
        {"name": "v", **volume}, a_pod(), lambda resource, name: OBJECTS.get((resource, name))
    )


def test_every_key_is_a_file_of_the_default_mode() -> None:
    both = {"A": VolumeFile(b"1"), "B": VolumeFile(b"2")}
    assert files(configMap={"name": "c"}) == both
    assert files(secret={"secretName": "s", "defaultMode": 0o400}) == {"k": VolumeFile(b"v", 0o400)}


def test_items_choose_keys_paths_and_modes() -> None:
    items = [{"key": "A", "path": "deep/a", "mode": 0o600}]
    assert files(configMap={"name": "c", "items": items}) == {"deep/a": VolumeFile(b"1", 0o600)}


def test_a_projected_volume_is_the_union_of_its_sources() -> None:
    sources = [{"secret": {"name": "s"}}, {"downwardAPI": {"items": [LABEL]}}]
    expected = {"k": VolumeFile(b"v"), "labels": VolumeFile(b'app="x"')}
    assert files(projected={"sources": sources}) == expected


def test_an_empty_dir_has_no_files_to_write() -> None:
    assert files(emptyDir={}) is None


def test_a_missing_source_that_is_optional_is_an_empty_volume() -> None:
    assert files(configMap={"name": "none", "optional": True}) == {}


@pytest.mark.parametrize(
    ("volume", "message"),
    [
        ({"configMap": {"name": "none"}}, 'configmap "none" not found'),
        (
            {"secret": {"secretName": "s", "items": [{"key": "z", "path": "z"}]}},
            "references non-existent secret key: z",
        ),
        (
            {"configMap": {"name": "c", "items": [{"key": "A", "path": "../a"}]}},
            "path '../a': must be relative and without '..'",
        ),
        (
            {"projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}},
            "devcluster projects configMap, secret, downwardAPI, projected; not "
            "serviceAccountToken",
        ),
    ],
)
def test_what_cannot_be_mounted_is_named(volume: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        files(**volume)
    assert str(caught.value) == message
