"""Whose a token is and what they may do, from a static file: `--tokens FILE`, YAML or JSON.

file -> Accounts.read() -> Accounts -> reviews.py

    tokens:
      alice-token: {user: alice, groups: [devs], audiences: [cc-executor]}   # uid, extra, expires
    rules:
      - {groups: [devs], verbs: [get, list], namespaces: [default]}          # users, names

A rule fits who is in one of its users or groups. `*` stands for every verb or namespace.
"""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

ANY = "*"
EVERYBODY = "system:authenticated"


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Account(_Model):
    user: Annotated[str, Field(min_length=1)]
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: dict[str, tuple[str, ...]] = {}
    audiences: Annotated[tuple[str, ...], Field(min_length=1)]
    expires: AwareDatetime | None = None

    def has_expired(self, now: datetime) -> bool:
        return self.expires is not None and now >= self.expires


class Rule(_Model):
    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    verbs: Annotated[tuple[str, ...], Field(min_length=1)]
    namespaces: Annotated[tuple[str, ...], Field(min_length=1)]
    names: tuple[str, ...] = ()
    """Of the objects; all if there are none, as with resourceNames of a Role."""

    def allows(self, subject: Any, attributes: Any) -> bool:
        """Both as in the spec of a SubjectAccessReview. Of every resource."""
        groups = set(subject.get("groups") or ())
        return (
            (subject.get("user") in self.users or bool(groups & set(self.groups)))
            and _holds(self.verbs, attributes.get("verb"))
            and _holds(self.namespaces, attributes.get("namespace"))
            and (not self.names or attributes.get("name") in self.names)
        )


class Accounts(_Model):
    tokens: dict[str, Account] = {}
    rules: tuple[Rule, ...] = ()

    @classmethod
    def read(cls, path: Path) -> Self:
        """ValueError that names the field, and no token."""
        try:
            return cls.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
        except yaml.YAMLError:
            raise ValueError(f"{path}: neither YAML nor JSON") from None
        except ValidationError as exc:
            first = exc.errors(include_input=False, include_url=False)[0]
            place = [str(part) for part in first["loc"]]
            if place[0] == "tokens" and len(place) > 1:
                place[1] = "..."
            raise ValueError(f"{path}: {'.'.join(place)}: {first['msg']}") from None


def _holds(words: tuple[str, ...], word: object) -> bool:
    return ANY in words or word in words
