import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from ccx_api.snapshot import Snapshot
from ccx_api.wish import Wish
from ccx_operator import links
from ccx_operator.actions import Verb
from ccx_operator.links import Links, Place
from support.reconciling import a_snapshot


class RecordingLink:
    def __init__(self, runners: "Runners", pod: str) -> None:
        self._runners, self._pod = runners, pod

    snapshot = a_snapshot()

    async def status(self) -> Snapshot:
        return await self._tell("status")

    async def pause(self, wish: Wish | None = None) -> Snapshot:
        return await self._tell("pause")

    async def resume(self, wish: Wish | None = None) -> Snapshot:
        return await self._tell("resume")

    async def cancel(self, wish: Wish | None = None) -> Snapshot:
        return await self._tell("cancel")

    async def close(self) -> None:
        await self._tell("close")

    async def _tell(self, word: str) -> Snapshot:
        self._runners.calls.append(f"{word} {self._pod}")
        return self.snapshot


class Runners:
    def __init__(self) -> None:
        self.calls: list[str] = []
        self.opening = self.most_opening = 0
        self.push: dict[str, Callable[[Snapshot], None]] = {}
        self.lose: dict[str, Callable[[str], None]] = {}

    async def open(
        self,
        namespace: str,
        pod: str,
        *,
        on_snapshot: Callable[[Snapshot], None],
        on_closed: Callable[[str], None],
    ) -> RecordingLink:
        self.opening += 1
        self.most_opening = max(self.most_opening, self.opening)
        await asyncio.sleep(0)
        self.opening -= 1
        self.calls.append(f"open {pod}")
        self.push[pod], self.lose[pod] = on_snapshot, on_closed
        return RecordingLink(self, pod)


class Pool:
    def __init__(self) -> None:
        self.runners, self.now = Runners(), 0.0
        self.heard: list[tuple[Place, Snapshot]] = []
        self.links = Links(
            self.runners.open, lambda *heard: self.heard.append(heard), clock=lambda: self.now
        )


def a_place(number: int = 1) -> Place:
    return Place(f"u{number}", "ns", f"p{number}", f"pu{number}")


async def test_a_look_opens_a_link_and_the_next_uses_it() -> None:
    pool = Pool()
    await pool.links.look(a_place())
    await pool.links.look(a_place())
    await pool.links.deliver(a_place(), Verb.PAUSE, Wish(generation=2))
    assert pool.runners.calls == ["open p1", "status p1", "pause p1"]


@pytest.mark.parametrize("verb", Verb)
async def test_every_verb_is_what_it_says(verb: Verb) -> None:
    pool = Pool()
    await pool.links.deliver(a_place(), verb, Wish(generation=2))
    assert pool.runners.calls == ["open p1", f"{verb} p1"]


async def test_no_wish_is_sent_past_the_fence_also_over_a_link_that_is_open() -> None:
    pool, stale = Pool(), False

    def fence() -> None:
        if stale:
            raise PermissionError

    pool.links = Links(pool.runners.open, lambda *_: None, fence=fence)
    await pool.links.deliver(a_place(), Verb.PAUSE, Wish(generation=2))
    stale = True
    with pytest.raises(PermissionError):
        await pool.links.deliver(a_place(), Verb.RESUME, Wish(generation=3))
    assert pool.runners.calls == ["open p1", "pause p1"]


async def test_an_idle_link_is_closed_and_a_used_one_is_not() -> None:
    pool = Pool()
    await pool.links.look(a_place(1))
    pool.now = 9
    await pool.links.look(a_place(2))
    pool.now = 10
    await pool.links.close_idle()
    assert (len(pool.links), pool.runners.calls[-1]) == (1, "close p1")


async def test_of_too_many_links_those_go_that_were_used_longest_ago() -> None:
    pool = Pool()
    for number in range(links.MOST + 2):
        pool.now = number / 1000
        await pool.links.look(a_place(number))
    await pool.links.close_idle()
    assert len(pool.links) == links.MOST
    assert pool.runners.calls[-2:] == ["close p0", "close p1"]


async def test_only_so_many_are_opened_at_a_time() -> None:
    pool = Pool()
    async with asyncio.timeout(60):
        await asyncio.gather(*(pool.links.look(a_place(number)) for number in range(50)))
    assert pool.runners.most_opening == links.OPENING


async def test_what_a_runner_tells_by_itself_is_heard() -> None:
    pool = Pool()
    await pool.links.look(a_place())
    pool.runners.push["p1"](a_snapshot("Paused"))
    assert pool.heard == [(a_place(), a_snapshot("Paused"))]


async def test_a_link_that_ended_is_opened_anew() -> None:
    pool = Pool()
    await pool.links.look(a_place())
    pool.runners.lose["p1"]("gone")
    await pool.links.look(a_place())
    assert pool.runners.calls == ["open p1", "open p1"]


async def test_all_links_end_with_the_pool() -> None:
    pool = Pool()
    running = asyncio.create_task(pool.links.run())
    await pool.links.look(a_place())
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running])
    assert (len(pool.links), pool.runners.calls[-1]) == (0, "close p1")


async def test_a_link_that_ends_while_it_is_opened_is_not_kept() -> None:
    pool = Pool()

    async def open_and_lose(*args: str, on_closed: Callable[[str], None], **more: Any) -> Any:
        link = await pool.runners.open(*args, on_closed=on_closed, **more)
        on_closed("lost")
        return link

    pool.links = Links(open_and_lose, lambda *_: None, clock=lambda: pool.now)
    await pool.links.look(a_place())
    assert len(pool.links) == 0


async def test_the_end_of_an_old_link_does_not_forget_the_new_one() -> None:
    pool = Pool()
    await pool.links.look(a_place())
    lose_the_old = pool.runners.lose["p1"]
    await pool.links.drop(a_place())
    await pool.links.look(a_place())
    lose_the_old("closed")
    assert len(pool.links) == 1
