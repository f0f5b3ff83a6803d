import pytest

from ccx_gateway.options import parse


def test_everything_has_a_default() -> None:
    options = parse([])
    assert options.address == ("127.0.0.1", 8003)
    assert (options.namespace, options.log_format) == (None, "json")
    assert (options.max_sessions, options.executions) == (100, 1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--address", "8003"], "not HOST:PORT"),
        (["--max-sessions", "0"], "not a number from 1 on"),
        (["--log-format", "xml"], "invalid choice"),
    ],
)
def test_a_wrong_word_is_named(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse(words)
    assert said in capsys.readouterr().err
