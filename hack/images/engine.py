"""docker, podman or buildah: whichever is here and works.

find() -> Engine -> pull, build, save
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from images.errors import ImagesError

_NO_DAEMON: Final = ("--isolation", "chroot", "--network", "host", "--layers", "--timestamp", "0")
"""For builds in containers and small virtual machines too; equal files make equal layers."""

_ENVIRONMENT: Final = {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
"""Docker's are a second image, with the time of the build in it, which not every loader takes."""

_QUOTED: Final = 2000
"""Characters of an engine's output that an error quotes: its end."""


@dataclass(frozen=True, slots=True)
class Engine:
    program: str
    build_words: tuple[str, ...]
    log: Path
    """What the engine prints."""

    def image_id(self, name: str) -> str | None:
        """None: it has no image of that name."""
        words = ["inspect", "--type", "image", "--format", self._id_format, name]
        done = subprocess.run([self.program, *words], capture_output=True, text=True, check=False)
        return done.stdout.strip().removeprefix("sha256:") if done.returncode == 0 else None

    def layers(self, name: str) -> list[str]:
        """The digests of what each adds, with nothing of how and when it was built."""
        words = ["inspect", "--type", "image", "--format", self._layers_format, name]
        done = subprocess.run([self.program, *words], capture_output=True, text=True, check=False)
        if done.returncode:
            raise ImagesError(f"{self.program} knows no {name}: {done.stderr.strip()[-_QUOTED:]}")
        return done.stdout.split()

    def pull(self, name: str) -> str:
        """Why it could not; empty if it could."""
        try:
            self._run("pull", name)
        except ImagesError as exc:
            return str(exc).strip().splitlines()[-1]
        return ""

    def build(
        self,
        name: str,
        context: Path,
        *,
        target: str = "",
        args: Mapping[str, str] | None = None,
        anew: bool = False,
    ) -> None:
        """`anew`: nothing of what it has built before is taken."""
        words = [*self.build_words, "--tag", name]
        words += ["--no-cache"] if anew else []
        words += ["--target", target] if target else []
        for key, value in (args or {}).items():
            words += ["--build-arg", f"{key}={value}"]
        self._run(*words, str(context))

    def remove(self, name: str) -> None:
        """The name; what other names have in common with it stays."""
        self._run("rmi", name)

    def save(self, name: str, path: Path) -> None:
        """As a docker archive, whole or not at all."""
        part = path.with_suffix(".part")
        part.unlink(missing_ok=True)
        if self.program == "buildah":
            self._run("push", name, f"docker-archive:{part}:{name}")
        else:
            self._run("save", "--output", str(part), name)
        part.replace(path)

    @property
    def _id_format(self) -> str:
        return "{{.FromImageID}}" if self.program == "buildah" else "{{.Id}}"

    @property
    def _layers_format(self) -> str:
        layers = ".Docker.RootFS.DiffIDs" if self.program == "buildah" else ".RootFS.Layers"
        return f"{{{{range {layers}}}}}{{{{println .}}}}{{{{end}}}}"

    def _run(self, *words: str) -> None:
        with self.log.open("a", encoding="utf-8") as log:
            began = log.tell()
            log.write(f"\n$ {self.program} {' '.join(words)}\n")
            log.flush()
            done = subprocess.run(
                [self.program, *words],
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **_ENVIRONMENT},
                check=False,
            )
        if done.returncode:
            said = self.log.read_bytes()[began:].decode("utf-8", "replace")
            raise ImagesError(f"{self.program} failed, see {self.log}:\n{said[-_QUOTED:]}")


BUILD_WORDS: Final = {
    "docker": ("build",),
    "podman": ("build", "--format", "docker", *_NO_DAEMON),
    "buildah": ("bud", "--format", "docker", "--pull=false", *_NO_DAEMON),
}
"""In the order of preference."""


def find(log: Path, wanted: str | None = None) -> Engine:
    programs: Sequence[str] = [wanted] if wanted else list(BUILD_WORDS)
    for program in programs:
        if _works(program):
            return Engine(program, BUILD_WORDS[program], log)
    raise ImagesError(
        f"none of these is here and works: {', '.join(programs)}."
        " On Debian: apt-get install buildah mmdebstrap"
    )


def _works(program: str) -> bool:
    """A client without its daemon does not."""
    if shutil.which(program) is None:
        return False
    return subprocess.run([program, "info"], capture_output=True, check=False).returncode == 0
