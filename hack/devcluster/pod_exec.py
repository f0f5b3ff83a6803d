"""pods/exec over a WebSocket: the channel protocol v5 (v4 has no way to end stdin).

client -> channel 0 -> stdin; stdout, stderr -> channels 1, 2; at the end the Status on channel 3

Every direction waits for the other side: at most PIECE bytes are held for each.
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import orjson
from aiohttp import WSMsgType, web

from devcluster.apierrors import ApiError, bad_request
from devcluster.exec_cut import CutExec
from devcluster.faults import Fault
from devcluster.history import Object
from devcluster.http_request import flag
from devcluster.pod_log import container_of
from devcluster.ports import ExecProcess, Node, NodeError, Reader

V5: Final = "v5.channel.k8s.io"
V4: Final = "v4.channel.k8s.io"
PROTOCOLS: Final = (V5, V4)
STDIN, STDOUT, STDERR, STATUS, CLOSE = 0, 1, 2, 3, 255
PIECE: Final = 32 * 1024
LARGEST_MESSAGE: Final = 16 * 1024 * 1024
LINGER_SECONDS: Final = 30.0
"""How long a process may run on after its client has gone, with stdin ended; a real node sets no
limit."""


async def serve_exec(
    request: web.Request, pod: Object, node: Node, fault: Fault | None = None
) -> web.StreamResponse:
    """What the API server itself knows is an HTTP error; the rest is told after the upgrade."""
    command, metadata = request.query.getall("command", []), pod["metadata"]
    container = container_of(pod, request.query.get("container", ""))
    if not pod["spec"].get("nodeName"):
        raise bad_request(f"pod {metadata['name']} does not have a host assigned")
    socket = _socket_for(request)
    streams = {"stdin": flag(request, "stdin"), "tty": flag(request, "tty")}
    try:
        _check_running(pod, container)
        process = await node.exec(
            metadata["namespace"], metadata["name"], container, command, **streams
        )
    except NodeError as error:
        return await _refuse(request, socket, error)
    try:
        await socket.prepare(request)
        if fault is not None and fault.cuts_exec:
            await _bridge_up_to(fault, request, socket, process, command)
        else:
            await _bridge(socket, process, command)
    finally:
        await _let_go(process)
    return socket


def _socket_for(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(
        protocols=PROTOCOLS, max_msg_size=LARGEST_MESSAGE, compress=False, timeout=2.0
    )
    if not socket.can_prepare(request).ok:
        raise bad_request("Upgrade request required")
    offered = {
        word.strip() for word in request.headers.get("Sec-WebSocket-Protocol", "").split(",")
    }
    if offered.isdisjoint(PROTOCOLS):
        raise ApiError(403, "Forbidden", f"unable to upgrade: exec speaks {V5} and {V4}")
    return socket


def _check_running(pod: Object, container: str) -> None:
    status = pod.get("status") or {}
    statuses = [
        *(status.get("initContainerStatuses") or []),
        *(status.get("containerStatuses") or []),
    ]
    if not any(s["name"] == container and "running" in s.get("state", {}) for s in statuses):
        words = f'unable to upgrade connection: container not found ("{container}")'
        raise NodeError(words, code=500, reason="InternalError")


async def _refuse(
    request: web.Request, socket: web.WebSocketResponse, error: NodeError
) -> web.WebSocketResponse:
    """Only the node knows, and the connection is upgraded when it is asked."""
    causes = {"causes": [{"message": error.message}]}
    words = f"Internal error occurred: {error.message}"
    status = ApiError(500, "InternalError", words, details=causes).status()
    kept = {key: value for key, value in status.items() if key not in ("kind", "apiVersion")}
    await socket.prepare(request)
    await socket.send_bytes(bytes([STATUS]) + orjson.dumps(kept))
    await socket.close()
    return socket


async def _bridge(
    socket: web.WebSocketResponse, process: ExecProcess, command: Sequence[str]
) -> None:
    await socket.send_bytes(bytes([STDOUT]))  # as real servers begin
    writing = asyncio.create_task(_output(socket, process, command))
    reading = asyncio.create_task(_input(socket, process))
    try:
        await asyncio.wait({reading, writing}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (reading, writing):
            task.cancel()
        ended = await asyncio.gather(reading, writing, return_exceptions=True)
    if failed := [e for e in ended if isinstance(e, Exception) and not _is_loss(e)]:
        raise failed[0]


async def _bridge_up_to(
    fault: Fault,
    request: web.Request,
    socket: web.WebSocketResponse,
    process: ExecProcess,
    command: Sequence[str],
) -> None:
    """Cut by the fault, unless the process ends before."""
    cut_off = CutExec(process, fault.bytes)
    bridging = asyncio.create_task(_bridge(socket, cut_off, command))
    cutting = asyncio.create_task(cut_off.is_due.wait())
    try:
        await asyncio.wait({bridging, cutting}, return_when=asyncio.FIRST_COMPLETED)
        if cut_off.is_due.is_set() and fault.fault == "close-exec":
            await socket.close()
        elif cut_off.is_due.is_set() and request.transport is not None:
            request.transport.abort()
    finally:
        for task in (bridging, cutting):
            task.cancel()
        await asyncio.gather(bridging, cutting, return_exceptions=True)


async def _output(
    socket: web.WebSocketResponse, process: ExecProcess, command: Sequence[str]
) -> None:
    """Everything that it prints, then how it ended."""
    async with asyncio.TaskGroup() as pumps:
        pumps.create_task(_pump(socket, STDOUT, process.stdout))
        if process.stderr is not None:
            pumps.create_task(_pump(socket, STDERR, process.stderr))
    status = exit_status(await process.wait(), command, socket.ws_protocol or V5)
    await socket.send_bytes(bytes([STATUS]) + orjson.dumps(status))
    await socket.close()


async def _pump(socket: web.WebSocketResponse, channel: int, reader: Reader) -> None:
    prefix = bytes([channel])
    while data := await reader.read(PIECE):
        await socket.send_bytes(prefix + data)
        await asyncio.sleep(0)  # who prints without end, and is read, must not keep the loop


async def _input(socket: web.WebSocketResponse, process: ExecProcess) -> None:
    """Returns when the client has gone. Of a terminal's size (channel 4) the node knows nothing."""
    async for message in socket:
        data = message.data.encode() if message.type is WSMsgType.TEXT else message.data
        if not data:
            continue
        if data[0] == STDIN and len(data) > 1:
            await process.write_stdin(data[1:])
        elif data == bytes([CLOSE, STDIN]) and socket.ws_protocol == PROTOCOLS[0]:
            await process.close_stdin()


async def _let_go(process: ExecProcess) -> None:
    """The client has what it will get: end stdin, discard the rest, in the end kill."""
    try:
        async with asyncio.timeout(LINGER_SECONDS):
            await process.close_stdin()
            for reader in filter(None, (process.stdout, process.stderr)):
                while await reader.read(PIECE):
                    pass
            await process.wait()
    except TimeoutError:
        pass
    finally:
        await process.kill()


def exit_status(code: int, command: Sequence[str], protocol: str) -> dict[str, Any]:
    """In the words of whoever ends the exec: the API server for v5, the kubelet for v4."""
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    words = f"command terminated with exit code {code}"
    if protocol == V4:
        words = f"error executing command [{' '.join(command)}], exit code {code}"
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: {words}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def _is_loss(error: Exception) -> bool:
    """Losing the client is how most execs end."""
    if isinstance(error, ExceptionGroup):
        return all(_is_loss(inner) for inner in error.exceptions)
    return isinstance(error, ConnectionError)
