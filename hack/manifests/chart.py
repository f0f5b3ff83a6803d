"""charts/cc-executor, rendered by Helm's own engine, without the helm program.

values -> documents() -> as `helm install` would apply them; hooks() are what it runs beside
"""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import helm_python
import yaml

Manifest = dict[str, Any]
Values = Mapping[str, Any]

ROOT: Final = Path(__file__).parents[2]
CHART: Final = ROOT / "charts/cc-executor"
RELEASE: Final = "cc-executor"
NAMESPACE: Final = "cc-executor"
"""Also of whom our docs and tests speak; an installation may choose others."""

DEFAULTS: Final[Values] = {}

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The CRD takes the one in Python half a second."""

_HOOK: Final = "helm.sh/hook"
_WARNING: Final = 2
_NOTES: Final = "NOTES.txt"
_FIRST: Final = (
    "CustomResourceDefinition",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "NetworkPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "ConfigMap",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "Service",
    "Deployment",
)
"""The order in which things have to be there: policies before those for whom they hold."""


class ValuesError(ValueError):
    pass


def documents(values: Values = DEFAULTS) -> list[Manifest]:
    """ValuesError with the field's name for values that the schema does not take."""
    return [found for found in _rendered(values) if _HOOK not in _annotations(found)]


def hooks(values: Values = DEFAULTS) -> list[Manifest]:
    return [found for found in _rendered(values) if _HOOK in _annotations(found)]


def lint(values: Values = DEFAULTS) -> list[str]:
    """What `helm lint --strict` has to say, without its recommendations."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "chart.tgz"
        path.write_bytes(packaged())
        report = helm_python.lint(path, dict(values), strict=True)
    bad = [message for message in report["messages"] if message["severity"] >= _WARNING]
    return [*report["errors"], *(f"{message['path']}: {message['error']}" for message in bad)]


def notes(values: Values = DEFAULTS) -> str:
    return next(text for path, text in _texts(values).items() if path.endswith(_NOTES))


def _rendered(values: Values) -> list[Manifest]:
    return sorted(_parsed(_texts(values)), key=_place)


def _texts(values: Values) -> dict[str, str]:
    chart = _chart()
    try:
        chart.validate_schema(dict(values))
        return chart.render(dict(values), name=RELEASE, namespace=NAMESPACE)
    except (helm_python.HelmValuesError, helm_python.HelmRenderError) as exc:
        raise ValuesError(str(exc)) from None


@cache
def _chart() -> helm_python.Chart:
    return helm_python.Chart.load_archive(packaged())


@cache
def packaged() -> bytes:
    """As it is published: with the CRD, which is a link in the sources. Helm tells of the link."""
    with TemporaryDirectory() as directory:
        return Path(helm_python.package(CHART, destination=directory)).read_bytes()


def _parsed(texts: Mapping[str, str]) -> Iterator[Manifest]:
    for path, text in texts.items():
        if not path.endswith(_NOTES):
            found = yaml.load_all(text, Loader=_LOADER)
            yield from (manifest for manifest in found if manifest)


def _annotations(manifest: Manifest) -> Mapping[str, str]:
    return manifest["metadata"].get("annotations") or {}


def _place(manifest: Manifest) -> tuple[int, str, str, str]:
    kind, metadata = manifest["kind"], manifest["metadata"]
    order = _FIRST.index(kind) if kind in _FIRST else len(_FIRST)
    return order, kind, metadata.get("namespace", ""), metadata["name"]
