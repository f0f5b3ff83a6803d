"""`python3 hack/cluster COMMAND`: a Kubernetes of one node, without Docker."""

import argparse
import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[1])  # who is run as a folder has no package

from cluster import commands  # noqa: E402 - now it has
from cluster.errors import ClusterError  # noqa: E402
from images.errors import ImagesError  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(prog="hack/cluster", description=__doc__)
    known = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    known.add_parser("up", help="build what is missing, start it, wait until the node is Ready")
    known.add_parser("down", help="end it; images stay for the next start")
    known.add_parser("status", help="what runs")
    known.add_parser("env", help="what a shell needs to use it: kubeconfig, and kubectl on PATH")
    known.add_parser("build", help="build Kubernetes and etcd only")
    loading = known.add_parser("load", help="import images from archives")
    loading.add_argument("archive", nargs="+", type=Path)
    restarting = known.add_parser("restart", help="kill -9 a component; it starts again")
    restarting.add_argument("component")
    given = parser.parse_args()
    try:
        commands.run(given)
    except (ClusterError, ImagesError) as exc:
        sys.exit(f"hack/cluster: {exc}")


if __name__ == "__main__":
    main()
