import json

import pytest

from ccx_kube.answers import MAX_MESSAGE, read_error, read_object
from ccx_kube.errors import ApiError


def a_status(**fields: object) -> bytes:
    return json.dumps({"kind": "Status", "status": "Failure", **fields}).encode()


def test_an_error_is_told_in_the_servers_words() -> None:
    body = a_status(reason="AlreadyExists", message="pods x exists", details={"name": "x"})
    error = read_error(409, {}, body)
    assert (error.status, error.reason, error.message) == (409, "AlreadyExists", "pods x exists")
    assert error.details == {"name": "x"}
    assert str(error) == "409 AlreadyExists: pods x exists"


@pytest.mark.parametrize(
    ("status", "reason", "true"),
    [
        (404, "NotFound", {"is_not_found"}),
        (409, "AlreadyExists", {"is_already_exists"}),
        (409, "Conflict", {"is_conflict"}),
        (422, "Invalid", set[str]()),
    ],
)
def test_what_callers_ask_is_read_from_status_and_reason(
    status: int, reason: str, true: set[str]
) -> None:
    error = read_error(status, {}, a_status(reason=reason))
    questions = ("is_not_found", "is_already_exists", "is_conflict")
    assert {name for name in questions if getattr(error, name)} == true


@pytest.mark.parametrize("body", [b"404 page not found\n", b"", b"[1]", b"\xff\xfe", b"null"])
def test_an_error_that_is_not_a_status_keeps_code_and_text(body: bytes) -> None:
    error = read_error(404, {}, body)
    assert error.is_not_found
    assert error.message == (body.decode("utf-8", "replace").strip() or "no message")


def test_a_page_of_html_is_cut() -> None:
    assert len(read_error(502, {}, b"<p>" * 10_000).message) == MAX_MESSAGE


@pytest.mark.parametrize(
    ("headers", "details", "seconds"),
    [
        ({"Retry-After": "7"}, {}, 7),
        ({}, {"retryAfterSeconds": 3}, 3),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, {}, None),
        ({"Retry-After": "-1"}, {}, None),
        ({}, {}, None),
    ],
)
def test_how_long_to_wait_is_the_servers_choice(
    headers: dict[str, str], details: dict[str, object], seconds: float | None
) -> None:
    assert read_error(429, headers, a_status(details=details)).retry_after == seconds


@pytest.mark.parametrize("body", [b"<html>log in</html>", b"", b"[]"])
def test_a_success_that_is_not_an_object_is_an_error(body: bytes) -> None:
    with pytest.raises(ApiError, match="not a JSON object"):
        read_object(200, body)
