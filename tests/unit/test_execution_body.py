from typing import Any

import pytest

from ccx_api.v1alpha1 import ExecutionSpec
from ccx_gateway.errors import InvalidParams
from ccx_gateway.execution_body import Body, argv_of, execution_body, is_same_task
from ccx_gateway.params import Execute, parse

SESSION = {"id": "s1", "gateway": "g1"}


def a_body(**params: Any) -> Body:
    wanted = parse(Execute, params)
    return execution_body(wanted, argv_of(wanted), namespace="ns", session=SESSION)


@pytest.mark.parametrize(
    ("command", "argv"),
    [
        ("ls -l", ["ls", "-l"]),
        ("echo 'a b' \"c d\"", ["echo", "a b", "c d"]),
        (
            "echo a; id && $(id) | `id` > x",
            ["echo", "a;", "id", "&&", "$(id)", "|", "`id`", ">", "x"],
        ),
        ("printf ''", ["printf", ""]),
    ],
)
def test_a_command_is_split_as_a_shell_would_and_goes_to_none(
    command: str, argv: list[str]
) -> None:
    assert a_body(command=command)["spec"]["command"] == argv


def test_a_quote_without_end_is_named() -> None:
    with pytest.raises(InvalidParams, match=r"^command: no closing quotation$"):
        a_body(command="echo 'a")


def test_an_argv_is_taken_as_it_is() -> None:
    assert a_body(argv=["echo", "a b", "'"])["spec"]["command"] == ["echo", "a b", "'"]


def test_the_timeout_is_the_active_deadline() -> None:
    assert a_body(command="ls", timeout=7)["spec"]["activeDeadlineSeconds"] == 7


def test_a_prompt_is_claude_with_the_fields_of_the_crd() -> None:
    spec = a_body(prompt="hi", model="m", allowedTools=["Bash"])["spec"]
    assert (spec["prompt"], spec["model"], spec["allowedTools"]) == ("hi", "m", ["Bash"])
    assert "command" not in spec
    assert argv_of(parse(Execute, {"prompt": "hi"})) == ("claude",)


def test_it_belongs_to_its_session_and_goes_with_it_unless_told_otherwise() -> None:
    spec = a_body(command="ls")["spec"]
    assert (spec["session"], spec["onDisconnect"]) == (SESSION, "Cancel")
    assert a_body(command="ls", onDisconnect="Detach")["spec"]["onDisconnect"] == "Detach"


def test_a_field_of_the_crd_that_breaks_its_rule_is_named() -> None:
    with pytest.raises(
        InvalidParams,
        match=r"^maxTurns: greater_than_equal: Input should be greater than or equal to 1$",
    ):
        a_body(prompt="hi", maxTurns=0)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("backoffLimit", 101, "backoffLimit: less_than_equal"),
        ("retryDelaySeconds", -1, "retryDelaySeconds: greater_than_equal"),
        ("ttlSecondsAfterFinished", "soon", "ttlSecondsAfterFinished: int_parsing"),
        ("suspend", "perhaps", "suspend: bool_parsing"),
        ("workspace", {"volumeClaimName": ""}, "workspace.volumeClaimName: string_"),
        ("workspace", {"volumeClaim": "mine"}, "workspace.volumeClaim: no such field"),
        (
            "workspace",
            {"volumeClaimTemplate": {"storage": "1Gi", "accessModes": ["Any"]}},
            "workspace.volumeClaimTemplate.accessModes.0: literal_error",
        ),
        (
            "workspace",
            {"volumeClaimTemplate": {}},
            "workspace.volumeClaimTemplate.storage: missing",
        ),
        ("env", [{"name": "A", "value": "1", "vaule": "2"}], "env.0.vaule: no such field"),
    ],
)
def test_what_the_api_server_would_refuse_or_drop_is_named(
    field: str, value: object, said: str
) -> None:
    with pytest.raises(InvalidParams) as caught:
        a_body(command="ls", **{field: value})
    assert str(caught.value).startswith(said)


def test_attempts_workspace_and_the_time_to_live_go_into_the_spec_as_they_are() -> None:
    fields: dict[str, Any] = {
        "backoffLimit": 2,
        "retryDelaySeconds": 0,
        "ttlSecondsAfterFinished": 60,
        "suspend": True,
        "workspace": {"volumeClaimTemplate": {"storage": "1Gi"}},
        "podTemplate": {"spec": {"nodeSelector": {"any": "thing"}}},
    }
    assert a_body(command="ls", **fields)["spec"].items() >= fields.items()


def test_names_are_chosen_generated_or_the_keys() -> None:
    assert a_body(command="ls")["metadata"] == {"namespace": "ns", "generateName": "ccx-"}
    named = a_body(command="ls", name="mine", labels={"team": "blue"})["metadata"]
    assert named == {"namespace": "ns", "name": "mine", "labels": {"team": "blue"}}
    keyed = [a_body(command="ls", idempotencyKey=key)["metadata"]["name"] for key in "aab"]
    assert keyed[0] == keyed[1] != keyed[2]


def test_a_retry_is_told_from_another_task() -> None:
    first = ExecutionSpec.model_validate(a_body(command="ls", idempotencyKey="k")["spec"])
    assert is_same_task(a_body(argv=["ls"], idempotencyKey="k"), first)
    assert not is_same_task(a_body(command="ls -l", idempotencyKey="k"), first)
