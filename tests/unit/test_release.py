"""What an uninstall leaves behind is let go."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest

from ccx_api.names import FINALIZER
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_kube.errors import ApiError
from ccx_operator.release import TRIES, StillRunsError, release_all, stop
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


class Operator:
    """A Deployment whose pods are gone after so many looks."""

    def __init__(self, *, looks: int = 0, exists: bool = True) -> None:
        self.scaled_to: int | None = None
        self._looks, self._exists = looks, exists

    async def selector(self, namespace: str, name: str) -> str | None:
        return f"app={namespace}-{name}" if self._exists else None

    async def scale(self, namespace: str, name: str, replicas: int) -> None:
        self.scaled_to = replicas

    async def listed(
        self, label_selector: str, namespace: str | None = None
    ) -> AsyncGenerator[dict[str, Any], None]:
        assert (label_selector, namespace) == ("app=home-op", "home")
        yield {"metadata": {"name": "evicted"}, "status": {"phase": "Failed"}}
        self._looks -= 1
        if self._looks >= 0:
            yield {"metadata": {"name": "op-1"}, "status": {"phase": "Running"}}


async def test_the_operator_is_stopped_when_none_of_its_pods_runs() -> None:
    operator = Operator(looks=2)
    await stop(operator, operator, "home", "op", look=0)
    assert operator.scaled_to == 0


async def test_an_operator_that_is_not_there_needs_no_stop() -> None:
    operator = Operator(exists=False)
    await stop(operator, operator, "home", "op")
    assert operator.scaled_to is None


async def test_an_operator_that_does_not_end_is_named() -> None:
    operator = Operator(looks=1_000_000)
    with pytest.raises(StillRunsError, match=r"home/op still runs after 0\.05 s: op-1"):
        await stop(operator, operator, "home", "op", seconds=0.05, look=0.001)
