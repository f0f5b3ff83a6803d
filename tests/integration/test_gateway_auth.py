"""Who is let in, and to what: every method against every way to be wrong."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ccx_gateway.access_rules import VERBS
from ccx_gateway.logs import ADDED
from ccx_kube.log_format import JsonFormatter, TextFormatter
from support.guarded_gateway import (
    ALICE,
    DEVS,
    EXECUTIONS,
    EXPIRED,
    FOREIGN,
    NOBODY,
    TOKENS,
    Guarded,
    a_guarded_gateway,
)
from support.wire_client import WAIT_SECONDS, Object, bearer, connected

PARAMS: dict[str, Object] = {
    "execute": {"argv": ["true"]},
    "control": {"type": "CANCEL", "execution": "e1"},
    "configure": {"suspend": True, "execution": "e1"},
    "attach": {"execution": "e1"},
    "detach": {"execution": "e1"},
    "credit": {"execution": "e1", "bytes": 1},
    "status": {"execution": "e1"},
    "list": {},
}
ASKING = sorted(method for method, verbs in VERBS.items() if verbs)
NOT_ASKING = sorted(PARAMS.keys() - set(ASKING))

AT_THE_DOOR: dict[str, tuple[dict[str, str], str, int, str]] = {
    "no token": ({}, "", 401, "no token"),
    "unknown token": ({"Authorization": "Bearer canary-x"}, "", 401, "unknown"),
    "expired": ({"Authorization": f"Bearer {EXPIRED}"}, "", 401, "expired"),
    "wrong audience": ({"Authorization": f"Bearer {FOREIGN}"}, "", 401, "not for this audience"),
    "no bearer token": ({"Authorization": "Basic canary-x"}, "", 401, "no bearer token"),
    "foreign Origin": (
        {"Authorization": f"Bearer {ALICE}", "Origin": "https://evil.example"},
        "",
        403,
        "foreign origin",
    ),
    "token in URL": ({}, f"?access_token={ALICE}", 401, "token in the URL"),
    "token in URL and header": (
        {"Authorization": f"Bearer {ALICE}"},
        f"?token={ALICE}",
        401,
        "token in the URL",
    ),
}


class Log(logging.Handler):
    """All that is logged at DEBUG, from the start of the gateway to its end."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def denials(self) -> list[dict[str, Any]]:
        audits = [getattr(record, "audit", None) for record in self.records]
        return [audit for audit in audits if audit and audit["outcome"] == "denied"]

    def text(self) -> str:
        formatters = (JsonFormatter(ADDED), TextFormatter(ADDED), logging.Formatter())
        lines = [f.format(r) + repr(vars(r)) for f in formatters for r in self.records]
        return "\n".join(lines)


@pytest.fixture
def log() -> Iterator[Log]:
    """No test may leave a token in it."""
    log, loggers = Log(), [logging.getLogger(name) for name in ("", "aiohttp", "asyncio")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    loggers[0].addHandler(log)
    yield log
    loggers[0].removeHandler(log)
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
    text = log.text()
    assert any(r.levelno == logging.DEBUG for r in log.records), "nothing was logged at DEBUG"
    assert "canary-" not in text, "a token has been logged"


@pytest.fixture
async def gateway(tmp_path: Path, log: Log) -> AsyncIterator[Guarded]:
    async with a_guarded_gateway(tmp_path) as gateway:
        yield gateway


async def knock(url: str, **headers: str) -> tuple[int, Any, Object]:
    """Status, headers and body of an upgrade that is refused."""
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "x3JJHMbDL1EzLkh9GBhXDw==",
    }
    timeout = aiohttp.ClientTimeout(total=WAIT_SECONDS)
    async with (
        aiohttp.ClientSession(timeout=timeout) as http,
        http.get(url, headers={**upgrade, **headers}) as answer,
    ):
        return answer.status, answer.headers, await answer.json()


@pytest.mark.parametrize("case", AT_THE_DOOR)
async def test_no_method_is_reached_without_a_valid_token(
    gateway: Guarded, log: Log, case: str
) -> None:
    headers, query, status, reason = AT_THE_DOOR[case]
    for count, method in enumerate(PARAMS, 1):
        url = gateway.websocket.replace("ws", "http", 1)
        found, told, body = await knock(f"{url}{query}", **headers)
        assert (found, "message" in body) == (status, True), method
        assert ("WWW-Authenticate" in told) == (status == 401)
        assert len(log.denials()) == count
        assert reason in log.denials()[-1]["reason"]
        assert "user" not in log.denials()[-1]
    assert await gateway.asked("claudeexecutions") == 0
    assert await gateway.asked("tokenreviews") <= 1


