"""A node with one pod in a process of its own, to be killed: `node_program.py ROOT SCRIPT`."""

import asyncio
import signal
import sys
from pathlib import Path

from support.node import running_node
from support.pods import a_pod, a_shell


async def main(root: str, script: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with running_node(Path(root)) as node:
        node.create(a_pod(a_shell(script)))
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
