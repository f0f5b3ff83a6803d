import pytest

from ccx_gateway.authn import Token
from ccx_gateway.handshake import (
    Refused,
    bearer_token,
    is_allowed_origin,
    output_mode,
    refuse_token_in_url,
)
from ccx_gateway.output_mode import OUTPUT_MODES


def test_the_token_is_the_authorization_headers() -> None:
    assert bearer_token(["Bearer abc.DEF-1_~+/=="], "aud").value == "abc.DEF-1_~+/=="
    assert bearer_token(["bearer  abc"], "aud").value == "abc"


@pytest.mark.parametrize(
    "authorization",
    [
        [],
        [""],
        ["Bearer"],
        ["Bearer "],
        ["Basic abc"],
        ["abc"],
        ["Bearer a b"],
        ["Bearer a,b"],
        ["Bearer a\u00e9"],
        ["Bearer abc", "Bearer abc"],
    ],
)
def test_everything_else_is_told_what_to_do(authorization: list[str]) -> None:
    with pytest.raises(Refused) as caught:
        bearer_token(authorization, "aud")
    assert (caught.value.status, caught.value.headers) == (401, {"WWW-Authenticate": "Bearer"})
    assert "`Authorization: Bearer TOKEN`" in str(caught.value)
    assert "--audience aud" in str(caught.value)


@pytest.mark.parametrize(
    "name", ["token", "access_token", "accessToken", "Bearer", "authorization", "api-key", "jwt"]
)
def test_a_token_in_the_url_is_refused(name: str) -> None:
    with pytest.raises(Refused, match="must not be in the URL") as caught:
        refuse_token_in_url(["x", name])
    assert caught.value.status == 401


def test_other_parameters_of_the_url_are_nobodys_business() -> None:
    refuse_token_in_url(["x", "tokens_used", "author"])


def test_a_token_shows_itself_nowhere() -> None:
    token = Token("s3cr3t")
    assert "s3cr3t" not in f"{token} {token!r}"
    assert token.digest.hex() not in repr(token)
    assert token == Token("s3cr3t")
    assert token != Token("s3cr3x")


@pytest.mark.parametrize(
    ("origin", "host", "signs_in", "allowed"),
    [
        (None, "ccx.example", True, True),
        ("https://ccx.example", "ccx.example", True, True),
        ("https://CCX.example:8003", "ccx.example:8003", True, True),
        ("https://other.example", "ccx.example", True, False),
        ("https://ccx.example.evil.example", "ccx.example", True, False),
        ("https://ccx.example:8004", "ccx.example:8003", True, False),
        ("null", "ccx.example", True, False),
        ("", "", True, False),
        ("http://[", "ccx.example", True, False),
        ("https://pages.example", "ccx.example", True, True),
        ("HTTPS://Pages.example", "ccx.example", True, True),
        ("http://pages.example", "ccx.example", True, False),
        ("http://localhost:8003", "localhost:8003", False, True),
        ("http://127.0.0.1:8003", "127.0.0.1:8003", False, True),
        ("http://[::1]:8003", "[::1]:8003", False, True),
        ("http://rebound.example:8003", "rebound.example:8003", False, False),
        ("https://pages.example", "127.0.0.1:8003", False, True),
    ],
)
def test_whose_pages_may_connect(
    origin: str | None, host: str, signs_in: bool, allowed: bool
) -> None:
    """Where nobody signs in, a name that a foreign page has led to loopback is none of ours."""
    ours = {"https://pages.example"}
    assert is_allowed_origin(origin, host, ours, signs_in=signs_in) == allowed


def test_how_output_is_wanted_is_said_by_the_url_and_else_by_the_gateways_default() -> None:
    for default in OUTPUT_MODES:
        assert output_mode((), default) == default
        assert output_mode(["lines"], default) == "lines"
        assert output_mode(["chunks"], default) == "chunks"


@pytest.mark.parametrize("wanted", [[""], ["line"], ["LINES"], ["lines", "lines"]])
def test_another_way_of_output_is_refused_with_those_that_there_are(wanted: list[str]) -> None:
    with pytest.raises(Refused, match=r"^output: must be chunks or lines, once") as caught:
        output_mode(wanted, "lines")
    assert (caught.value.status, caught.value.error) == (400, "invalid")
