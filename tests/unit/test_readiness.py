import pytest

from ccx_runner.readiness import answer


@pytest.mark.parametrize(
    ("request_line", "is_ready", "status"),
    [
        ("GET /ready HTTP/1.1", True, 200),
        ("HEAD /ready HTTP/1.1", True, 200),
        ("GET /ready HTTP/1.1", False, 503),
        ("GET / HTTP/1.1", True, 404),
        ("GET /ready/x HTTP/1.1", True, 404),
        ("POST /ready HTTP/1.1", True, 405),
        ("", True, 405),
    ],
)
def test_ready_is_told_by_the_status(request_line: str, is_ready: bool, status: int) -> None:
    told = answer(f"{request_line}\r\nHost: pod\r\n\r\n".encode(), is_ready=is_ready)
    head, _, body = told.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert bool(body) is not request_line.startswith("HEAD")
