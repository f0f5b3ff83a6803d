from typing import Any

import pytest

from ccx_operator.spec_refusal import refusal
from support.reconciling import an_execution


@pytest.mark.parametrize(
    ("spec", "path"),
    [
        ({"allowedTools": ["Read", "--dangerously-skip-permissions"]}, "spec.allowedTools[1]"),
        ({"disallowedTools": ["-x"]}, "spec.disallowedTools[0]"),
        ({"model": "--resume"}, "spec.model"),
    ],
)
def test_no_word_of_the_spec_can_become_an_option(spec: dict[str, Any], path: str) -> None:
    assert refusal(an_execution(**spec)).startswith(f"{path}: must not start with '-'")


def test_a_template_is_refused_with_its_own_words() -> None:
    refused = an_execution(podTemplate={"spec": {"hostNetwork": True}})
    assert refusal(refused).startswith("spec.podTemplate.spec.hostNetwork: ")
    assert refusal(an_execution(podTemplate={"spec": {"nodeSelector": {"a": "b"}}})) == ""


def test_a_plain_execution_is_not_refused() -> None:
    assert refusal(an_execution(model="m", allowedTools=["Read"])) == ""
