"""Run kopf, the feed, again and again: what its events lead to is in handlers.py."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final, NoReturn

import kopf

from ccx_operator import handlers
from ccx_operator.handlers import Feed

log = logging.getLogger(__name__)

FEED_AGAIN_SECONDS: Final = 1.0
"""After the feed has ended by an error."""

_IDENTITY: Any = "ccx-operator"
"""For peering, which is off. Else kopf asks for the name of our uid, and in an image it has none.
kopf exports no type for it."""


async def run_feed(
    feed: Feed, namespaces: Sequence[str], take_signals_back: Callable[[], None]
) -> NoReturn:
    """kopf gives up at an error in a watch that is not 410: an API server that restarts must
    not end the operator, and with it every link and every wish that is on its way.
    """
    while True:
        ready = asyncio.Event()
        signals = asyncio.create_task(_when_ready(ready, take_signals_back))
        try:
            await _run_kopf(feed, namespaces, ready)
        except Exception:
            log.warning("the feed has ended and begins anew", exc_info=True)
        finally:
            signals.cancel()
        await asyncio.sleep(FEED_AGAIN_SECONDS)


async def _when_ready(ready: asyncio.Event, take_signals_back: Callable[[], None]) -> None:
    """kopf puts handlers of its own in at every start."""
    await ready.wait()
    take_signals_back()


async def _run_kopf(feed: Feed, namespaces: Sequence[str], ready: asyncio.Event) -> None:
    await kopf.operator(
        registry=handlers.registry,
        memo=feed,
        standalone=True,
        identity=_IDENTITY,
        clusterwide=not namespaces,
        namespaces=namespaces,
        ready_flag=ready,
    )
    raise RuntimeError("kopf has ended")
