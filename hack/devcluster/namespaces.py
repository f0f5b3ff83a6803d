"""Namespaces: those of a new cluster, and what each begins with."""

from typing import Final

from devcluster.store import Store

FIRST: Final = ("default", "kube-system")


def add_first_namespaces(store: Store) -> None:
    for name in FIRST:
        if store.get("namespaces", "", name) is None:
            labels = {"kubernetes.io/metadata.name": name}
            namespace = {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": name, "labels": labels},
                "status": {"phase": "Active"},
            }
            store.create("namespaces", "", namespace)
            add_service_account(store, name)


def add_service_account(store: Store, namespace: str) -> None:
    """Every namespace has one: a pod that names no other runs as it."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
    store.create("serviceaccounts", namespace, account)
