from datetime import timedelta
from pathlib import Path

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
        (["--stop-deployment", "x"], "goes with --release-finalizers only"),
        (["--pod-template", "/nowhere"], "--pod-template: "),
    ],
)
def test_a_wrong_word_is_named(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse(words)
    assert said in capsys.readouterr().err


def test_of_several_pod_templates_the_later_counts(tmp_path: Path) -> None:
    words = []
    for name, text in (
        ("a", "{spec: {nodeSelector: {a: '1', b: '1'}}}"),
        ("b", "{spec: {nodeSelector: {b: '2'}}}"),
    ):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        words += ["--pod-template", str(path)]
    assert parse(words).template == {"spec": {"nodeSelector": {"a": "1", "b": "2"}}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[x]", "must be an object"),
        ("{spec: {hostNetwork: true}}", "spec.podTemplate.spec.hostNetwork: must be false"),
        ("{spec: {containers: [{name: agent, image: x}]}}", "containers[0].image"),
        (
            "{spec: {containers: [{volumeMounts: [{name: h, mountPath: /home/agent/}]}]}}",
            "conversations are kept there",
        ),
        ("{", "expected"),
    ],
)
def test_a_pod_template_that_is_not_allowed_is_refused_with_the_field(
    tmp_path: Path, text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit):
        parse(["--pod-template", str(path)])
    assert said in capsys.readouterr().err
