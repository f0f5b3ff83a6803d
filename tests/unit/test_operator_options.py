from datetime import timedelta

import pytest

from ccx_operator.options import parse


def test_everything_has_a_default() -> None:
    options = parse([])
    assert (options.namespaces, options.metrics, options.log_format) == ((), None, "json")
    assert options.node_lost == timedelta(seconds=300)
    assert options.takeover == timedelta(seconds=60)
    assert not options.leader_elect
    assert options.images.runtime.startswith("cc-executor/runtime:")


def test_what_can_be_said() -> None:
    words = ["--namespace", "a", "--namespace", "b", "--runtime-image", "r", "--runner-image", "n"]
    words += ["--metrics-address", "[::1]:9090", "--node-lost-seconds", "60"]
    words += ["--session-takeover-seconds", "5", "--probe-address", "0.0.0.0:8004"]
    words += ["--leader-elect"]
    options = parse(words)
    assert (options.namespaces, options.metrics) == (("a", "b"), ("::1", 9090))
    assert (options.images.runtime, options.images.runner) == ("r", "n")
    assert options.probes == ("0.0.0.0", 8004)
    assert options.node_lost == timedelta(seconds=60)
    assert options.takeover == timedelta(seconds=5)
    assert options.leader_elect


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--metrics-address", "9090"], "not HOST:PORT"),
        (["--node-lost-seconds", "0"], "not a number of seconds from 1 on"),
        (["--log-format", "xml"], "invalid choice"),
    ],
)
def test_a_wrong_word_is_named(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse(words)
    assert said in capsys.readouterr().err
