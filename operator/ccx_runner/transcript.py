"""Where Claude keeps the transcript of a session: <config>/projects/<of the folder>/<id>.jsonl."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_ID: Final = re.compile(r"[0-9a-fA-F-]{36}")


def config_dir(environment: Mapping[str, str]) -> Path | None:
    """As Claude finds it."""
    if named := environment.get("CLAUDE_CONFIG_DIR"):
        return Path(named)
    home = environment.get("HOME")
    return Path(home) / ".claude" if home else None


def transcript(config: Path | None, session_id: str | None) -> Path | None:
    """The newest of that id; the id is the agent's word, and no pattern or path of its own."""
    if config is None or session_id is None or not _ID.fullmatch(session_id):
        return None
    try:
        found = [(p.lstat().st_mtime, p) for p in config.glob(f"projects/*/{session_id}.jsonl")]
    except OSError:
        return None
    return max(found)[1] if found else None