@pytest.mark.parametrize(
    ("token", "user", "place"),
    [(NOBODY, "nobody", {}), (ALICE, "alice", {"namespace": "other"})],
    ids=["wrong verb", "wrong namespace"],
)
@pytest.mark.parametrize("method", ASKING)
async def test_a_method_is_denied_before_the_cluster_is_asked_for_anything(
    gateway: Guarded, log: Log, method: str, token: str, user: str, place: Object
) -> None:
    async with connected(gateway.websocket, bearer(token)) as client:
        for _ in range(3):
            error = (await client.call(method, **PARAMS[method], **place))["error"]
            assert error["code"] == -32012
            namespace = place.get("namespace", "default")
            words = f"{user} may not {VERBS[method][0]} claudeexecutions.cc-executor.dev"
            assert error["message"].startswith(words)
            assert f'in namespace "{namespace}"' in error["message"]
    assert len(log.denials()) == 3
    denial = log.denials()[-1]
    assert (denial["user"], denial["verb"], denial["namespace"]) == (
        user,
        VERBS[method][0],
        namespace,
    )
    assert await gateway.asked("claudeexecutions") == 0
    assert await gateway.asked("subjectaccessreviews") == 1
    assert await gateway.asked("tokenreviews") == 1


@pytest.mark.parametrize("method", NOT_ASKING)
async def test_what_needs_no_verb_concerns_what_is_followed_here(
    gateway: Guarded, method: str
) -> None:
    async with connected(gateway.websocket, bearer(NOBODY)) as client:
        error = (await client.call(method, **PARAMS[method]))["error"]
        assert (error["code"], "is not followed here" in error["message"]) == (-32602, True)


@pytest.mark.parametrize("method", PARAMS)
async def test_a_token_that_is_not_valid_any_more_ends_the_socket_whatever_is_called(
    tmp_path: Path, log: Log, method: str
) -> None:
    async with (
        a_guarded_gateway(tmp_path, kept_seconds=0.2) as gateway,
        connected(gateway.websocket, bearer(ALICE)) as client,
    ):
        gateway.knows({}, DEVS)
        await client.send(method, **PARAMS[method])
        while (message := await client.socket.receive(WAIT_SECONDS)).type is aiohttp.WSMsgType.TEXT:
            pass
        assert message.data == 1008
        assert "the token is not valid any more" in (message.extra or "")
    assert log.denials()[-1]["user"] == "alice"


async def test_a_silent_viewer_is_closed_when_its_token_is_revoked(
    tmp_path: Path, log: Log
) -> None:
    async with a_guarded_gateway(tmp_path, kept_seconds=0.2) as gateway:
        await gateway.create("e1")
        async with connected(gateway.websocket, bearer(ALICE)) as client:
            assert "result" in await client.call("attach", execution="e1")
            gateway.knows({NOBODY: TOKENS[NOBODY]}, DEVS)
            assert await client.closed() == 1008
    (denial,) = log.denials()
    assert (denial["action"], denial["user"]) == ("connect", "alice")


async def test_a_stream_ends_when_its_right_is_taken_away_and_the_socket_stays(
    tmp_path: Path, log: Log
) -> None:
    async with a_guarded_gateway(tmp_path, kept_seconds=0.2) as gateway:
        await gateway.create("e1")
        async with connected(gateway.websocket, bearer(ALICE)) as client:
            await client.call("attach", execution="e1")
            gateway.knows(TOKENS)
            told = await client.next()
            assert told["method"] == "process.error"
            assert 'may not get claudeexecutions.cc-executor.dev "e1"' in told["params"]["error"]
            assert (await client.call("credit", execution="e1", bytes=1))["error"]["code"] == -32602
    (denial,) = log.denials()
    assert (denial["action"], denial["execution"]) == ("attach", "e1")


