"""What dashboards and rules ask is asked of a real Prometheus that has read a live operator and
live gateways while they had something of everything to do."""

import asyncio
import re
import time
from collections.abc import Iterator

import pytest

from ccx_dev.claude_cli import claude_directory
from ccx_dev.stack import Stack, running_stack, start_gateway, websocket_of
from support.free_port import a_free_port
from support.kubectl import Kubectl, a_prompt, an_execution
from support.observing import Prometheus, a_prometheus
from support.prometheus import MISSING, PROMETHEUS
from support.promql import asked, names, of_boards, of_rules
from support.wire_client import bearer, connected

pytestmark = pytest.mark.skipif(PROMETHEUS is None, reason=MISSING)

TOKENS = """\
tokens:
  viewer: {user: vera, audiences: [cc-executor]}
rules:
  - {users: [vera], verbs: [get, list], namespaces: [default]}
"""
OF_CLAUDE = {"ccx_execution_tokens_total", "ccx_execution_cost_usd_total"}
"""Need an execution of Claude Code, and its CLI."""

EMPTY = {
    "CCExecutorNoLeader": "an operator leads",
    "CCExecutorApiErrors": "the API server has answered every request",
}
"""Rules that find nothing even without their thresholds, and why."""


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    directory = tmp_path_factory.mktemp("observed")
    tokens = directory / "tokens.yaml"
    tokens.write_text(TOKENS, encoding="utf-8")
    metrics = f"127.0.0.1:{a_free_port()}"
    with running_stack(directory, use_real_api=False, tokens=tokens, metrics=metrics) as stack:
        guarded = start_gateway(directory, stack.kubeconfig, "--auth", "token")
        try:
            targets = {"ccx-operator-0": metrics}
            for number, gateway in enumerate((stack.gateway, guarded)):
                targets[f"ccx-gateway-{number}"] = gateway.said.removeprefix("http://")
            with a_prometheus(directory / "prometheus", targets) as prometheus:
                prometheus.has_read_all_since(0)
                asyncio.run(something_of_everything(stack, websocket_of(guarded)))
                prometheus.has_read_all_since(time.time())
                yield prometheus
        finally:
            guarded.end()


async def something_of_everything(stack: Stack, guarded: str) -> None:
    kubectl = Kubectl(stack.kubeconfig, stack.directory)
    async with asyncio.timeout(240), asyncio.TaskGroup() as tasks:
        tasks.create_task(successes_and_a_failure(stack.websocket))
        tasks.create_task(controls(stack.websocket, kubectl))
        tasks.create_task(a_denial(guarded))
        tasks.create_task(asyncio.to_thread(a_retry, kubectl))
        if claude_directory() is not None:
            tasks.create_task(asyncio.to_thread(a_conversation, kubectl))


async def successes_and_a_failure(url: str) -> None:
    async with connected(url) as client:
        await client.run(argv=["sh", "-c", "seq 20000; sleep 1"])
        await client.run(argv=["false"])
        assert "error" in await client.call("no such method")
        assert "result" in await client.call("list")


async def controls(url: str, kubectl: Kubectl) -> None:
    """The operator counts what it sees: a pause that is shorter than its look is not among that."""
    async with connected(url) as client:
        started = await client.result("execute", argv=["sleep", "600"])
        async with connected(url) as other:
            await other.result("attach", execution=started["execution"])
            await other.result("status", execution=started["execution"])
            await other.result("credit", execution=started["execution"], bytes=1000)
            await other.result("detach", execution=started["execution"])
        seen = {"PAUSE": "PausedByUser", "RESUME": "Resumed", "CANCEL": "CancelledByUser"}
        for wish, reason in seen.items():
            await client.result("control", type=wish)
            await asyncio.to_thread(kubectl.reaches, started["execution"], reason)
        await client.until("process.completed")


async def a_denial(url: str) -> None:
    async with connected(url, bearer("viewer")) as viewer:
        assert "error" in await viewer.call("execute", argv=["true"])


