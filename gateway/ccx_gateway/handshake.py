"""What the headers and the URL of an upgrade say, and what is wrong with them. Pure.

Authorization, query -> bearer_token() -> Token        Origin, Host -> is_allowed_origin()
query -> output_mode() -> OutputMode
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

from ccx_gateway.authn import Token
from ccx_gateway.output_mode import OUTPUT_MODES, OutputMode
from ccx_kube.loopback import is_loopback

Error = Literal["invalid", "unauthenticated", "forbidden", "unavailable"]
STATUS: Final[dict[Error, int]] = {
    "invalid": 400,
    "unauthenticated": 401,
    "forbidden": 403,
    "unavailable": 503,
}
RETRY_AFTER: Final = "5"

_IN_URLS: Final = frozenset(
    {"token", "accesstoken", "bearertoken", "bearer", "authtoken", "auth", "authorization"}
    | {"idtoken", "jwt", "apikey"}
)
_B68: Final = re.compile(r"[A-Za-z0-9\-._~+/]+=*")
"""What a bearer token is made of (RFC 6750)."""

_BY_HEADER: Final = "send it in the header `Authorization: Bearer TOKEN` of the upgrade request"


class Refused(Exception):  # noqa: N818 - an answer, not a failure
    """An upgrade that is not to be. Its text is for the client, `reason` for the audit."""

    def __init__(
        self, error: Error, message: str, reason: str, *, with_token: bool = False
    ) -> None:
        super().__init__(message)
        self.error: Error = error
        self.reason = reason
        self._with_token = with_token

    @property
    def status(self) -> int:
        return STATUS[self.error]

    @property
    def headers(self) -> dict[str, str]:
        match self.error:
            case "unauthenticated":
                why = ' error="invalid_token"' if self._with_token else ""
                return {"WWW-Authenticate": f"Bearer{why}"}
            case "unavailable":
                return {"Retry-After": RETRY_AFTER}
        return {}


def refuse_token_in_url(query: Iterable[str]) -> None:
    """By the names of the parameters. Access logs and proxies keep URLs: such a token is burnt."""
    if any(re.sub("[-_]", "", name).lower() in _IN_URLS for name in query):
        text = (
            f"a token must not be in the URL, where logs keep it: get a new one, and {_BY_HEADER}"
        )
        raise Refused("unauthenticated", text, "token in the URL")


def bearer_token(authorization: Sequence[str], audience: str) -> Token:
    if not authorization:
        raise Refused("unauthenticated", f"sign in: {how_to(audience)}", "no token")
    scheme, _, value = authorization[0].partition(" ")
    value = value.strip(" ")
    if len(authorization) > 1 or scheme.lower() != "bearer" or not _B68.fullmatch(value):
        text = f"the Authorization header is not one bearer token: {how_to(audience)}"
        raise Refused("unauthenticated", text, "no bearer token")
    return Token(value)


def invalid_token(audience: str, reason: str) -> Refused:
    text = f"{reason}: {how_to(audience)}"
    return Refused("unauthenticated", text, reason, with_token=True)


def output_mode(wanted: Sequence[str], default: OutputMode) -> OutputMode:
    """By the values of the parameter `output`."""
    if not wanted:
        return default
    for mode in OUTPUT_MODES:
        if tuple(wanted) == (mode,):
            return mode
    text = f"output: must be {' or '.join(OUTPUT_MODES)}, once, such as /ws/mcp?output=lines"
    raise Refused("invalid", text, "no such output mode")


def how_to(audience: str) -> str:
    return (
        f"get a token for the audience {audience}, such as by `kubectl create token"
        f" SERVICEACCOUNT --audience {audience}`, and {_BY_HEADER}"
    )


def is_allowed_origin(
    origin: str | None, host: str, allowed: Collection[str], *, signs_in: bool
) -> bool:
    """A browser tells whose page asks: only one that we serve, or that is allowed by name.

    Where nobody signs in, what we serve is at a loopback name: to any other one a foreign page
    may have led its own name (DNS rebinding). Clients that are no browser tell nothing.
    """
    if origin is None or origin.lower() in allowed:
        return True
    try:
        ours, name = urlsplit(origin).netloc.lower(), urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    return ours != "" and ours == host.lower() and (signs_in or is_loopback(name or ""))


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What an upgrade request brings."""

    authorization: tuple[str, ...]
    query: tuple[str, ...]
    """The names of its parameters."""

    origin: str | None
    host: str
