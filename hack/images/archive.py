"""An image of one layer as a docker archive, which every engine and containerd can load. Pure.

files -> layer -> config, manifest -> archive; equal files give equal bytes
"""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Image:
    name: str
    """With its registry: docker.io/NAME/NAME:TAG."""

    architecture: str
    """In Go's words: amd64, arm64."""

    entrypoint: Sequence[str]
    user: str


def archive(image: Image, programs: Mapping[str, bytes]) -> bytes:
    """`programs`: path in the image -> content, executable for everybody."""
    layer = _tar(programs, mode=0o755)
    digest = hashlib.sha256(layer).hexdigest()
    config = {
        "architecture": image.architecture,
        "os": "linux",
        "config": {"Entrypoint": list(image.entrypoint), "User": image.user},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [image.name], "Layers": ["layer.tar"]}]
    files = {
        "manifest.json": json.dumps(manifest).encode(),
        "config.json": json.dumps(config).encode(),
        "layer.tar": layer,
    }
    return _tar(files, mode=0o644)


def _tar(files: Mapping[str, bytes], *, mode: int) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), mode
            tar.addfile(entry, io.BytesIO(data))
    return packed.getvalue()
