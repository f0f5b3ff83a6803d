"""A default StorageClass without a provisioner: a few local volumes, each for one claim.

objects() -> kubectl apply        local volumes, as hostPath takes no fsGroup
"""

import json
import shutil
from pathlib import Path
from typing import Any, Final

from cluster.errors import ClusterError
from cluster.health import kubectl
from cluster.places import NODE, Places

COUNT: Final = 20
CLASS: Final = "local"
_IN_NODE: Final = Path("/var/lib/ccx-volumes")
"""As the node sees them; here they are below the cluster's state."""

Json = dict[str, Any]


def make(places: Places) -> None:
    """Empty, as the cluster is. Needs the API server."""
    root = places.state / _IN_NODE.relative_to("/")
    shutil.rmtree(root, ignore_errors=True)
    for number in range(COUNT):
        (root / str(number)).mkdir(parents=True)
    file = places.config / "volumes.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects()}, indent=2))
    done = kubectl(places, "apply", "--server-side", "-f", str(file))
    if done.returncode:
        raise ClusterError(f"the volumes were not made: {done.stderr.strip()[-500:]}")


def objects() -> list[Json]:
    default = {"storageclass.kubernetes.io/is-default-class": "true"}
    storage_class = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": CLASS, "annotations": default},
        "provisioner": "kubernetes.io/no-provisioner",
        "volumeBindingMode": "WaitForFirstConsumer",
    }
    return [storage_class, *map(_volume, range(COUNT))]


def _volume(number: int) -> Json:
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [NODE]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"{CLASS}-{number}"},
        "spec": {
            "capacity": {"storage": "10Gi"},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": CLASS,
            "local": {"path": str(_IN_NODE / str(number))},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
        },
    }
