"""The command line of `ccx-runner`, also as a zipapp: python3 -I -S ccx-runner.pyz run ..."""

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ccx_runner.frame_types import Verb
from ccx_runner.one_shot import OneShotError, ask, install
from ccx_runner.settings import Options, Places, ReaderPlaces, SettingsError, check, wish_of
from ccx_runner.spool import CAPACITY

USAGE_ERROR = 2

VERBS = {
    "status": "print what is known of the process",
    "pause": "stop every process, and prove it",
    "resume": "undo a pause made in this way",
    "cancel": "end every process; final",
    "interrupt": "send SIGINT to the main process",
}


def main(argv: Sequence[str] | None = None) -> int:
    """All but `run` and `install` are for people inside the pod, and print one JSON line."""
    argv = list(sys.argv[1:] if argv is None else argv)
    ours, command = _split(argv)
    arguments = _parser().parse_args(ours)
    try:
        if arguments.action == "run":
            os._exit(_run(arguments, command))  # else a failed flush of stderr makes it 120
        if arguments.action == "install":
            install(arguments.directory)
        elif arguments.action == "read-archive":
            return _read_archive(arguments)
        else:
            print(ask(Verb[arguments.action.upper()], os.environ))  # noqa: T201 - its answer
    except (SettingsError, OneShotError, OSError) as exc:
        print(f"ccx-runner {arguments.action}: {exc}", file=sys.stderr)  # noqa: T201
        return USAGE_ERROR if isinstance(exc, SettingsError) else 1
    return 0


def _split(argv: list[str]) -> tuple[list[str], tuple[str, ...]]:
    """By hand: argparse would take a second `--` out of the program's own arguments."""
    end = argv.index("--") if "--" in argv else len(argv)
    return argv[:end], tuple(argv[end + 1 :])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("ccx-runner", description="Supervise one execution.")
    actions = parser.add_subparsers(dest="action", required=True)
    run = actions.add_parser("run", help="run -- PROGRAM [ARGUMENTS]: be its supervisor")
    run.add_argument("--wish", metavar="JSON", help="what the spec wants at the start")
    run.add_argument("--grace", type=float, default=10.0, help="seconds from TERM to KILL")
    run.add_argument("--drain", type=float, default=10.0, help="seconds for readers at the end")
    run.add_argument("--await-reader", action="store_true", help="a reader is going to come")
    run.add_argument("--claude", action="store_true", help="read stdout as Claude's stream-json")
    run.add_argument("--spool-bytes", type=int, default=CAPACITY, help="of output that are kept")
    run.add_argument("--overflow", choices=("DropOldest", "Block"), default="DropOldest")
    run.add_argument("--snapshot-bytes", type=int, default=2048)
    run.add_argument("--no-mirror", action="store_true", help="nothing to our own stdout")
    put = actions.add_parser("install", help="put the runner and link.py into a directory")
    put.add_argument("directory", type=Path)
    read = actions.add_parser("read-archive", help="serve what an archive has, as a runner does")
    read.add_argument("directory", type=Path)
    read.add_argument("--bytes", type=int, required=True, help="how much was printed")
    read.add_argument("--sha256", required=True, help="of all of that")
    read.add_argument(
        "--idle", type=float, default=60.0, help="seconds without a link, then it ends"
    )
    for verb, what in VERBS.items():
        actions.add_parser(verb, help=what)
    return parser


def _run(arguments: argparse.Namespace, command: tuple[str, ...]) -> int:
    from ccx_runner.run import run  # asyncio: the one-shot forms start faster without it

    logging.basicConfig(format="ccx-runner: %(message)s", level=logging.WARNING)
    options = Options(
        command,
        wish_of(arguments.wish),
        grace=arguments.grace,
        drain=arguments.drain,
        await_reader=arguments.await_reader,
        claude=arguments.claude,
        spool_bytes=arguments.spool_bytes,
        block=arguments.overflow == "Block",
        snapshot_bytes=arguments.snapshot_bytes,
        mirror=not arguments.no_mirror,
    )
    check(options)
    return run(options, Places.of(os.environ), os.environ)


def _read_archive(arguments: argparse.Namespace) -> int:
    from ccx_runner.read_archive import Archive, read_archive

    archive = Archive(arguments.directory, arguments.bytes, arguments.sha256)
    return read_archive(archive, ReaderPlaces.of(os.environ), idle=arguments.idle)


if __name__ == "__main__":
    sys.exit(main())
