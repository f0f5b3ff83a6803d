"""The session against a real HTTP server: what goes out, what comes back, what is left behind."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from kubernetes.aio.config import incluster_config

from ccx_kube.access import REFRESH_SECONDS, load_access
from ccx_kube.errors import ApiError, ConfigError, Unreachable
from ccx_kube.session import TLS_BUFFER, KubeSession
from support.api_server import ApiServer, ExecEnd, a_kubeconfig, running_api_server
from support.links import until
from support.tls import a_certificate

POD = "/api/v1/namespaces/ns/pods/p"


@pytest.fixture
async def session(server: ApiServer, tmp_path: Path) -> AsyncIterator[KubeSession]:
    config = a_kubeconfig(tmp_path, server.url, namespace="team")
    async with await KubeSession.from_environment(config) as session:
        yield session


async def test_a_request_says_what_it_was_given(server: ApiServer, session: KubeSession) -> None:
    server.answer(201, {"kind": "Pod"})
    params = [("labelSelector", "a=b,c"), ("x", "1"), ("x", "2")]
    assert await session.request("POST", POD, params=params, body={"a": "ü"}) == {"kind": "Pod"}
    (seen,) = server.seen
    assert (seen.method, seen.path, seen.body) == ("POST", POD, {"a": "ü"})
    assert seen.params == tuple(params)
    assert seen.headers["Content-Type"] == "application/json"
    assert session.namespace == "team"


async def test_a_patch_has_its_own_content_type(server: ApiServer, session: KubeSession) -> None:
    await session.request("PATCH", POD, body={}, content_type="application/merge-patch+json")
    assert server.seen[0].headers["Content-Type"] == "application/merge-patch+json"


async def test_names_are_quoted_once(server: ApiServer, session: KubeSession) -> None:
    await session.request("GET", "/api/v1/a%2Fb/c%20d")
    assert server.seen[0].path == "/api/v1/a/b/c d"


async def test_a_server_below_a_path_is_asked_there(server: ApiServer, tmp_path: Path) -> None:
    config = a_kubeconfig(tmp_path, f"{server.url}/k8s/clusters/c-1/")
    async with await KubeSession.from_environment(config) as session:
        await session.request("GET", POD)
    assert server.seen[0].path == f"/k8s/clusters/c-1{POD}"


async def test_the_servers_no_is_an_error_with_its_words(
    server: ApiServer, session: KubeSession
) -> None:
    server.answer(409, {"kind": "Status", "reason": "AlreadyExists", "message": "it exists"})
    with pytest.raises(ApiError, match="it exists") as caught:
        await session.request("POST", POD, body={})
    assert caught.value.is_already_exists


async def test_an_error_that_is_not_json_keeps_its_code(
    server: ApiServer, session: KubeSession
) -> None:
    server.answer(502, b"<html>bad gateway</html>")
    with pytest.raises(ApiError, match="502 HTTPError: <html>bad gateway"):
        await session.request("GET", POD)


async def test_too_many_requests_say_how_long_to_wait(
    server: ApiServer, session: KubeSession
) -> None:
    server.answer(429, b"slow down", {"Retry-After": "4"})
    with pytest.raises(ApiError) as caught:
        await session.request("GET", POD)
    assert (caught.value.status, caught.value.retry_after) == (429, 4)


async def test_no_proxy_stands_between_us_and_ourselves(
    server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    async with await KubeSession.from_environment(a_kubeconfig(tmp_path, server.url)) as session:
        assert await session.request("GET", POD) == {}


async def test_a_proxy_of_the_environment_stands_between_us_and_others_unless_excepted(
    server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", server.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    kubeconfig = a_kubeconfig(tmp_path, "http://api.invalid")
    async with await KubeSession.from_environment(kubeconfig) as session:
        assert await session.request("GET", POD) == {}
    monkeypatch.setenv("NO_PROXY", ".invalid")
    async with await KubeSession.from_environment(kubeconfig) as session:
        with pytest.raises(Unreachable):
            await session.request("GET", POD)


async def test_a_redirect_is_not_followed(server: ApiServer, session: KubeSession) -> None:
    server.answer(302, b"", {"Location": f"{server.url}/elsewhere"})
    with pytest.raises(ApiError, match="302"):
        await session.request("GET", POD)
    assert len(server.seen) == 1


async def test_every_answer_is_counted_and_so_is_none(
    server: ApiServer, session: KubeSession
) -> None:
    counted: list[tuple[str, int]] = []
    session.on_response = lambda method, code: counted.append((method, code))
    await session.request("GET", POD)
    server.answer(404)
    with pytest.raises(ApiError):
        await session.request("DELETE", POD)
    assert counted == [("GET", 200), ("DELETE", 404)]


async def test_nothing_that_may_change_something_passes_the_fence_and_reading_does(
    server: ApiServer, session: KubeSession
) -> None:
    def fence() -> None:
        raise LookupError("fenced")

    session.fence = fence
    for method in ("POST", "PATCH", "PUT", "DELETE"):
        with pytest.raises(LookupError, match="fenced"):
            await session.request(method, POD)
    with pytest.raises(LookupError, match="fenced"):
        async with session.websocket(f"{POD}/exec"):
            pass
    assert server.seen == []
    await session.request("GET", POD)
    async with session.stream("GET", f"{POD}/log"):
        pass
    assert [seen.method for seen in server.seen] == ["GET", "GET"]


async def test_a_server_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    async with running_api_server() as gone:
        config = a_kubeconfig(tmp_path, gone.url)
    counted: list[int] = []
    async with await KubeSession.from_environment(config) as session:
        session.on_response = lambda _, code: counted.append(code)
        with pytest.raises(Unreachable, match="Cannot connect") as caught:
            await session.request("GET", POD)
        with pytest.raises(Unreachable):
            async with session.websocket(f"{POD}/exec"):
                pass
    assert caught.value.status == 0
    assert counted == [0, 0]


async def test_a_stream_is_read_as_it_comes_and_its_refusal_is_an_error(
    server: ApiServer, session: KubeSession
) -> None:
    goes_on = asyncio.Event()

    async def write(response: web.StreamResponse) -> None:
        await response.write(b"one\n")
        await goes_on.wait()
        await response.write(b"two\n")

    server.stream = write
    async with session.stream("GET", f"{POD}/log", params=[("follow", "true")]) as answer:
        pieces = answer.content.iter_any()
        assert await anext(pieces) == b"one\n"
        goes_on.set()
        assert await anext(pieces) == b"two\n"

    server.answer(400, {"message": "container is waiting to start"})
    with pytest.raises(ApiError, match="waiting to start"):
        async with session.stream("GET", f"{POD}/log"):
            pass


async def test_a_stream_that_breaks_is_unreachable_and_the_callers_own_errors_are_its_own(
    server: ApiServer, session: KubeSession
) -> None:
    async def write(response: web.StreamResponse) -> None:
        await response.write(b"one\n")
        raise ConnectionError

    server.stream = write
    with pytest.raises(Unreachable):
        async with session.stream("GET", f"{POD}/log") as answer:
            await answer.read()
    with pytest.raises(TimeoutError):
        async with session.stream("GET", POD):
            raise TimeoutError


async def test_more_than_a_hundred_open_streams_hold_up_nobody(
    server: ApiServer, session: KubeSession
) -> None:
    async def write(response: web.StreamResponse) -> None:
        await response.write(b"open\n")
        await asyncio.Event().wait()

    server.stream = write
    async with AsyncExitStack() as stack:
        for _ in range(120):
            answer = await stack.enter_async_context(session.stream("GET", f"{POD}/log"))
            assert await answer.content.readline() == b"open\n"
        assert await session.request("GET", POD) == {}


async def test_only_the_channel_protocol_that_no_api_server_translates_is_offered(
    server: ApiServer, session: KubeSession
) -> None:
    async def run(end: ExecEnd) -> None:
        await end.exit(0)

    server.run = run
    async with session.websocket(f"{POD}/exec", params=[("command", "true")]) as socket:
        assert socket.protocol == "v4.channel.k8s.io"
    headers = server.seen[0].headers
    assert headers["Sec-WebSocket-Protocol"] == "v4.channel.k8s.io"
    assert headers["Accept"] == "*/*"  # who wants JSON is refused by a kubelet


async def test_an_exec_that_is_refused_says_why(server: ApiServer, session: KubeSession) -> None:
    server.answer(403, {"reason": "Forbidden", "message": "cannot create resource pods/exec"})
    with pytest.raises(ApiError, match="cannot create resource") as caught:
        async with session.websocket(f"{POD}/exec"):
            pass
    assert caught.value.status == 403


async def test_nothing_is_left_when_the_session_has_closed(
    server: ApiServer, tmp_path: Path
) -> None:
    async def run(end: ExecEnd) -> None:
        await end.frame()

    server.run = run
    before = asyncio.all_tasks()
    session = await KubeSession.from_environment(a_kubeconfig(tmp_path, server.url))
    await session.request("GET", POD)
    async with session.websocket(f"{POD}/exec"):
        pass
    await session.close()
    await until(lambda: asyncio.all_tasks() == before)


class TestAccess:
    """Each form of kubeconfig, by what the server sees of it."""

    async def seen_as(self, server: ApiServer, folder: Path, **config: Any) -> str | None:
        path = a_kubeconfig(folder, server.url, **config)
        async with await KubeSession.from_environment(path) as session:
            await session.request("GET", POD)
        return server.seen[-1].headers.get("Authorization")

    async def test_http_without_a_user_is_anonymous(
        self, server: ApiServer, tmp_path: Path
    ) -> None:
        assert await self.seen_as(server, tmp_path) is None

    async def test_a_token(self, server: ApiServer, tmp_path: Path) -> None:
        assert await self.seen_as(server, tmp_path, user={"token": "t0"}) == "Bearer t0"

    async def test_a_token_file_beside_the_kubeconfig(
        self, server: ApiServer, tmp_path: Path
    ) -> None:
        (tmp_path / "token").write_text("t1\n", encoding="utf-8")
        assert await self.seen_as(server, tmp_path, user={"tokenFile": "token"}) == "Bearer t1"

    async def test_a_token_file_is_read_again_within_a_minute_and_kept_if_it_vanishes(
        self, tmp_path: Path
    ) -> None:
        now, token = 0.0, tmp_path / "token"
        token.write_text("t1", encoding="utf-8")
        config = a_kubeconfig(tmp_path, "http://127.0.0.1:1", user={"tokenFile": "token"})
        access = await load_access(config, clock=lambda: now)
        token.write_text("t2", encoding="utf-8")
        assert await access.headers() == {"Authorization": "Bearer t1"}
        now += REFRESH_SECONDS
        assert await access.headers() == {"Authorization": "Bearer t2"}
        token.unlink()
        now += REFRESH_SECONDS
        assert await access.headers() == {"Authorization": "Bearer t2"}

    async def test_user_and_password(self, server: ApiServer, tmp_path: Path) -> None:
        user = {"username": "u", "password": "p"}
        assert await self.seen_as(server, tmp_path, user=user) == "Basic dTpw"

    async def test_an_exec_plugin_is_run_once_and_again_when_the_server_says_401(
        self, server: ApiServer, tmp_path: Path
    ) -> None:
        config = a_kubeconfig(tmp_path, server.url, user=a_plugin(tmp_path))
        async with await KubeSession.from_environment(config) as session:
            await session.request("GET", POD)
            server.answer(401, {"reason": "Unauthorized", "message": "Unauthorized"})
            with pytest.raises(ApiError, match="401 Unauthorized"):
                await session.request("GET", POD)
            await asyncio.gather(*(session.request("GET", POD) for _ in range(3)))
        tokens = [seen.headers["Authorization"] for seen in server.seen]
        assert tokens == ["Bearer t1"] * 2 + ["Bearer t2"] * 3

    async def test_a_token_that_stays_refused_does_not_run_the_plugin_each_time(
        self, server: ApiServer, tmp_path: Path
    ) -> None:
        config = a_kubeconfig(tmp_path, server.url, user=a_plugin(tmp_path))
        async with await KubeSession.from_environment(config) as session:
            for _ in range(4):
                server.answer(401)
                with pytest.raises(ApiError):
                    await session.request("GET", POD)
        assert server.seen[-1].headers["Authorization"] == "Bearer t2"

    async def test_a_plugin_that_fails_is_told_without_its_users_entry(
        self, server: ApiServer, tmp_path: Path
    ) -> None:
        user = {
            "exec": {
                "command": "false",
                "apiVersion": "v1",
                "env": [{"name": "S", "value": "s3cr3t"}],
            }
        }
        with pytest.raises(ConfigError, match="exec plugin gave no credentials") as caught:
            await load_access(a_kubeconfig(tmp_path, server.url, user=user))
        assert "s3cr3t" not in str(caught.value)

    async def test_a_broken_kubeconfig_is_told_without_what_is_in_it(self, tmp_path: Path) -> None:
        path = tmp_path / "kubeconfig"
        path.write_text("users: [{name: u, user: {token: s3cr3t}}]", encoding="utf-8")
        with pytest.raises(ConfigError, match="kubectl config view") as caught:
            await load_access(str(path))
        assert "s3cr3t" not in str(caught.value)

    async def test_no_kubeconfig_at_all_is_told_with_what_would_be_right(
        self, tmp_path: Path
    ) -> None:
        with pytest.raises(ConfigError, match="set KUBECONFIG"):
            await load_access(str(tmp_path / "none"))

    async def test_the_environment_names_the_kubeconfig(
        self, server: ApiServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        config = a_kubeconfig(tmp_path, server.url, user={"token": "t"}, namespace="n")
        monkeypatch.setenv("KUBECONFIG", f"{tmp_path}/missing:{config}")
        access = await load_access()
        assert access.configuration.host == server.url
        assert access.namespace == "n"


class TestTLS:
    async def test_a_client_certificate_is_shown_and_the_servers_is_checked(
        self, tmp_path: Path
    ) -> None:
        made = a_certificate(tmp_path)
        user = {"client-certificate": str(made.cert), "client-key": str(made.key)}
        cluster = {"certificate-authority": made.cert.name}
        async with (
            asyncio.timeout(60),
            running_api_server(made.of_server(asks_for_client=True)) as server,
        ):
            config = a_kubeconfig(tmp_path, server.url, user=user, cluster=cluster)
            async with await KubeSession.from_environment(config) as session:
                assert await session.request("GET", POD) == {}
            unknown = a_kubeconfig(tmp_path, server.url, user=user)
            async with await KubeSession.from_environment(unknown) as session:
                with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"):
                    await session.request("GET", POD)

    async def test_the_name_in_the_certificate_may_be_given(self, tmp_path: Path) -> None:
        made = a_certificate(tmp_path)
        cluster = {"certificate-authority": made.cert.name, "tls-server-name": "api.test"}

        async def run(end: ExecEnd) -> None:
            await end.exit(0)

        async with asyncio.timeout(60), running_api_server(made.of_server()) as server:
            server.run = run
            config = a_kubeconfig(tmp_path, server.url, user={"token": "t"}, cluster=cluster)
            async with await KubeSession.from_environment(config) as session:
                assert await session.request("GET", POD) == {}
                async with session.websocket(f"{POD}/exec") as socket:
                    assert socket.protocol == "v4.channel.k8s.io"

    async def test_a_pod_signs_in_by_its_service_account_and_reads_its_token_again(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made, token = a_certificate(tmp_path), tmp_path / "token"
        token.write_text("t1\n", encoding="utf-8")
        (tmp_path / "namespace").write_text("pods-own", encoding="utf-8")
        monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(token))
        monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(made.cert))
        async with asyncio.timeout(60), running_api_server(made.of_server()) as server:
            monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
            monkeypatch.setenv("KUBERNETES_SERVICE_PORT", server.url.rpartition(":")[2])
            async with await KubeSession.from_environment() as session:
                assert session.namespace == "pods-own"
                server.answer(401)
                with pytest.raises(ApiError):
                    await session.request("GET", POD)
                token.write_text("t2\n", encoding="utf-8")
                await session.request("GET", POD)
        tokens = [seen.headers["Authorization"] for seen in server.seen]
        assert tokens == ["bearer t1", "bearer t2"]

    async def test_a_link_over_tls_costs_one_record_of_buffer(self, tmp_path: Path) -> None:
        config = a_kubeconfig(tmp_path, "https://127.0.0.1:1", user={"token": "t"})
        async with await KubeSession.from_environment(config):
            assert asyncio.sslproto.SSLProtocol.max_size == TLS_BUFFER


def a_plugin(folder: Path) -> dict[str, Any]:
    """Gives t1 the first time, then t2 and so on, and does not say how long they hold."""
    script = folder / "plugin.py"
    script.write_text(
        "import json, pathlib\n"
        f"runs = pathlib.Path({str(folder / 'runs')!r})\n"
        "runs.write_text((runs.read_text() if runs.exists() else '') + 'x')\n"
        "token = f't{len(runs.read_text())}'\n"
        "kind = {'apiVersion': 'client.authentication.k8s.io/v1', 'kind': 'ExecCredential'}\n"
        "print(json.dumps({**kind, 'status': {'token': token}}))\n",
        encoding="utf-8",
    )
    version = "client.authentication.k8s.io/v1"
    return {"exec": {"command": sys.executable, "args": [str(script)], "apiVersion": version}}
