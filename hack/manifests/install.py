"""deploy/install.yaml: all that a cluster needs, in the order in which it has to be there.

models, names, deploy/policies/*.yaml -> documents -> text
"""

from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import yaml

from ccx_api.crd import crd
from manifests import exec_policy, rbac, workloads
from manifests.names import Manifest

ROOT: Final = Path(__file__).parents[2]
_HEAD: Final = "# Rendered by `make manifests`; do not edit. kubectl apply -f deploy/install.yaml\n"


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, _: Any) -> bool:
        return True


def documents(release: str, policies: Iterable[Manifest] = ()) -> list[Manifest]:
    """The policies before what they hold for."""
    return [
        workloads.namespace(),
        crd(),
        exec_policy.policy(),
        exec_policy.binding(),
        *policies,
        *rbac.accounts(),
        *rbac.rights(),
        *rbac.roles_for_people(),
        workloads.gateway_service(),
        workloads.operator(release),
        workloads.gateway(release),
    ]


def rendered() -> dict[Path, str]:
    policies: list[Manifest] = []
    for path in sorted((ROOT / "deploy/policies").glob("*.yaml")):
        policies += yaml.safe_load_all(path.read_text(encoding="utf-8"))
    text = yaml.dump_all(
        documents(version("cc-executor"), policies),
        Dumper=_Dumper,
        sort_keys=False,
        width=100,
        allow_unicode=True,
        explicit_start=True,
    )
    return {ROOT / "deploy/install.yaml": _HEAD + text}
