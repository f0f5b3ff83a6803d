"""From a container's spec to what is started on this machine.

spec, volumes, ports -> environment, mounts -> local paths -> argv, env, working directory
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from devcluster.history import Object
from devcluster.kubelet.container_process import Launch
from devcluster.kubelet.environment import local_env, pod_env, specified_env
from devcluster.kubelet.expansion import expand
from devcluster.kubelet.local_paths import LocalPaths
from devcluster.kubelet.lookup import ConfigError
from devcluster.kubelet.services import Services
from devcluster.kubelet.volumes import mounts_of

TERMINATION_LOG: Final = "/dev/termination-log"


@dataclass(frozen=True, slots=True)
class Prepared:
    launch: Launch
    paths: LocalPaths
    termination_log: Path


def prepare(
    pod: Object,
    container: Object,
    volumes: Mapping[str, Path],
    ports: Mapping[int, int],
    services: Services,
) -> Prepared:
    """Raises ConfigError. Empties the termination log."""
    home = services.pod_home(pod["metadata"]["uid"]) / "c" / container["name"]
    root = home / "root"
    root.mkdir(parents=True, exist_ok=True)
    env = pod_env(pod, str(root))
    env |= specified_env(pod, container, services.lookup(pod))
    termination_log = home / "termination-log"
    termination_log.write_bytes(b"")
    paths = LocalPaths(
        mounts_of(container, volumes, env)
        | {container.get("terminationMessagePath") or TERMINATION_LOG: str(termination_log)}
    )
    argv = [paths.in_token(expand(token, env)) for token in _command(container)]
    cwd = _working_directory(container.get("workingDir") or "", root, paths)
    launch = Launch(argv, local_env(env, paths, ports, services.path), cwd)
    return Prepared(launch, paths, termination_log)


def _command(container: Object) -> list[str]:
    command = container.get("command") or []
    if not command:
        raise ConfigError(
            f'container "{container["name"]}" has no command: devcluster runs no images, '
            "so their entrypoints do not exist"
        )
    return [*command, *(container.get("args") or [])]


def _working_directory(path: str, root: Path, paths: LocalPaths) -> str:
    """Made if missing, like a runtime does; outside of all mounts it is the container's own."""
    local = paths.of(path) or root / path.lstrip("/")
    Path(local).mkdir(parents=True, exist_ok=True)
    return str(local)
