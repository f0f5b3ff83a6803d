"""Our programs as the rows on a real cluster start them."""

import sys
from importlib.metadata import version
from pathlib import Path
from typing import Final

from ccx_dev.child import Child

BIN: Final = Path(sys.executable).parent


def runtime_image() -> str:
    return f"cc-executor/runtime:{version('cc-executor')}"


def start_operator(kubeconfig: Path, directory: Path, *words: str) -> Child:
    return child([str(BIN / "ccx-operator"), *words], kubeconfig, directory)


def child(argv: list[str], kubeconfig: Path, directory: Path) -> Child:
    log = directory / f"{Path(argv[0]).name}.log"
    return Child(argv[0], argv, log=log, env={"KUBECONFIG": str(kubeconfig)}, ready_seconds=None)
