"""The runner's end of all links: a unix socket in the run directory.

link.py -> socket -> LinkSession -> Control, Spool        notify_...() -> every LinkSession
"""

import asyncio
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ccx_runner.archive_output import ArchiveOutput
from ccx_runner.back_pressure import AWAY_SECONDS, ReadersAway
from ccx_runner.link_ports import LEASE_SECONDS, RETURN_SECONDS, Control, Links
from ccx_runner.link_session import LinkSession
from ccx_runner.spool import Spool

SOCKET_NAME: Final = "link.sock"


class LinkServer:
    """`may_connect` is asked with the pid of each peer; one that is refused is told why."""

    def __init__(
        self,
        spool: Spool | ArchiveOutput,
        control: Control,
        *,
        may_connect: Callable[[int], bool],
        lease_seconds: float = LEASE_SECONDS,
        return_seconds: float = RETURN_SECONDS,
        away_seconds: float = AWAY_SECONDS,
        moved: Callable[[], None] = lambda: None,
        blocks: bool = False,
    ) -> None:
        """`moved` is told when a reader has moved, come or gone. `blocks` is for clients to know:
        the process waits for who is behind.
        """
        self._links = Links(
            spool,
            control,
            may_connect,
            lease_seconds,
            return_seconds,
            ReadersAway(away_seconds=away_seconds),
            moved,
            blocks,
        )
        self._server: asyncio.Server | None = None

    def __len__(self) -> int:
        """How many links are open."""
        return len(self._links.open)

    async def start(self, run_dir: Path) -> None:
        """Listen on SOCKET_NAME in that directory; what is there from before is removed."""
        loop = asyncio.get_running_loop()
        listener = _listener(run_dir)
        self._server = await loop.create_unix_server(
            lambda: LinkSession(self._links), sock=listener
        )

    async def close(self) -> None:
        """Let what the links have asked for end within a second, with its reply; then cut them."""
        if self._server is not None:
            self._server.close()
        if requests := tuple(self._links.requests):
            _, pending = await asyncio.wait(requests, timeout=1.0)
            for task in pending:
                task.cancel()
        for link in tuple(self._links.open):
            link.abort()
        await asyncio.sleep(0)  # let the aborted connections go

    def notify_output(self) -> None:
        """The spool has grown."""
        for link in tuple(self._links.open):
            link.send_output()

    def notify_snapshot(self) -> None:
        """The state has changed."""
        if self._links.open:
            told = self._links.snapshot()
            for link in tuple(self._links.open):
                link.send_snapshot(told)

    def notify_end(self) -> None:
        """The spool has all output that there will ever be."""
        self._links.output_ended = True
        self.notify_output()

    def readers_behind(self) -> bool:
        """Somebody follows the output and has not yet shown that the end has reached him.

        He shows it by any frame but CREDIT after END. Bytes that are only on their way die with
        the container, so that END was sent is not enough; and one whose link has gone before that,
        without a word, is expected back for a while.
        """
        if any(link.is_behind for link in self._links.open):
            return True
        return self._links.expects_reader(asyncio.get_running_loop().time())

    def expect_reader(self) -> None:
        """One is going to come, and to read from the beginning."""
        self._links.away.left(0, asyncio.get_running_loop().time())

    def wanted(self) -> int | None:
        """The first byte that a reader still wants."""
        return self._links.wanted(asyncio.get_running_loop().time())

    def awaits_reader(self) -> bool:
        """Nobody has had all of the output yet."""
        return not self._links.somebody_has_all


def _listener(run_dir: Path) -> socket.socket:
    """It has its name once it listens: who finds it is not refused.

    Bound through the directory's descriptor, as a socket's path may have 107 bytes only.
    """
    new = run_dir / f".{SOCKET_NAME}.new"
    new.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    directory = os.open(run_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        listener.bind(f"/proc/self/fd/{directory}/{new.name}")
        new.chmod(0o600)
        listener.listen()
        new.replace(run_dir / SOCKET_NAME)
    except OSError:
        listener.close()
        raise
    finally:
        os.close(directory)
    return listener
