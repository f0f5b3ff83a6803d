"""Objects for the tests of devcluster: a small custom resource that has a bit of everything."""

from typing import Any

GROUP, VERSION, PLURAL = "example.dev", "v1alpha1", "widgets"
KEY = f"{PLURAL}.{GROUP}"
WIDGETS = f"/apis/{GROUP}/{VERSION}/namespaces/default/{PLURAL}"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["spec"],
    "x-kubernetes-validations": [
        {
            "rule": "self.spec.mode == oldSelf.spec.mode || !has(oldSelf.status)",
            "message": "spec.mode cannot change once there is a status",
        }
    ],
    "properties": {
        "spec": {
            "type": "object",
            "required": ["prompt"],
            "x-kubernetes-validations": [
                {
                    "rule": "self.size < 100 || self.mode == 'Big'",
                    "message": "a size of 100 or more needs the mode Big",
                }
            ],
            "properties": {
                "prompt": {"type": "string", "minLength": 1, "maxLength": 20},
                "size": {"type": "integer", "minimum": 1, "default": 3},
                "mode": {"type": "string", "enum": ["Small", "Big"], "default": "Small"},
                "factor": {"type": "number", "x-kubernetes-validations": [{"rule": "self > 0.5"}]},
                "until": {"type": "string", "format": "date-time"},
                "port": {"x-kubernetes-int-or-string": True},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "env": {
                    "type": "array",
                    "maxItems": 3,
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                    "items": {
                        "type": "object",
                        "required": ["name"],
                        "properties": {
                            "name": {"type": "string"},
                            "value": {
                                "type": "string",
                                "default": "",
                                "x-kubernetes-validations": [
                                    {
                                        "rule": "self == oldSelf",
                                        "messageExpression": "'was ' + oldSelf",
                                    }
                                ],
                            },
                        },
                    },
                },
                "template": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            },
        },
        "status": {
            "type": "object",
            "properties": {
                "phase": {"type": "string"},
                "conditions": {
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["type"],
                    "items": {
                        "type": "object",
                        "required": ["type", "status"],
                        "properties": {
                            name: {"type": "string"}
                            for name in ("type", "status", "reason", "message")
                        },
                    },
                },
            },
        },
    },
}

COLUMNS: list[dict[str, Any]] = [
    {"name": "Phase", "type": "string", "jsonPath": ".status.phase"},
    {
        "name": "Why",
        "type": "string",
        "jsonPath": '.status.conditions[?(@.type=="Ready")].message',
        "priority": 1,
    },
    {"name": "Size", "type": "integer", "jsonPath": ".spec.size"},
    {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
]


def a_crd(**spec: Any) -> dict[str, Any]:
    names = {"kind": "Widget", "plural": PLURAL, "singular": "widget", "shortNames": ["wd"]}
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": COLUMNS,
        "schema": {"openAPIV3Schema": SCHEMA},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": KEY},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": names,
            "versions": [version],
            **spec,
        },
    }


def a_widget(name: str = "one", *, metadata: Any = None, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": f"{GROUP}/{VERSION}",
        "kind": "Widget",
        "metadata": {"name": name, **(metadata or {})},
        "spec": {"prompt": "hello", **spec},
    }


def a_pod(name: str = "pod", *, metadata: Any = None, **spec: Any) -> dict[str, Any]:
    containers = [{"name": "main", "image": "local/image:1", "command": ["sleep", "60"]}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, **(metadata or {})},
        "spec": {"containers": containers, **spec},
    }