async def test_an_execution_bears_the_name_of_who_asked_for_it(gateway: Guarded) -> None:
    async with connected(gateway.websocket, bearer(ALICE)) as client:
        forged = await client.call("execute", argv=["true"], requestedBy="root")
        assert forged["error"]["code"] == -32602
        assert "written by the gateway" in forged["error"]["message"]
        await client.send("execute", argv=["true"], name="e1")
        found = await gateway.cluster.until(f"{EXECUTIONS}/e1", lambda answer: "spec" in answer)
        assert found["spec"]["requestedBy"] == "alice"


async def test_to_take_over_one_must_be_allowed_to_write(gateway: Guarded, log: Log) -> None:
    watcher = {"users": ["nobody"], "verbs": ["get", "create"], "namespaces": ["default"]}
    gateway.knows(TOKENS, DEVS, watcher)
    await gateway.create("e1")
    async with connected(gateway.websocket, bearer(NOBODY)) as client:
        taken = await client.call("attach", execution="e1", sessionId="s")
        assert "may not patch" in taken["error"]["message"]
        retried = await client.call("execute", argv=["true"], name="e1", idempotencyKey="k")
        assert "may not patch" in retried["error"]["message"]
    assert [denial["verb"] for denial in log.denials()] == ["patch", "patch"]
    assert "session" not in (await gateway.cluster.get(f"{EXECUTIONS}/e1"))["spec"]


async def test_many_clients_of_one_token_cost_one_review(gateway: Guarded) -> None:
    async def a_client() -> None:
        async with connected(gateway.websocket, bearer(ALICE)) as client:
            for _ in range(5):
                assert "result" in await client.call("list")

    await asyncio.gather(*(a_client() for _ in range(10)))
    assert await gateway.asked("tokenreviews") == 1
    assert await gateway.asked("subjectaccessreviews") == 1


async def test_while_the_api_server_fails_one_is_told_to_come_again(gateway: Guarded) -> None:
    fault = {"fault": "server-error", "resource": "tokenreviews.authentication.k8s.io"}
    await gateway.cluster.ask("POST", "/devcluster/faults", fault)
    url = gateway.websocket.replace("ws", "http", 1)
    status, headers, _ = await knock(url, Authorization=f"Bearer {ALICE}")
    assert (status, headers["Retry-After"]) == (503, "5")
    async with connected(gateway.websocket, bearer(ALICE)) as client:
        fault["resource"] = "subjectaccessreviews.authorization.k8s.io"
        await gateway.cluster.ask("POST", "/devcluster/faults", fault)
        error = (await client.call("list"))["error"]
        assert (error["code"], error["data"]["retryable"]) == (-32015, True)
        assert "result" in await client.call("list")


async def test_probes_and_metrics_want_no_token_and_tell_no_name(gateway: Guarded) -> None:
    async with (
        connected(gateway.websocket, bearer(ALICE)) as client,
        aiohttp.ClientSession() as http,
    ):
        await client.call("list")
        await client.call("list", namespace="other")
        for path in ("health", "healthz", "livez", "readyz", "metrics"):
            async with http.get(f"{gateway.url}/{path}") as answer:
                assert answer.status == 200
                page = await answer.text()
                assert "alice" not in page
    for line in ('{result="allowed"} 2.0', '{result="denied"} 1.0', '{result="unavailable"} 0.0'):
        assert f"ccx_gateway_auth_total{line}" in page


async def test_the_port_of_the_probes_has_no_way_in(gateway: Guarded, log: Log) -> None:
    found = re.findall(r"probes and metrics are at (http://[\w.:]+), too", log.text())[0]
    assert found != gateway.url
    headers = {"Authorization": f"Bearer {ALICE}"}
    async with aiohttp.ClientSession(headers=headers) as http:
        for path in ("health", "healthz", "livez", "readyz", "metrics"):
            async with http.get(f"{found}/{path}") as answer:
                assert answer.status == 200
        async with http.get(f"{found}/ws/mcp") as answer:
            assert answer.status == 404


async def test_pages_of_an_allowed_origin_may_connect(tmp_path: Path) -> None:
    words = ("--allow-origin", "https://pages.example")
    async with a_guarded_gateway(tmp_path, *words) as gateway, aiohttp.ClientSession() as http:
        headers = {"Authorization": f"Bearer {ALICE}", "Origin": "https://pages.example"}
        async with http.ws_connect(gateway.websocket, headers=headers) as socket:
            assert (await socket.receive_json(timeout=WAIT_SECONDS))["method"] == "connected"
