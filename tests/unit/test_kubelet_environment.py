import base64
from typing import Any

import pytest

from devcluster.kubelet.environment import local_env, pod_env, specified_env
from devcluster.kubelet.local_paths import LocalPaths
from devcluster.kubelet.lookup import ConfigError
from support.pods import a_container, a_pod

OBJECTS: dict[tuple[str, str], dict[str, Any]] = {
    ("secrets", "s"): {"data": {"k": base64.b64encode(b"v\xff").decode()}},
    ("configmaps", "c"): {"data": {"A": "1", "B": "2"}},
}


def the_env(*env: dict[str, Any], **container: Any) -> dict[str, str]:
    pod = a_pod(annotations={"a/b": "note"}, nodeName="n1")
    spec = a_container("true", env=list(env), **container)
    return specified_env(pod, spec, lambda resource, name: OBJECTS.get((resource, name)))


def from_key(kind: str, name: str, key: str, **rest: Any) -> dict[str, Any]:
    return {"name": "X", "valueFrom": {f"{kind}KeyRef": {"name": name, "key": key, **rest}}}


def from_field(path: str) -> dict[str, Any]:
    return {"name": "X", "valueFrom": {"fieldRef": {"fieldPath": path}}}


def test_a_value_sees_the_entries_above_it_and_not_those_of_env_from() -> None:
    first = {"name": "X", "value": "x"}
    second = {"name": "Y", "value": "$(X)-$(A)-$(Y)-$$(X)"}
    source = {"configMapRef": {"name": "c"}}
    env = the_env(first, second, {"name": "B", "value": "mine"}, envFrom=[source])
    assert env == {"A": "1", "B": "mine", "X": "x", "Y": "x-$(A)-$(Y)-$(X)"}


def test_env_from_takes_a_prefix() -> None:
    assert the_env(envFrom=[{"prefix": "P_", "configMapRef": {"name": "c"}}]) == {
        "P_A": "1",
        "P_B": "2",
    }


def test_a_secret_of_any_bytes_reaches_the_environment_unchanged() -> None:
    assert the_env(from_key("secret", "s", "k"))["X"].encode("utf-8", "surrogateescape") == b"v\xff"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("metadata.name", "pod"),
        ("metadata.namespace", "default"),
        ("metadata.uid", "u1"),
        ("metadata.labels['app']", "x"),
        ("metadata.labels['none']", ""),
        ("metadata.annotations['a/b']", "note"),
        ("status.podIP", "127.0.0.1"),
        ("spec.nodeName", "n1"),
    ],
)
def test_a_field_of_the_pod_can_be_had(path: str, value: str) -> None:
    assert the_env(from_field(path)) == {"X": value}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (from_key("secret", "none", "k"), 'secret "none" not found'),
        (from_key("configMap", "none", "k"), 'configmap "none" not found'),
        (from_key("secret", "s", "z"), "couldn't find key z in Secret default/s"),
        (from_key("configMap", "c", "z"), "couldn't find key z in ConfigMap default/c"),
        (from_field("status.phase"), "field label not supported: status.phase"),
    ],
)
def test_what_is_missing_is_said_in_the_kubelets_words(entry: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"^{message}$"):
        the_env(entry)


def test_a_missing_reference_that_is_optional_leaves_the_variable_unset() -> None:
    missing = [from_key("secret", "none", "k", optional=True)]
    missing += [from_key("configMap", "c", "z", optional=True)]
    source = {"secretRef": {"name": "none", "optional": True}}
    assert the_env(*missing, envFrom=[source]) == {}


def test_a_pod_knows_nothing_of_the_developers_environment() -> None:
    names = {"PATH", "HOSTNAME", "HOME", "KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"}
    assert pod_env(a_pod(), "/n/root").keys() == names


def test_only_variables_of_a_port_get_the_port_that_stands_for_it() -> None:
    env = {"PATH": "/bin", "CCX_READINESS_PORT": "8099", "COUNT": "8099", "OTHER_PORT": "80"}
    local = local_env(env, LocalPaths({}), {8099: 20001}, ["/first"])
    assert local == {
        "PATH": "/first:/bin",
        "CCX_READINESS_PORT": "20001",
        "COUNT": "8099",
        "OTHER_PORT": "80",
    }
