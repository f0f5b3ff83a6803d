"""The image that holds a pod's namespaces, where no registry is reached: a Go program alone.

go build -> archive.py -> pause.tar
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from images.archive import Image, archive
from images.errors import ImagesError

NAME: Final = "docker.io/cc-executor/pause:1"
SOURCE: Final = Path(__file__).parent / "pause/main.go"
NOBODY: Final = "65535:65535"


def make(target: Path) -> None:
    program, architecture = _program()
    image = Image(NAME, architecture, ["/pause"], NOBODY)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(archive(image, {"pause": program}))


def _program() -> tuple[bytes, str]:
    if shutil.which("go") is None:
        raise ImagesError("Go is needed for the pause image: https://go.dev/dl")
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "pause"
        flags = ["-trimpath", "-ldflags", "-s -w -buildid=", "-o", str(program)]
        _go("build", *flags, str(SOURCE))
        return program.read_bytes(), _go("env", "GOARCH")


def _go(*words: str) -> str:
    env = {**os.environ, "CGO_ENABLED": "0", "GOOS": "linux", "GOFLAGS": ""}
    done = subprocess.run(["go", *words], env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ImagesError(f"go {words[0]} failed: {done.stderr.strip()[-500:]}")
    return done.stdout.strip()
