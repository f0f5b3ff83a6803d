import asyncio
from typing import Any, cast

import kopf
import pytest

from ccx_api.names import FINALIZER, LABEL_EXECUTION_UID
from ccx_operator.facts import PodFacts
from ccx_operator.handlers import Feed, configure, execution_event, pod_event
from ccx_operator.observed import Gone
from ccx_operator.store import Store
from ccx_operator.strays import Strays
from ccx_operator.work_queue import WorkQueue
from support.archive_readers import some_readers
from support.reconciling import NOW, UID


class RecordingPods:
    def __init__(self) -> None:
        self.deleted = asyncio.Queue[tuple[str, str, str]]()

    async def delete(self, namespace: str, name: str, uid: str) -> None:
        await self.deleted.put((namespace, name, uid))


def a_feed() -> Feed:
    return Feed(Store(), WorkQueue(), Strays(RecordingPods()), some_readers(), lambda: NOW)


def an_event(kind: str | None, **spec: Any) -> kopf.RawEvent:
    metadata = {"name": "e1", "namespace": "ns", "uid": UID, "resourceVersion": "3"}
    return cast("kopf.RawEvent", {"type": kind, "object": {"metadata": metadata, "spec": spec}})


def a_pod_event(kind: str, *, owner: str = UID, **metadata: Any) -> kopf.RawEvent:
    owners = [{"uid": owner, "controller": True}]
    metadata = {"name": "p", "namespace": "ns", "uid": "pu", "ownerReferences": owners, **metadata}
    return cast("kopf.RawEvent", {"type": kind, "object": {"metadata": metadata}})


def an_ended_event() -> kopf.RawEvent:
    event = an_event("MODIFIED", prompt="hi")
    event["object"]["status"] = {"phase": "Cancelled"}
    return event


async def see_execution(feed: Feed, event: kopf.RawEvent) -> None:
    await cast("Any", execution_event)(event=event, uid=UID, memo=feed)


async def see_pod(feed: Feed, event: kopf.RawEvent) -> None:
    await cast("Any", pod_event)(event=event, labels={LABEL_EXECUTION_UID: UID}, memo=feed)


async def test_an_execution_is_stored_and_its_key_queued() -> None:
    feed = a_feed()
    await see_execution(feed, an_event(None, prompt="hi"))
    assert feed.store.uids() == {UID}
    assert await feed.queue.get() == UID


def a_running_event(version: str, desired: str, **spec: Any) -> kopf.RawEvent:
    event = an_event("MODIFIED", prompt="hi", desiredState=desired, **spec)
    event["object"]["metadata"]["resourceVersion"] = version
    event["object"]["status"] = {"phase": "Running"}
    return event


