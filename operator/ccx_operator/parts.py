"""What an operator is made of, and how its parts hear of each other: wiring alone.

feed -> store, queue -> controller -> cluster -> API server, links
                  └> recorder, expiring, telling, strays, readers, resync, sessions: its own loops
"""

from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

from ccx_api.snapshot import Snapshot
from ccx_kube.config_maps import ConfigMaps
from ccx_kube.events import Events
from ccx_kube.executions import Executions
from ccx_kube.leases import Leases
from ccx_kube.link import RunnerLink
from ccx_kube.pods import Pods
from ccx_kube.session import KubeSession
from ccx_operator.cluster import KubeCluster
from ccx_operator.controller import Controller
from ccx_operator.election import Alone, Election
from ccx_operator.expiring import Expiring
from ccx_operator.feed import run_feed
from ccx_operator.handlers import Feed
from ccx_operator.links import Links, Place
from ccx_operator.metrics import Metrics
from ccx_operator.options import Options
from ccx_operator.readers import Readers
from ccx_operator.recorder import Ports, Recorder
from ccx_operator.resync import Resync
from ccx_operator.session_watch import SessionWatch
from ccx_operator.store import Store
from ccx_operator.strays import Strays
from ccx_operator.telling import Telling
from ccx_operator.work_queue import WorkQueue


class Parts:
    def __init__(self, options: Options, session: KubeSession, election: Election | Alone) -> None:
        """`session` is fenced by the election: what does not lead writes nothing."""
        self._options, self._election = options, election
        self.store, self.queue = Store(), WorkQueue()
        self.links = Links(partial(RunnerLink.open, session), self._heard, fence=election.check)
        usage, expiry = WorkQueue(), WorkQueue()
        self.metrics = Metrics(
            self.store.census,
            queues={"executions": self.queue, "usage": usage, "expiry": expiry},
            links_open=lambda: len(self.links),
            leads=lambda: election.leads,
            leader_transitions=lambda: election.transitions,
        )
        executions, pods = Executions(session), Pods(session)
        self.telling = Telling(Events(session).create, self.metrics.acted)
        ports = Ports(ConfigMaps(session), executions, self.telling.tell)
        self.recorder = Recorder(
            self.store, usage, ports, self.metrics, wake=self.queue.add, now=_now
        )
        cluster = KubeCluster(
            session,
            self.links,
            options.images,
            template=options.template,
            tell=self.telling.tell,
            record_usage=self.recorder.add,
        )
        self.controller = Controller(
            self.store, self.queue, cluster, self.metrics, now=_now, node_lost=options.node_lost
        )
        self.expiring = Expiring(self.store, expiry, executions, self.metrics, now=_now)
        self.strays = Strays(pods)
        self.readers = Readers(
            *(executions, pods, options.images),
            namespaces=options.namespaces,
            acted=self.metrics.acted,
        )
        lists = (executions, pods)
        self.resync = Resync(
            self.store, self.queue, cluster, *lists, namespaces=options.namespaces, now=_now
        )
        leases = Leases(session, session.namespace)
        self.sessions = SessionWatch(self.store, self.queue, leases, takeover=options.takeover)

    def loops(self, take_signals_back: Callable[[], None]) -> Iterator[Coroutine[Any, Any, None]]:
        """Each runs until it is cancelled. If one of them ends, so must all."""
        feed = Feed(self.store, self.queue, self.strays, self.readers, _now)
        yield self._election.keep()
        yield run_feed(feed, self._options.namespaces, take_signals_back)
        yield self.controller.run()
        yield self.links.run()
        yield self.telling.run()
        yield self.recorder.run()
        yield self.expiring.run()
        yield self.strays.run()
        yield self.readers.run()
        yield self.resync.run()
        yield self.sessions.run()

    def _heard(self, place: Place, snapshot: Snapshot) -> None:
        self.store.heard(place.execution, snapshot, _now(), pod_uid=place.pod_uid)
        self.queue.add(place.execution)


def _now() -> datetime:
    return datetime.now(UTC)
