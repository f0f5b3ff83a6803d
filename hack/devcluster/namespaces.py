"""Namespaces: those of a new cluster, and what each begins with."""

from typing import Final

from devcluster.history import Object
from devcluster.store import Store

FIRST: Final = ("default", "kube-system")


def add_first_namespaces(store: Store) -> None:
    for name in FIRST:
        if store.get("namespaces", "", name) is None:
            namespace: Object = {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": name},
            }
            complete(namespace)
            store.create("namespaces", "", namespace)
            add_service_account(store, name)


def complete(namespace: Object) -> None:
    """In place: its name as a label, and the finalizer that cleanup.py takes away."""
    metadata = namespace["metadata"]
    label = {"kubernetes.io/metadata.name": metadata["name"]}
    metadata["labels"] = {**(metadata.get("labels") or {}), **label}
    namespace.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
    namespace.setdefault("status", {"phase": "Active"})


def add_service_account(store: Store, namespace: str) -> None:
    """Every namespace has one: a pod that names no other runs as it."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    store.create("serviceaccounts", namespace, account)
