"""Make a pod's volumes as local directories, and find what a container mounts.

spec.volumes -> directories (filled once, at the start of the pod) -> mount path: local path
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from devcluster.history import Object
from devcluster.kubelet.expansion import expand
from devcluster.kubelet.lookup import ConfigError, Lookup
from devcluster.kubelet.volume_files import Files, files_of

CLAIMS: Final = "persistentvolumeclaims"


class MountError(Exception):
    """A volume cannot be set up (yet). May be cured from outside: worth a retry."""


def make_volumes(pod: Object, home: Path, claims: Path, lookup: Lookup) -> dict[str, Path]:
    """The directory of every volume by its name. Idempotent. Raises MountError."""
    return {
        volume["name"]: _make(volume, pod, home, claims, lookup)
        for volume in pod["spec"].get("volumes") or ()
    }


def _make(volume: Object, pod: Object, home: Path, claims: Path, lookup: Lookup) -> Path:
    name = volume["name"]
    if claim := volume.get("persistentVolumeClaim"):
        return _claim_directory(claim["claimName"], claims, lookup)
    directory = home / str(name)
    try:
        files = files_of(volume, pod, lookup)
    except ConfigError as error:
        raise MountError(f'MountVolume.SetUp failed for volume "{name}" : {error}') from None
    if files is None and "emptyDir" not in volume:
        kind = ", ".join(volume.keys() - {"name"})
        raise MountError(f'volume "{name}": devcluster has no volumes of the kind {kind}')
    directory.mkdir(parents=True, exist_ok=True)
    if files is None:
        directory.chmod(0o777)  # as the kubelet makes an emptyDir
    else:
        _write(directory, files)
    return directory


def _claim_directory(name: str, claims: Path, lookup: Lookup) -> Path:
    """Kept per claim, not per name: a claim that is made anew is empty."""
    claim = lookup(CLAIMS, name)
    if claim is None:
        raise MountError(f'persistentvolumeclaim "{name}" not found')
    directory = claims / str(claim["metadata"]["uid"])
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def _write(directory: Path, files: Files) -> None:
    for path, file in files.items():
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.data)
        target.chmod(file.mode)


def mounts_of(
    container: Object, volumes: Mapping[str, Path], env: Mapping[str, str]
) -> dict[str, str]:
    """Mount path to local path. Raises ConfigError."""
    return {
        mount["mountPath"]: str(_source(mount, volumes, env))
        for mount in container.get("volumeMounts") or ()
    }


def _source(mount: Object, volumes: Mapping[str, Path], env: Mapping[str, str]) -> Path:
    if mount["name"] not in volumes:
        raise ConfigError(f'volumeMount "{mount["name"]}": the pod has no volume of that name')
    if mount["mountPath"].strip("/") == "":
        raise ConfigError(f'volumeMount "{mount["name"]}": devcluster cannot mount over /')
    inner = mount.get("subPath") or expand(mount.get("subPathExpr") or "", env)
    if inner.startswith("/") or ".." in Path(inner).parts:
        raise ConfigError(f"subPath {inner!r}: must be relative and without '..'")
    source = volumes[mount["name"]] / inner
    if not source.exists():
        source.mkdir(parents=True)
    return source
