"""`python -m manifests.helm install|test|uninstall`: what helm does with the chart, by its
engine, for those who have no helm program. At KUBECONFIG, with our release and namespace.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import helm_python
import yaml

from manifests.chart import CHART, NAMESPACE, RELEASE

WAIT_SECONDS: Final = 180
_WATCHER: Final = "watcher"
"""Helm's way to wait for what it has made: by kstatus."""


class Release:
    """The one release that docs and tests speak of."""

    def __init__(self, kubeconfig: Path | None = None) -> None:
        """Without one: as kubectl finds its own."""
        self._kubeconfig = kubeconfig

    def install(self, values: dict[str, Any] | None = None, chart: Path = CHART) -> None:
        """Or upgrade it, where it is installed; these values count, and none of before."""
        with self._config() as config:
            if self.exists():
                config.upgrade(
                    chart,
                    RELEASE,
                    values,
                    reset_values=True,  # or no values would mean those of before
                    timeout=WAIT_SECONDS,
                    wait=_WATCHER,
                )
            else:
                config.install(
                    chart,
                    RELEASE,
                    values,
                    namespace=NAMESPACE,
                    create_namespace=True,
                    timeout=WAIT_SECONDS,
                    wait=_WATCHER,
                )

    def exists(self) -> bool:
        with self._config() as config:
            return any(found["name"] == RELEASE for found in config.list(all_states=True))

    def test(self) -> str:
        """What the test has printed; HelmReleaseError if it fails."""
        with self._config() as config:
            return str(config.test(RELEASE, timeout=WAIT_SECONDS, logs=True).get("logs", ""))

    def uninstall(self) -> None:
        with self._config() as config:
            config.uninstall(RELEASE, timeout=WAIT_SECONDS, wait=_WATCHER)

    @contextmanager
    def _config(self) -> Iterator[helm_python.Config]:
        with helm_python.Config(kubeconfig_path=self._kubeconfig, namespace=NAMESPACE) as config:
            yield config


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m manifests.helm", description=__doc__)
    parser.add_argument("command", choices=("install", "test", "uninstall"))
    parser.add_argument("--values", type=Path, help="a file of values, for install")
    given = parser.parse_args()
    release = Release()
    try:
        match given.command:
            case "install":
                text = given.values.read_text(encoding="utf-8") if given.values else "{}"
                release.install(yaml.safe_load(text))
            case "test":
                print(release.test())
            case "uninstall":
                release.uninstall()
    except helm_python.HelmError as exc:
        sys.exit(f"helm {given.command}: {exc}")


if __name__ == "__main__":
    main()
