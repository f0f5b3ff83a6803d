"""The forms for people: one request to the runner, one JSON line as the answer; and `install`.

verb -> link's socket -> reply's snapshot -> stdout
"""

import io
import json
import socket
import zipfile
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path

from ccx_runner.frames import (
    Reply,
    Request,
    RunnerFrame,
    Verb,
    encode,
    runner_frames,
)
from ccx_runner.link import LinkError, connect

ANSWER_SECONDS = 15.0
"""A freeze gives up after 5."""

READ_BYTES = 64 * 1024
ARCHIVE = "ccx-runner.pyz"
LINK = "link.py"
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""A zip file cannot say less: the archive depends on the sources only."""


class OneShotError(Exception):
    """The text is for whoever typed the command."""


def ask(verb: Verb, environment: Mapping[str, str]) -> str:
    """Carry out the verb as the owner `local`, and return the snapshot after it."""
    run_dir = environment.get("CCX_RUN_DIR", "/run/ccx")
    runner = environment.get("CCX_RUNNER_PID", "1")
    if not runner.isdigit():
        raise OneShotError("CCX_RUNNER_PID: must be a process id")
    try:
        with connect(run_dir, int(runner)) as peer:
            peer.settimeout(ANSWER_SECONDS)
            peer.sendall(encode(Request(verb, 1)))
            reply = next(frame for frame in _frames(peer) if isinstance(frame, Reply))
    except LinkError as exc:
        raise OneShotError(str(exc)) from exc
    except StopIteration:
        raise OneShotError("the runner has closed the link without an answer") from None
    except OSError as exc:
        raise OneShotError(f"no answer from the runner: {exc}") from exc
    if not reply.ok:
        raise OneShotError(reply.error or "refused")
    return json.dumps(reply.snapshot, ensure_ascii=False)


_START = b"""\
import _signal, sys

if sys.argv[1:2] == ["run"]:  # first of all: PID 1 loses a TERM that it does not block
    _signal.pthread_sigmask(_signal.SIG_BLOCK, {_signal.SIGTERM, _signal.SIGINT, _signal.SIGCHLD})
from ccx_runner.__main__ import main

sys.exit(main())
"""


def install(directory: Path) -> None:
    """Put the runner and link.py there, for a container whose image has python3 and no more."""
    package = resources.files("ccx_runner")
    sources = {f.name: f.read_bytes() for f in package.iterdir() if f.name.endswith(".py")}
    _replace(directory / ARCHIVE, _archive(sources))
    _replace(directory / LINK, sources[LINK])


def _archive(sources: Mapping[str, bytes]) -> bytes:
    files = {"__main__.py": _START}
    files.update((f"ccx_runner/{name}", sources[name]) for name in sorted(sources))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return packed.getvalue()


def _replace(path: Path, data: bytes) -> None:
    """Whole or not at all, and readable for the agent's uid."""
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(data)
    part.chmod(0o755)
    part.replace(path)


def _frames(peer: socket.socket) -> Iterator[RunnerFrame]:
    decoder = runner_frames()
    while data := peer.recv(READ_BYTES):
        yield from decoder.feed(data)
