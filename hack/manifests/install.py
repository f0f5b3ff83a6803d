"""deploy/install.yaml: the chart with its defaults, for `kubectl apply`, behind its namespace."""

from pathlib import Path
from typing import Any, Final

import yaml

from manifests.chart import NAMESPACE, ROOT, Manifest, documents

_HEAD: Final = "# Rendered by `make manifests`; do not edit. kubectl apply -f deploy/install.yaml\n"


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, _: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text.rstrip("\n") else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def namespace() -> Manifest:
    """As Helm makes none with labels."""
    modes = ("enforce", "audit", "warn")
    levels = {f"pod-security.kubernetes.io/{mode}": "restricted" for mode in modes}
    labels = {"app.kubernetes.io/name": "cc-executor", **levels}
    metadata = {"name": NAMESPACE, "labels": labels}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def dumped(manifests: list[Manifest]) -> str:
    return yaml.dump_all(
        manifests,
        Dumper=_Dumper,
        sort_keys=False,
        width=100,
        allow_unicode=True,
        explicit_start=True,
    )


def rendered() -> dict[Path, str]:
    return {ROOT / "deploy/install.yaml": _HEAD + dumped([namespace(), *documents()])}
