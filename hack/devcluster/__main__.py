"""`python -m devcluster`: a devcluster until Ctrl-C or TERM."""

import argparse
import asyncio
import signal
from pathlib import Path

from devcluster.server import running_devcluster


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m devcluster", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 chooses a free one")
    parser.add_argument("--kubeconfig", type=Path, help="where to write it")
    parser.add_argument("--data-dir", type=Path, help="keep all objects here across restarts")
    parser.add_argument(
        "--path",
        action="append",
        default=[],
        help="a directory put first into PATH of every pod process (may be given again)",
    )
    text = "whose tokens are whose, and what they may do, for reviews (README.md)"
    parser.add_argument("--tokens", type=Path, metavar="FILE", help=text)
    asyncio.run(_serve(parser.parse_args()))


async def _serve(options: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    stop = loop.create_future()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.cancel)
    async with running_devcluster(
        port=options.port,
        kubeconfig=options.kubeconfig,
        data_dir=options.data_dir,
        path=options.path,
        tokens=options.tokens,
    ) as cluster:
        print("for development only: no authentication, and pods run as local processes")
        print(f"KUBECONFIG={cluster.kubeconfig}")
        print(f"ready {cluster.url}", flush=True)
        # A cluster that has lost its node or its controllers must not look like a healthy one.
        await asyncio.wait([stop, *cluster.jobs], return_when=asyncio.FIRST_COMPLETED)


if __name__ == "__main__":
    main()
