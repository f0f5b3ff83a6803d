import asyncio

from ccx_gateway.line_pause import LinePause
from ccx_gateway.output_window import CaughtUp, OutputWindow, Slice


async def test_a_beginning_is_let_go_when_nothing_comes_after_it() -> None:
    window, released = OutputWindow(), asyncio.Event()
    pause = LinePause(window, released.set, seconds=0.001)
    window.append("stdout", b"one\n")
    pause.grown()
    assert pause._timer is None
    window.append("stdout", b"name: ")
    pause.grown()
    async with asyncio.timeout(60):
        await released.wait()
        assert window.read(4, 100) == Slice(4, "stdout", b"name: ", truncated=True)
        released.clear()
        window.append("stdout", b"jo")
        pause.grown()
        await released.wait()
    assert window.read(10, 100) == Slice(10, "stdout", b"jo", truncated=True)


async def test_a_line_that_comes_in_several_frames_is_waited_for() -> None:
    window, released = OutputWindow(), list[None]()
    pause = LinePause(window, lambda: released.append(None), seconds=3600)
    window.append("stdout", b"one")
    pause.grown()
    window.append("stdout", b", two")
    pause._look(3)  # the timer was set when there were three bytes
    assert not released
    assert window.read(0, 100) == CaughtUp()
    pause._look(8)
    assert len(released) == 1
    pause.close()
