"""An exec of which only so many bytes of stdout go out: then its connection is due to be cut."""

import asyncio

from devcluster.ports import ExecProcess, Reader


class CutExec:
    """The process itself lives on, until the exec is let go."""

    def __init__(self, process: ExecProcess, most: int) -> None:
        self.is_due = asyncio.Event()
        self._process, self._left = process, most

    @property
    def stdout(self) -> Reader:
        return self

    @property
    def stderr(self) -> Reader | None:
        return self._process.stderr

    async def read(self, n: int) -> bytes:
        if not self._left:
            self.is_due.set()
            await asyncio.Event().wait()  # whoever waits for `is_due` cancels it
        data = await self._process.stdout.read(min(n, self._left))
        self._left -= len(data)
        return data

    async def write_stdin(self, data: bytes) -> None:
        await self._process.write_stdin(data)

    async def close_stdin(self) -> None:
        await self._process.close_stdin()

    async def wait(self) -> int:
        return await self._process.wait()

    async def kill(self) -> None:
        await self._process.kill()
