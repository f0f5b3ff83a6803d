"""What the runner is told: by its command line, and by CCX_* in its environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ccx_runner.snapshot_json import MIN_BYTES
from ccx_runner.spool import CAPACITY, MIN_CAPACITY
from ccx_runner.wishes import Refused, Wish

PREFIX = "CCX_"


class SettingsError(Exception):
    """Names the setting and what would be right."""


@dataclass(frozen=True, slots=True)
class Options:
    argv: tuple[str, ...]
    wish: Wish | None = None
    grace: float = 10.0
    """Seconds between TERM and KILL, and for Claude to exit after its result."""

    drain: float = 10.0
    """Seconds at most for attached readers to reach the end."""

    await_reader: bool = False
    """Somebody is going to read: the drain is for him also before he has come."""

    claude: bool = False
    spool_bytes: int = CAPACITY
    block: bool = False
    """The process waits for readers who are behind, rather than that something is dropped."""

    snapshot_bytes: int = 2048
    mirror: bool = True


@dataclass(frozen=True, slots=True)
class Places:
    run_dir: Path
    """Holds the socket and the spool."""

    termination_log: Path
    readiness: tuple[str, int] | None
    """Address and port; None outside of a pod."""

    prompt: bytes | None
    archive: Path | None = None
    """The directory of the archive of the output, if there is to be one."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Places":
        address, port = environment.get("CCX_POD_IP"), environment.get("CCX_READINESS_PORT")
        if (address is None) != (port is None):
            raise SettingsError("CCX_POD_IP and CCX_READINESS_PORT: set both or neither")
        prompt, archive = environment.get("CCX_PROMPT"), environment.get("CCX_ARCHIVE_DIR")
        return cls(
            _path(environment, "CCX_RUN_DIR", "a directory for the socket and the spool"),
            _path(environment, "CCX_TERMINATION_LOG", "the file for the last snapshot"),
            (address, _port(port)) if address is not None and port is not None else None,
            prompt.encode("utf-8", "surrogateescape") if prompt is not None else None,
            Path(archive) if archive else None,
        )


@dataclass(frozen=True, slots=True)
class ReaderPlaces:
    """Of `read-archive`."""

    run_dir: Path
    """Holds the socket."""

    termination_log: Path

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "ReaderPlaces":
        return cls(
            _path(environment, "CCX_RUN_DIR", "a directory for the socket"),
            _path(environment, "CCX_TERMINATION_LOG", "the file for the last word"),
        )


def check(options: Options) -> None:
    """Raise SettingsError for what can never work."""
    if not options.argv:
        raise SettingsError("no program is named: ccx-runner run [options] -- PROGRAM [ARGUMENTS]")
    if options.wish is not None and options.wish.desired_state == "Cancelled":
        raise SettingsError("--wish: desiredState Cancelled: there is nothing to start")
    if options.snapshot_bytes <= MIN_BYTES:
        raise SettingsError(f"--snapshot-bytes: must be more than {MIN_BYTES}")
    if options.spool_bytes < MIN_CAPACITY:
        raise SettingsError(f"--spool-bytes: must be {MIN_CAPACITY} or more")
    if options.grace < 0 or options.drain < 0:
        raise SettingsError("--grace, --drain: must be 0 or more seconds")


def wish_of(text: str | None) -> Wish | None:
    try:
        return Wish.from_json(text) if text is not None else None
    except Refused as refused:
        raise SettingsError(f"--wish: {refused}") from refused


def agents(environment: Mapping[str, str]) -> dict[str, str]:
    """What the agent gets of the environment: the prompt and our own settings are not its."""
    return {name: value for name, value in environment.items() if not name.startswith(PREFIX)}


def _path(environment: Mapping[str, str], name: str, what: str) -> Path:
    value = environment.get(name)
    if not value:
        raise SettingsError(f"{name}: must name {what}")
    return Path(value)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 65536:
        raise SettingsError("CCX_READINESS_PORT: must be a port, 1 to 65535")
    return int(text)
