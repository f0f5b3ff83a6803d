"""An execution that prints without end, and who reads it as fast as it comes: a program of its own.

python -m bench.full_stream ws://gateway/ws/mcp

So the bench's clock does not wait behind its output.
"""

import asyncio
import sys

from bench.readers import a_viewer

ARGV = ["yes", "x" * 99]


async def main(url: str) -> None:
    async with a_viewer(url) as viewer:
        await viewer.call("execute", argv=ARGV, terminationGracePeriodSeconds=1)
        await viewer.until("process.output")
        print("ready: it flows", flush=True)
        await viewer.discard()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
