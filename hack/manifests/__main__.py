"""`make manifests`: write what is rendered from the chart. With --check only say what is out of
date, and lint.
"""

import sys

from ccx_api.render import write
from manifests import golden, install, readme
from manifests.chart import DEFAULTS, lint


def main(*, check: bool) -> None:
    write({**install.rendered(), **golden.rendered(), **readme.rendered()}, check=check)
    if not check:
        return
    for name, values in {"the defaults": DEFAULTS, **golden.values_files()}.items():
        if found := lint(values):
            sys.exit(f"helm lint with {name}: {'; '.join(found)}")


if __name__ == "__main__":
    main(check="--check" in sys.argv)
