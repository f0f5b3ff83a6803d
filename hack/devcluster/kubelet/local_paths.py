"""Replace the mount paths of a container by the local directories that stand for them. Pure."""

import re
from collections.abc import Mapping
from typing import Final

BEFORE: Final = r"(?<![\w.\-/~@+%*?\]})])"
AFTER: Final = r"(?![\w.\-~@+%*?\[{$])"
"""A path that goes on in either direction, by a name, a pattern or a variable, is another path."""


class LocalPaths:
    def __init__(self, local: Mapping[str, str]) -> None:
        """`local`: mount path to local path. The longest mount path that fits is taken."""
        self._local = {_clean(path): target for path, target in local.items()}
        longest_first = sorted(self._local, key=len, reverse=True)
        alternatives = "|".join(map(re.escape, longest_first)) or r"(?!)"
        self._in_token = re.compile(f"{BEFORE}(?:{alternatives}){AFTER}")
        self._at_start = re.compile(f"^(?:{alternatives})(?=/|$)")

    def in_token(self, text: str) -> str:
        """In an argument: wherever a mount path stands by itself or leads a longer one."""
        return self._in_token.sub(self._replacement, text)

    def in_value(self, text: str) -> str:
        """In an env value: where it, or an element of its a:b:c, is or begins with a mount path."""
        return ":".join(self.of(part) or part for part in text.split(":"))

    def of(self, path: str) -> str | None:
        """The local path; None outside of all mounts."""
        match = self._at_start.match(path)
        return self._at_start.sub(self._replacement, path) if match else None

    def _replacement(self, match: re.Match[str]) -> str:
        return self._local[match[0]]


def _clean(path: str) -> str:
    return "/" + path.strip("/")
