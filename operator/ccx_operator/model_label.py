"""What a model is called in metrics: a label that what an agent says cannot make many of. Pure.

the agent's word -> "claude-sonnet-4-5" | "other" | "none"
"""

import re
from typing import Final

MAX_MODELS: Final = 12
"""By name, as in a usage record; every one after these is OTHER."""

OTHER: Final = "other"
NONE: Final = "none"
"""Of commands, and of what ended before Claude Code said which."""

_NEW_NAME: Final = re.compile(r"claude-([a-z]{3,10})-(\d{1,2}(?:-\d{1,2})?)(?!\d)")
_OLD_NAME: Final = re.compile(r"claude-(\d{1,2}(?:-\d{1,2})?)-([a-z]{3,10})(?![a-z])")


class ModelLabels:
    def __init__(self) -> None:
        self._known = set[str]()

    def of(self, word: str | None) -> str:
        """Family and version alone, whoever serves it: without date, region and vendor."""
        if not word:
            return NONE
        label = canonical(word)
        if label is None or (label not in self._known and len(self._known) >= MAX_MODELS):
            return OTHER
        self._known.add(label)
        return label


def canonical(word: str) -> str | None:
    """None: it is not called like a model of Anthropic's."""
    if found := _NEW_NAME.search(word):
        return f"claude-{found[1]}-{found[2]}"
    if found := _OLD_NAME.search(word):
        return f"claude-{found[1]}-{found[2]}"
    return None