SERVED = {"session": {"id": "s1", "gateway": "ccx-gateway-1"}}
DELETED = {"deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 0}


async def test_a_wish_is_left_to_the_gateway_of_the_session_for_a_moment() -> None:
    feed = a_feed()
    await see_execution(feed, a_running_event("3", "Running", **SERVED))
    assert await feed.queue.get() == UID
    feed.queue.done(UID, failed=False)
    await see_execution(feed, a_running_event("4", "Paused", **SERVED))
    assert feed.queue.depth == 0
    async with asyncio.timeout(60):
        assert await feed.queue.get() == UID


@pytest.mark.parametrize(
    ("spec", "metadata"), [({}, {}), ({"session": {"id": "s1"}}, {}), (SERVED, DELETED)]
)
async def test_what_no_gateway_delivers_is_not_waited_for(
    spec: dict[str, Any], metadata: dict[str, Any]
) -> None:
    feed = a_feed()
    await see_execution(feed, a_running_event("3", "Running", **spec))
    assert await feed.queue.get() == UID
    feed.queue.done(UID, failed=False)
    event = a_running_event("4", "Paused", **spec)
    cast("dict[str, Any]", event["object"]["metadata"]).update(metadata)
    await see_execution(feed, event)
    assert feed.queue.depth == 1


@pytest.mark.parametrize(
    ("phase", "more"), [("Starting", {"desiredState": "Paused"}), ("Running", {"suspend": True})]
)
async def test_what_does_not_run_or_is_another_wish_than_its_state_is_not_waited_for(
    phase: str, more: dict[str, Any]
) -> None:
    feed = a_feed()
    await see_execution(feed, a_running_event("3", "Running", **SERVED))
    assert await feed.queue.get() == UID
    feed.queue.done(UID, failed=False)
    event = a_running_event("4", "Running", **SERVED)
    body = cast("dict[str, Any]", event["object"])
    body["spec"].update(more)
    body["status"] = {"phase": phase}
    await see_execution(feed, event)
    assert feed.queue.depth == 1


async def test_what_is_settled_is_not_queued() -> None:
    feed = a_feed()
    event = an_event("ADDED", prompt="hi")
    event["object"]["status"] = {"phase": "Succeeded"}
    await see_execution(feed, event)
    assert feed.store.uids() == set()
    assert feed.queue.depth == 0
    assert feed.store.census.phases() == {"Succeeded": 1}


async def test_what_its_finalizer_holds_is_not_settled() -> None:
    feed = a_feed()
    event = an_event("ADDED", prompt="hi")
    event["object"]["status"] = {"phase": "Succeeded"}
    event["object"]["metadata"]["finalizers"] = [FINALIZER]
    await see_execution(feed, event)
    assert feed.store.uids() == {UID}


async def test_our_own_write_is_not_queued_again() -> None:
    feed = a_feed()
    for _ in range(2):
        await see_execution(feed, an_event("MODIFIED", prompt="hi"))
    assert await feed.queue.get() == UID
    feed.queue.done(UID, failed=False)
    assert feed.queue.depth == 0


async def test_a_deleted_execution_is_forgotten() -> None:
    feed = a_feed()
    await see_execution(feed, an_event("ADDED", prompt="hi"))
    await see_execution(feed, an_event("DELETED", prompt="hi"))
    assert feed.store.uids() == set()


async def test_an_object_of_another_shape_disturbs_nobody(caplog: Any) -> None:
    feed = a_feed()
    await see_execution(feed, an_event("ADDED", prompt={"s3cret": 1}))
    assert feed.store.uids() == set()
    assert "spec.prompt" in caplog.text
    assert "s3cret" not in caplog.text


async def test_a_pods_event_is_its_owners_event() -> None:
    feed = a_feed()
    await see_execution(feed, an_event("ADDED", prompt="hi"))
    await see_pod(feed, a_pod_event("ADDED"))
    assert isinstance(feed.store.observe(UID).pod, PodFacts)
    await see_pod(feed, a_pod_event("DELETED", deletionTimestamp="2026-01-01T12:00:00Z"))
    assert isinstance(feed.store.observe(UID).pod, Gone)


async def test_a_pod_that_only_lost_its_label_is_to_be_read_before_it_is_lost() -> None:
    feed = a_feed()
    await see_execution(feed, an_event("ADDED", prompt="hi"))
    await see_pod(feed, a_pod_event("ADDED"))
    await see_pod(feed, a_pod_event("DELETED"))
    pod = feed.store.observe(UID).pod
    assert isinstance(pod, PodFacts)
    assert pod.left_sight


async def test_a_copied_label_does_not_make_a_pod_ours() -> None:
    feed = a_feed()
    await see_pod(feed, a_pod_event("ADDED", owner="somebody-else"))
    assert feed.store.observe(UID).pod is None


@pytest.mark.parametrize("first", ["the end", "the pod"])
async def test_a_pod_that_comes_after_the_end_of_its_execution_goes(first: str) -> None:
    pods = RecordingPods()
    feed = Feed(Store(), WorkQueue(), Strays(pods), some_readers(), lambda: NOW)
    if first == "the pod":
        await see_pod(feed, a_pod_event("ADDED"))
    await see_execution(feed, an_ended_event())
    if first == "the end":
        await see_pod(feed, a_pod_event("ADDED"))
    running = asyncio.create_task(feed.strays.run())
    async with asyncio.timeout(60):
        assert await pods.deleted.get() == ("ns", "p", "pu")
    running.cancel()


async def test_what_ended_with_its_execution_or_goes_already_is_no_stray() -> None:
    pods = RecordingPods()
    feed = Feed(Store(), WorkQueue(), Strays(pods), some_readers(), lambda: NOW)
    await see_execution(feed, an_ended_event())
    over = a_pod_event("MODIFIED")
    over["object"]["status"] = {"phase": "Succeeded"}
    await see_pod(feed, over)
    await see_pod(feed, a_pod_event("MODIFIED", deletionTimestamp="2026-01-01T12:00:00Z"))
    await see_pod(feed, a_pod_event("DELETED"))
    await see_pod(feed, a_pod_event("ADDED", name="late", uid="late"))
    running = asyncio.create_task(feed.strays.run())
    async with asyncio.timeout(60):
        assert (await pods.deleted.get())[1] == "late"
    running.cancel()


async def test_a_worker_limit_never_comes_without_a_short_idle_time() -> None:
    settings = kopf.OperatorSettings()
    await cast("Any", configure)(settings=settings)
    assert settings.queueing.worker_limit == 32
    assert settings.queueing.idle_timeout < 0.1
    assert settings.scanning.disabled
    assert not settings.posting.enabled
