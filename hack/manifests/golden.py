"""What values make of the chart, as files to read: a change of a template shows in them.

ci/NAME-values.yaml -> what is not as by default -> tests/unit/golden/chart-NAME.yaml

The defaults are deploy/install.yaml, and chart-hooks.yaml. The CRD is in neither: it is rendered.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import yaml

from manifests.chart import CHART, DEFAULTS, ROOT, Manifest, Values, documents, hooks
from manifests.install import dumped

GOLDEN: Final = ROOT / "tests/unit/golden"
_VALUES: Final = "-values.yaml"
_HEAD: Final = "# Rendered by `make manifests`: {}; do not edit.\n"
_CUT: Final = 3
"""Lines of a text that is no template but lies beside them, such as a dashboard."""


def values_files() -> dict[str, Values]:
    found = sorted((CHART / "ci").glob(f"*{_VALUES}"))
    return {
        path.name.removesuffix(_VALUES): yaml.safe_load(path.read_text(encoding="utf-8"))
        for path in found
    }


def rendered() -> dict[Path, str]:
    of_hooks = _HEAD.format("the hooks") + dumped(hooks())
    files = {GOLDEN / "chart-hooks.yaml": of_hooks}
    for name, values in values_files().items():
        files[GOLDEN / f"chart-{name}.yaml"] = _difference(name, values)
    return files


def _difference(name: str, values: Values) -> str:
    before, after = _named(DEFAULTS), _named(values)
    gone = "".join(f"# not there: {place}\n" for place in before if place not in after)
    changed = [found for place, found in after.items() if found != before.get(place)]
    head = _HEAD.format(f"charts/cc-executor/ci/{name}{_VALUES}, where not as by default")
    return head + gone + dumped([_short(found) for found in changed])


def _named(values: Values) -> dict[str, Manifest]:
    return {
        _place(found): found
        for found in _all(values)
        if found["kind"] != "CustomResourceDefinition"
    }


def _all(values: Values) -> Iterable[Manifest]:
    yield from documents(values)
    yield from hooks(values)


def _place(manifest: Manifest) -> str:
    metadata = manifest["metadata"]
    return f"{manifest['kind']} {metadata.get('namespace', '')}/{metadata['name']}"


def _short(manifest: Manifest) -> Manifest:
    if "-dashboard-" not in manifest["metadata"]["name"]:
        return manifest
    data = {name: "\n".join(text.splitlines()[:_CUT]) for name, text in manifest["data"].items()}
    return {**manifest, "data": data}
