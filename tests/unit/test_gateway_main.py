import pytest

from ccx_gateway.options import parse


def test_everything_has_a_default() -> None:
    options = parse([])
    assert options.address == ("127.0.0.1", 8003)
    assert options.probe_address is None
    assert (options.auth, options.audience) == ("token", "cc-executor")
    assert options.origins == frozenset()
    assert (options.namespace, options.log_format) == (None, "json")
    assert (options.max_sessions, options.executions) == (100, 1)
    assert options.output == "chunks"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--address", "8003"], "not HOST:PORT"),
        (["--probe-address", "8004"], "not HOST:PORT"),
        (["--max-sessions", "0"], "not a number from 1 on"),
        (["--log-format", "xml"], "invalid choice"),
        (["--output", "words"], "invalid choice"),
        (["--auth", "basic"], "invalid choice"),
        (["--audience", " "], "everybody's"),
        (["--allow-origin", "ccx.example"], "not an origin"),
        (["--allow-origin", "https://ccx.example/"], "not an origin"),
        (["--allow-origin", "*"], "not an origin"),
    ],
)
def test_a_wrong_word_is_named(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse(words)
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("address", ["0.0.0.0:8003", "[::]:8003", "10.0.0.1:8003", ":8003"])
def test_without_sign_in_it_listens_on_loopback_only(
    address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse(["--auth", "none", "--address", address])
    assert "loopback --address only" in capsys.readouterr().err
    assert parse(["--address", address]).auth == "token"


@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.8.0.1:1", "[::1]:1", "localhost:1"])
def test_on_loopback_sign_in_may_be_left_out(address: str) -> None:
    assert parse(["--auth", "none", "--address", address]).auth == "none"


def test_origins_are_compared_in_small_letters() -> None:
    words = ["--allow-origin", "https://A.example", "--allow-origin", "http://b.example:1"]
    assert parse(words).origins == {"https://a.example", "http://b.example:1"}
