"""kopf wiring: which watch event leads to which call. No decisions here.

watch event -> store -> queue of keys -> controller.py
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import kopf
from pydantic import ValidationError

from ccx_api.names import EXECUTIONS, LABEL_EXECUTION_UID
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_kube.access import load_access
from ccx_operator.facts import pod_facts, version_of
from ccx_operator.no_bookkeeping import NoDiffs, NoProgress
from ccx_operator.readers import Readers
from ccx_operator.settled import expiry_in, settled_phase
from ccx_operator.store import Store
from ccx_operator.strays import Strays
from ccx_operator.wanted import head_start
from ccx_operator.work_queue import WorkQueue

log = logging.getLogger(__name__)

registry = kopf.OperatorRegistry()


@dataclass(frozen=True, slots=True)
class Feed:
    """kopf's memo: where the events go."""

    store: Store
    queue: WorkQueue
    strays: Strays
    readers: Readers
    now: Callable[[], datetime]


@kopf.on.login(registry=registry)
async def login(**_: Any) -> kopf.ConnectionInfo:
    """As the rest of the operator signs in, so that both are at the same cluster."""
    access = await load_access()
    scheme, _space, token = (await access.headers()).get("Authorization", "").rpartition(" ")
    configuration = access.configuration
    return kopf.ConnectionInfo(
        server=configuration.host,
        ca_path=configuration.ssl_ca_cert,
        insecure=not configuration.verify_ssl,
        scheme=scheme or None,
        token=token or None,
        certificate_path=configuration.cert_file,
        private_key_path=configuration.key_file,
        proxy_url=configuration.proxy,
    )


@kopf.on.startup(registry=registry)
async def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.persistence.diffbase_storage = NoDiffs()
    settings.persistence.progress_storage = NoProgress()
    # The filter of a handler works after the download of every pod that there is.
    settings.watching.label_selectors["v1", "pods"] = LABEL_EXECUTION_UID
    settings.watching.chunk_size = 500
    settings.watching.server_timeout = 600  # without ends, watches were seen to fall silent
    settings.watching.client_timeout = 660
    settings.watching.inactivity_timeout = 70
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 5
    settings.networking.enforce_retry_after = True
    settings.queueing.worker_limit = 32
    # At 5 s, the default, 32 new objects per 5 s; at 20 ms a first list of ten thousand waits.
    settings.queueing.idle_timeout = 0.002


@kopf.on.event(*EXECUTIONS, registry=registry)
async def execution_event(event: kopf.RawEvent, uid: str, memo: Feed, **_: Any) -> None:
    body = event["object"]
    if event["type"] == "DELETED":
        memo.store.execution_deleted(uid)
        return
    memo.readers.look(body)
    if (phase := settled_phase(body)) is not None:
        memo.strays.look(body["metadata"]["namespace"], memo.store.observe(uid).pod)
        memo.store.settle(uid, phase, expiry_in(body))
        return
    if memo.store.has(uid, version_of(body["metadata"])):
        return  # who wrote that is not done with it
    try:
        execution = ClaudeExecution.model_validate(body)
    except ValidationError as exc:
        fields = [".".join(map(str, error["loc"])) for error in exc.errors(include_input=False)]
        log.error("unreadable object: %s", ", ".join(fields), extra={"execution": uid})
        return
    before = memo.store.execution(uid)
    memo.store.saw_execution(execution)
    if wait := head_start(before, execution):
        memo.queue.add_after(uid, wait)
    else:
        memo.queue.add(uid)


@kopf.on.event("v1", "pods", labels={LABEL_EXECUTION_UID: kopf.PRESENT}, registry=registry)
async def pod_event(event: kopf.RawEvent, labels: kopf.Labels, memo: Feed, **_: Any) -> None:
    pod = pod_facts(event["object"])
    if pod.owner_uid != labels[LABEL_EXECUTION_UID]:
        return  # a label is easily copied; the controller's uid is what counts
    if event["type"] != "DELETED" and memo.store.is_settled(pod.owner_uid):
        memo.strays.look(event["object"]["metadata"]["namespace"], pod)
        return
    if event["type"] == "DELETED":
        memo.store.pod_deleted(pod, memo.now())
    else:
        memo.store.saw_pod(pod, memo.now())
    memo.queue.add(pod.owner_uid)
