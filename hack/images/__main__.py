"""`python3 hack/images [NAME ...]`: the project's images, as archives in .ccx/images."""

import argparse
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])  # who is run as a folder has no package

from images import build, engine  # noqa: E402 - now it has
from images.errors import ImagesError  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(prog="hack/images", description=__doc__)
    names = (*build.TARGETS, build.PAUSE)
    add = parser.add_argument
    add("name", nargs="*", metavar="NAME", help=f"of {', '.join(names)}; all if absent")
    add("--engine", choices=tuple(engine.BUILD_WORDS), help="by default the first that works")
    add("--base", metavar="IMAGE", help="what the images stand on: Python 3.11 or newer, of Debian")
    add("--base-rootfs", type=Path, metavar="FILE", help="the same as an archive of its files")
    add("--base-python", default="3.11", metavar="VERSION", help="the base's (3.11)")
    add("--claude-agent-sdk", metavar="VERSION", help="the wheel that bundles the Claude Code CLI")
    add("--twice", action="store_true", help="build each again, which must make equal layers")
    given = parser.parse_args()
    if unknown := set(given.name) - set(names):
        parser.error(
            f"there is no image {', '.join(sorted(unknown))}: there are {', '.join(names)}"
        )
    try:
        build.run(
            build.Wishes(
                names=given.name or names,
                engine=given.engine,
                base=given.base,
                base_rootfs=given.base_rootfs,
                base_python=given.base_python,
                claude_agent_sdk=given.claude_agent_sdk,
                twice=given.twice,
            )
        )
    except ImagesError as exc:
        sys.exit(f"hack/images: {exc}")


if __name__ == "__main__":
    main()
