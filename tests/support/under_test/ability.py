"""What the cluster under test lets its tests do: found by looking, with words for a skip."""

from dataclasses import dataclass
from typing import Generic, TypeVar

import pytest

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Ability(Generic[T_co]):
    told: str
    """How it was found, or why it is not there."""

    found: T_co | None = None

    def need(self) -> T_co:
        """Skips the test where it is missing."""
        if self.found is None:
            pytest.skip(self.told)
        return self.found


def table(abilities: dict[str, Ability[object]]) -> list[str]:
    return [
        f"  {name:<16}{'no ' if ability.found is None else 'yes'}  {ability.told}"
        for name, ability in abilities.items()
    ]
