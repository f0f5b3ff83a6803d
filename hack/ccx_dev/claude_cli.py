"""Where the Claude Code CLI is, if `make` could install it."""

import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]
BUNDLED = ROOT / ".ccx/claude-cli/claude_agent_sdk/_bundled"
MISSING = (
    "the Claude Code CLI is not installed: `make test` and `make demo` install it from the "
    "package in hack/claude-cli.txt; or put `claude` on your PATH"
)


def claude_directory() -> Path | None:
    """The folder that holds `claude`, for a PATH. None if there is none."""
    if (BUNDLED / "claude").exists():
        return BUNDLED
    found = shutil.which("claude")
    return Path(found).resolve().parent if found else None
