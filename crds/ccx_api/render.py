"""`make manifests`: write every rendered file; with --check only say which are out of date."""

import sys
from collections.abc import Mapping
from pathlib import Path

import yaml

from ccx_api.crd import crd
from ccx_api.names import PLURAL
from ccx_api.reference import reference

ROOT = Path(__file__).parents[2]


def rendered() -> dict[Path, str]:
    """Every rendered file of the repository and what it must hold."""
    manifest = yaml.safe_dump(crd(), sort_keys=False, width=100, allow_unicode=True)
    return {
        ROOT / f"crds/{PLURAL}.yaml": f"# Rendered by `make manifests`; do not edit.\n{manifest}",
        ROOT / "docs/api.md": reference(),
    }


def write(files: Mapping[Path, str], *, check: bool) -> None:
    """Those that are out of date. With `check` end the process, saying which they are."""
    stale = [
        path
        for path, text in files.items()
        if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    if check and stale:
        names = ", ".join(str(path.relative_to(ROOT)) for path in stale)
        sys.exit(f"out of date: {names}: run `make manifests` and commit what it changes")
    for path in stale:
        path.write_text(files[path], encoding="utf-8")


if __name__ == "__main__":
    write(rendered(), check="--check" in sys.argv)
