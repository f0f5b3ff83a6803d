"""A plain HTTP client of a devcluster, and bounded waiting."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

import aiohttp

WAIT_SECONDS = 60.0


class Client:
    """JSON in, (code, JSON) out."""

    def __init__(self, url: str) -> None:
        self.url = url

    async def __aenter__(self) -> Self:
        self.session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WAIT_SECONDS))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.session.close()

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content_type: str = "application/json",
        **query: str,
    ) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body)
        headers = {"Content-Type": content_type}
        async with self.session.request(
            method, self.url + path, data=data, params=query, headers=headers
        ) as response:
            return response.status, json.loads(await response.text())

    async def get(self, path: str, **query: str) -> Any:
        code, found = await self.ask("GET", path, **query)
        assert code == 200, found
        return found

    async def create(self, path: str, body: Any, **query: str) -> Any:
        code, created = await self.ask("POST", path, body, **query)
        assert code == 201, created
        return created

    async def merge(self, path: str, patch: Any) -> tuple[int, Any]:
        return await self.ask("PATCH", path, patch, content_type="application/merge-patch+json")

    @asynccontextmanager
    async def watch(self, path: str, **query: str) -> AsyncIterator["Events"]:
        params = {"watch": "true", **query}
        async with self.session.get(self.url + path, params=params) as response:
            assert response.status == 200, await response.text()
            yield Events(response.content)

    async def until(self, path: str, found: Callable[[Any], bool], **query: str) -> Any:
        """Ask again until the answer is as wanted, within a bound."""
        async with asyncio.timeout(WAIT_SECONDS):
            while True:
                _, answer = await self.ask("GET", path, **query)
                if found(answer):
                    return answer
                await asyncio.sleep(0)


class Events:
    """The lines of a watch."""

    def __init__(self, content: aiohttp.StreamReader) -> None:
        self._content = content

    async def next(self) -> tuple[str, Any]:
        """(type, object); ("", None) at the end."""
        async with asyncio.timeout(WAIT_SECONDS):
            line = await self._content.readline()
        if not line:
            return "", None
        event = json.loads(line)
        return event["type"], event["object"]

    async def names(self, count: int) -> list[tuple[str, str]]:
        events = [await self.next() for _ in range(count)]
        return [(kind, obj["metadata"]["name"]) for kind, obj in events]
