"""What `ccx-gateway` is told on its command line. What cannot be is refused before it listens."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

from ccx_gateway.allow_list import VARIABLE
from ccx_gateway.output_mode import OUTPUT_MODES, OutputMode
from ccx_kube.loopback import is_loopback
from ccx_kube.option_types import host_port, positive

AUDIENCE: Final = "cc-executor"
CLIENT_SECONDS: Final = 300

_address = host_port("127.0.0.1:8003")
_number = positive("a number")


@dataclass(frozen=True, slots=True)
class Options:
    address: tuple[str, int]
    probe_address: tuple[str, int] | None
    auth: Literal["token", "none"]
    audience: str
    origins: frozenset[str]
    namespace: str | None
    max_sessions: int
    executions: int
    output: OutputMode
    client_seconds: int
    log_format: str


def parse(words: Sequence[str]) -> Options:
    cli = parser()
    found = cli.parse_args(words)
    host = found.address[0]
    if found.auth == "none" and not is_loopback(host):
        cli.error(
            f"--auth none lets in whoever reaches {host or 'any address'}: it goes with a"
            " loopback --address only, such as 127.0.0.1:8003; use --auth token for others"
        )
    return Options(
        address=found.address,
        probe_address=found.probe_address,
        auth=found.auth,
        audience=found.audience,
        origins=frozenset(found.allow_origin),
        namespace=found.namespace,
        max_sessions=found.max_sessions,
        executions=found.executions_per_session,
        output=found.output,
        client_seconds=found.client_timeout_seconds,
        log_format=found.log_format,
    )


def parser() -> argparse.ArgumentParser:
    cli = argparse.ArgumentParser(
        prog="ccx-gateway",
        description="Serve ClaudeExecutions to WebSocket clients.",
        epilog=f"{VARIABLE} in the environment is a comma list of the programs that may be"
        " executed; unset, all may.",
    )
    add = cli.add_argument
    add("--address", type=_address, default="127.0.0.1:8003", metavar="HOST:PORT")
    text = "serve the probes and /metrics there, too; not at all if absent"
    add("--probe-address", type=_address, metavar="HOST:PORT", help=text)
    text = "token (default): clients sign in; none: anybody may come in, on loopback only"
    add("--auth", choices=("token", "none"), default="token", help=text)
    text = f"that a client's token must be for ({AUDIENCE})"
    add("--audience", type=_audience, default=AUDIENCE, help=text)
    text = "of pages that may connect beside our own (may be given again)"
    add("--allow-origin", type=_origin, action="append", default=[], metavar="ORIGIN", help=text)
    add("--namespace", help="where a call names none; by default the kubeconfig's or our own")
    add("--max-sessions", type=_number, default=100, help="sockets at once (100)")
    add("--executions-per-session", type=_number, default=1, help="that run at once (1)")
    text = "for connections that name none by ?output=: chunks, many lines to a notification"
    text += " (default), or lines, one to each"
    add("--output", choices=OUTPUT_MODES, default="chunks", help=text)
    text = "close a socket whose client has taken nothing of what it is sent, or has given no sign"
    text += f" of life, for so long ({CLIENT_SECONDS})"
    add("--client-timeout-seconds", type=_number, default=CLIENT_SECONDS, metavar="N", help=text)
    add("--log-format", choices=("json", "text"), default="json")
    return cli


def _audience(text: str) -> str:
    if not text.strip():
        raise argparse.ArgumentTypeError("an empty audience would be everybody's")
    return text


def _origin(text: str) -> str:
    parts = urlsplit(text)
    if not (parts.scheme and parts.netloc) or text != f"{parts.scheme}://{parts.netloc}":
        raise argparse.ArgumentTypeError(f"{text!r} is not an origin, such as https://ccx.example")
    return text.lower()
