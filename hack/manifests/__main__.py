"""`make manifests`: write deploy/install.yaml; with --check only say whether it is out of date."""

import sys

from ccx_api.render import write
from manifests.install import rendered

if __name__ == "__main__":
    write(rendered(), check="--check" in sys.argv)
