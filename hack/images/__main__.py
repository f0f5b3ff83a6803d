"""`python3 hack/images [NAME ...]`: the project's images, as archives in .ccx/images."""

import argparse
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])  # who is run as a folder has no package

from images import pause  # noqa: E402 - now it has
from images.errors import ImagesError  # noqa: E402

CHECKOUT = Path(__file__).resolve().parents[2]


def main() -> None:
    parser = argparse.ArgumentParser(prog="hack/images", description=__doc__)
    parser.add_argument("name", nargs="*", choices=["pause"], default=["pause"])
    parser.parse_args()
    try:
        pause.make(CHECKOUT / ".ccx/images/pause.tar")
    except ImagesError as exc:
        sys.exit(f"hack/images: {exc}")


if __name__ == "__main__":
    main()
