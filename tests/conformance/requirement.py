"""The requirements on the API server, as requirements.yaml lists them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

TABLE: Final = Path(__file__).with_name("requirements.yaml")


@dataclass(frozen=True, slots=True)
class Requirement:
    id: str
    says: str
    """The behaviour, as a sentence."""

    source: str
    """Where Kubernetes says so: a page of its documentation, or a package of its source."""

    relied_on_by: tuple[str, ...]
    """Who breaks without it: `module:symbol`, or `path#text` of a file of this repository."""


def requirements() -> tuple[Requirement, ...]:
    rows = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    return tuple(Requirement(**{**row, "relied_on_by": tuple(row["relied_on_by"])}) for row in rows)
