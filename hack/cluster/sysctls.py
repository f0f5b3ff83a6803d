"""Settings of the whole machine that a kubelet changes at its start: put back at the end."""

import json
from pathlib import Path
from typing import Final

CHANGED: Final = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)
_ROOT: Final = Path("/proc/sys")


def remember(file: Path, root: Path = _ROOT) -> None:
    """Not again while there is a file: what it says was before the first start."""
    if not file.exists():
        found = {name: (root / name).read_text(encoding="ascii") for name in CHANGED}
        file.write_text(json.dumps(found), encoding="utf-8")


def put_back(file: Path, root: Path = _ROOT) -> None:
    if file.exists():
        for name, value in json.loads(file.read_text(encoding="utf-8")).items():
            (root / name).write_text(value, encoding="ascii")
        file.unlink()
