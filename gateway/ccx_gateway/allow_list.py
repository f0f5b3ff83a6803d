"""Which programs may be executed: the original's ALLOWED_COMMANDS, by the first word. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from ccx_gateway.errors import CommandNotAllowed

VARIABLE = "ALLOWED_COMMANDS"


@dataclass(frozen=True, slots=True)
class AllowList:
    programs: frozenset[str] | None = None
    """None: every one."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """A comma list. Unset allows all; set to nothing allows nothing."""
        text = environment.get(VARIABLE)
        if text is None:
            return cls()
        return cls(frozenset(word.strip() for word in text.split(",") if word.strip()))

    def check(self, argv: Sequence[str]) -> None:
        """Raise CommandNotAllowed. The program is compared as it is written, path and all."""
        if not argv or not argv[0]:
            raise CommandNotAllowed("Command cannot be empty")
        if self.programs is not None and argv[0] not in self.programs:
            raise CommandNotAllowed(f"Command '{argv[0][:256]}' is not allowed")