def a_retry(kubectl: Kubectl) -> None:
    again = {"backoffLimit": 1, "retryDelaySeconds": 0}
    kubectl.apply(an_execution("again", command=["sleep", "600"], **again))
    first = kubectl.wait("again", "Running")["status"]["podName"]
    kubectl("delete", "pod", first, "--grace-period=1")
    kubectl("wait", "cx/again", "--for=jsonpath={.status.attempts}=2", "--timeout=90s")
    kubectl.wait("again", "Running")
    kubectl.wish("again", "Cancelled")
    kubectl.wait("again", "Finished")


def a_conversation(kubectl: Kubectl) -> None:
    """Twice: Prometheus cannot tell by how much a series has grown that it has not seen before."""
    for name in ("talks", "talks-again"):
        kubectl.apply(a_prompt(name, "Say hello"))
        kubectl.wait(name, "Succeeded")


def needs_claude(expr: str) -> None:
    if names(expr) & OF_CLAUDE and claude_directory() is None:
        pytest.skip("the Claude Code CLI is not installed, so nothing has used tokens")


@pytest.mark.parametrize(("place", "expr"), of_boards().items(), ids=of_boards())
def test_every_query_of_a_dashboard_finds_something(
    prometheus: Prometheus, place: str, expr: str
) -> None:
    needs_claude(expr)
    question = asked(expr, step="2m", whole="2m")
    assert prometheus.values(question), f"{place} finds nothing: {question}"


@pytest.mark.parametrize(("alert", "expr"), of_rules().items(), ids=of_rules())
def test_no_alert_fires_and_what_it_compares_is_there(
    prometheus: Prometheus, alert: str, expr: str
) -> None:
    assert prometheus.values(expr) == []
    if alert in EMPTY:
        return
    needs_claude(expr)
    compared = re.sub(r"(==|>=|>|<) [\d.]+( \* \d+)?", "", expr)
    assert compared != expr
    assert prometheus.values(compared), f"{alert} compares nothing: {compared}"


def test_every_metric_that_is_asked_for_has_been_read(prometheus: Prometheus) -> None:
    wanted = set().union(*map(names, (of_boards() | of_rules()).values()))
    if claude_directory() is None:
        wanted -= OF_CLAUDE
    assert wanted - prometheus.names() == set()


@pytest.mark.parametrize(
    ("what", "least", "expr"),
    [
        ("successes", 1, 'ccx_executions_finished_total{phase="Succeeded",reason="Completed"}'),
        ("failures", 1, 'ccx_executions_finished_total{phase="Failed",reason="ExitCode"}'),
        ("cancels", 2, 'ccx_executions_finished_total{phase="Cancelled",reason="CancelledByUser"}'),
        ("retries", 1, 'ccx_execution_retries_total{reason="PodLost"}'),
        ("freezes", 1, 'ccx_freezes_total{result="proven"}'),
        ("controls", 1, 'sum(ccx_gateway_control_seconds_count{action="pause"})'),
        ("first outputs", 1, 'ccx_execution_startup_seconds_count{until="output"}'),
        ("denials", 1, 'sum(ccx_gateway_auth_total{result="denied"})'),
        ("errors", 1, 'sum(ccx_gateway_calls_total{method="unknown",code="-32601"})'),
        ("printed", 100_000, "ccx_runner_output_bytes_total"),
        ("sent", 100_000, "sum(ccx_gateway_output_bytes_total)"),
    ],
)
def test_what_has_happened_has_been_counted(
    prometheus: Prometheus, what: str, least: float, expr: str
) -> None:
    (found,) = prometheus.values(expr)
    assert found >= least, what


def test_tokens_and_dollars_are_those_of_the_scripted_answer(prometheus: Prometheus) -> None:
    needs_claude("ccx_execution_cost_usd_total")
    (dollars,) = prometheus.values("ccx_execution_cost_usd_total")
    assert 0 < dollars < 1
    assert len(prometheus.values('ccx_execution_tokens_total{model!="other"}')) == 4
