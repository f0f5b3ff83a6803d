"""What an uninstall leaves behind is let go."""

from collections.abc import AsyncGenerator, Sequence

import pytest

from ccx_api.names import FINALIZER
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_kube.errors import ApiError
from ccx_operator.release import TRIES, release_all
from support.reconciling import an_execution

CONFLICT = ApiError(409, "Conflict", "changed")
GONE = ApiError(404, "NotFound", "")


def named(name: str, *finalizers: str) -> ClaudeExecution:
    update = {"name": name, "finalizers": finalizers}
    execution = an_execution()
    return execution.model_copy(update={"metadata": execution.metadata.model_copy(update=update)})


class Held:
    def __init__(self, *executions: ClaudeExecution, answers: Sequence[Exception] = ()) -> None:
        self.executions = {execution.metadata.name: execution for execution in executions}
        self.answers, self.listed_of = list(answers), list[str | None]()
        self.left: dict[str, Sequence[str]] = {}

    async def listed(self, namespace: str | None = None) -> AsyncGenerator[ClaudeExecution, None]:
        self.listed_of.append(namespace)
        for execution in self.executions.values():
            yield execution

    async def get(self, namespace: str, name: str) -> ClaudeExecution:
        return named(name, FINALIZER, "since/then")

    async def set_finalizers(
        self, execution: ClaudeExecution, finalizers: Sequence[str]
    ) -> ClaudeExecution:
        if self.answers:
            raise self.answers.pop(0)
        self.left[execution.metadata.name] = finalizers
        return execution


async def test_only_our_finalizer_goes_and_only_where_it_is() -> None:
    held = Held(named("a", "x/y", FINALIZER), named("b", "x/y"), named("c", FINALIZER))
    assert await release_all(held, ()) == 2
    assert held.left == {"a": ["x/y"], "c": []}
    assert held.listed_of == [None]


async def test_only_in_the_namespaces_that_are_named() -> None:
    held = Held()
    await release_all(held, ("a", "b"))
    assert held.listed_of == ["a", "b"]


async def test_what_somebody_else_changes_meanwhile_is_read_again() -> None:
    held = Held(named("a", FINALIZER), answers=[CONFLICT])
    await release_all(held, ())
    assert held.left == {"a": ["since/then"]}


async def test_what_has_gone_meanwhile_is_let_go() -> None:
    held = Held(named("a", FINALIZER), named("b", FINALIZER), answers=[GONE])
    await release_all(held, ())
    assert held.left == {"b": []}


@pytest.mark.parametrize(
    "answers", [[ApiError(403, "Forbidden", "no")], [CONFLICT] * TRIES], ids=["no", "for ever"]
)
async def test_what_cannot_be_let_go_is_an_error(answers: list[Exception]) -> None:
    with pytest.raises(ApiError):
        await release_all(Held(named("a", FINALIZER), answers=answers), ())
