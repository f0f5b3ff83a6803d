"""Kubernetes' $(NAME) in env values, command and args. Pure."""

import re
from collections.abc import Mapping
from typing import Final

REFERENCE: Final = re.compile(r"\$(?:(\$)|\(([^)]*)\))")


def expand(text: str, variables: Mapping[str, str]) -> str:
    """An unknown name stays as it is written; `$$` is `$`, so `$$(NAME)` is `$(NAME)`."""

    def replacement(match: re.Match[str]) -> str:
        return "$" if match[1] else variables.get(match[2], match[0])

    return REFERENCE.sub(replacement, text)
