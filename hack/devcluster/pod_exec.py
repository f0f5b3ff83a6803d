"""pods/exec over a WebSocket: the channel protocol v5 (v4 has no way to end stdin).

client -> channel 0 -> stdin; stdout, stderr -> channels 1, 2; at the end the Status on channel 3

Every direction waits for the other side: at most PIECE bytes are held for each.
"""

import asyncio
from typing import Any, Final

import orjson
from aiohttp import WSMsgType, web

from devcluster.apierrors import ApiError, bad_request
from devcluster.history import Object
from devcluster.http_request import flag
from devcluster.pod_log import container_of
from devcluster.ports import ExecProcess, Node, NodeError, Reader

PROTOCOLS: Final = ("v5.channel.k8s.io", "v4.channel.k8s.io")
STDIN, STDOUT, STDERR, STATUS, CLOSE = 0, 1, 2, 3, 255
PIECE: Final = 32 * 1024
LARGEST_MESSAGE: Final = 16 * 1024 * 1024
LINGER_SECONDS: Final = 30.0
"""How long a process may run on after its client has gone, with stdin ended; a real node sets no
limit."""


async def serve_exec(request: web.Request, pod: Object, node: Node) -> web.StreamResponse:
    command = request.query.getall("command", [])
    if not command:
        raise bad_request("you must specify at least 1 command for the container")
    container, metadata = container_of(pod, request.query.get("container", "")), pod["metadata"]
    _check_running(pod, container)
    socket = _socket_for(request)
    streams = {"stdin": flag(request, "stdin"), "tty": flag(request, "tty")}
    try:
        process = await node.exec(
            metadata["namespace"], metadata["name"], container, command, **streams
        )
    except NodeError as error:
        if error.code != 500:
            raise
        return await _refuse(request, socket, error)
    try:
        await socket.prepare(request)
        await _bridge(socket, process)
    finally:
        await _let_go(process)
    return socket


def _socket_for(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(
        protocols=PROTOCOLS, max_msg_size=LARGEST_MESSAGE, compress=False, timeout=2.0
    )
    if not socket.can_prepare(request).ok:
        raise bad_request("unable to upgrade: exec is offered over WebSocket, by v5 or v4")
    return socket


def _check_running(pod: Object, container: str) -> None:
    """Known before the upgrade, so that it is told whatever protocol the client tries next."""
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    if not pod["spec"].get("nodeName"):
        raise bad_request(f"pod {name} does not have a host assigned")
    if (phase := status.get("phase")) in ("Succeeded", "Failed"):
        words = "cannot exec into a container in a completed pod; current phase is"
        raise bad_request(f"{words} {phase}")
    statuses = [
        *(status.get("initContainerStatuses") or []),
        *(status.get("containerStatuses") or []),
    ]
    if not any(s["name"] == container and "running" in s.get("state", {}) for s in statuses):
        words = f'unable to upgrade connection: container not found ("{container}")'
        raise ApiError(500, "InternalError", words)


async def _refuse(
    request: web.Request, socket: web.WebSocketResponse, error: NodeError
) -> web.WebSocketResponse:
    """A command that cannot be started is known only after the upgrade."""
    words = f"Internal error occurred: error executing command in container: {error.message}"
    status = ApiError(500, "InternalError", words).status()
    await socket.prepare(request)
    await socket.send_bytes(bytes([STATUS]) + orjson.dumps(status))
    await socket.close()
    return socket


async def _bridge(socket: web.WebSocketResponse, process: ExecProcess) -> None:
    await socket.send_bytes(bytes([STDOUT]))  # as real servers begin
    writing = asyncio.create_task(_output(socket, process))
    reading = asyncio.create_task(_input(socket, process))
    try:
        await asyncio.wait({reading, writing}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (reading, writing):
            task.cancel()
        ended = await asyncio.gather(reading, writing, return_exceptions=True)
    if failed := [e for e in ended if isinstance(e, Exception) and not _is_loss(e)]:
        raise failed[0]


async def _output(socket: web.WebSocketResponse, process: ExecProcess) -> None:
    """Everything that it prints, then how it ended."""
    async with asyncio.TaskGroup() as pumps:
        pumps.create_task(_pump(socket, STDOUT, process.stdout))
        if process.stderr is not None:
            pumps.create_task(_pump(socket, STDERR, process.stderr))
    code = await process.wait()
    await socket.send_bytes(bytes([STATUS]) + orjson.dumps(exit_status(code)))
    await socket.close()


async def _pump(socket: web.WebSocketResponse, channel: int, reader: Reader) -> None:
    prefix = bytes([channel])
    while data := await reader.read(PIECE):
        await socket.send_bytes(prefix + data)


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


def exit_status(code: int) -> dict[str, Any]:
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(code)}]},
    }


def _is_loss(error: Exception) -> bool:
    """Losing the client is how most execs end."""
    if isinstance(error, ExceptionGroup):
        return all(_is_loss(inner) for inner in error.exceptions)
    return isinstance(error, ConnectionError)
