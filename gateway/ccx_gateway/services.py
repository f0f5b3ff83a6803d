"""What all sockets of this replica share."""

from dataclasses import dataclass
from functools import partial

from ccx_api.v1alpha1 import ClaudeExecution
from ccx_gateway.allow_list import AllowList
from ccx_gateway.beginning import Beginning
from ccx_gateway.configure import Configuring
from ccx_gateway.control import Control
from ccx_gateway.feeds import Feeds
from ccx_gateway.following import Following
from ccx_gateway.metrics import Metrics
from ccx_gateway.open_links import OpenLinks
from ccx_gateway.outbox import Outbox
from ccx_gateway.session import Session, Slot
from ccx_gateway.session_keeper import SessionKeeper
from ccx_gateway.watcher import Watcher
from ccx_kube.executions import Executions


@dataclass(frozen=True, slots=True)
class Services:
    namespace: str
    """Where a call names none."""

    allow_list: AllowList
    executions: Executions
    watcher: Watcher
    feeds: Feeds
    links: OpenLinks
    control: Control
    keeper: SessionKeeper
    metrics: Metrics

    @property
    def beginning(self) -> Beginning:
        return Beginning(self.watcher, self.links)

    @property
    def configuring(self) -> Configuring:
        return Configuring(self.executions, self.watcher)

    def following(
        self, execution: ClaudeExecution, slot: Slot, session: Session, outbox: Outbox
    ) -> Following:
        return Following(
            execution,
            outbox,
            watcher=self.watcher,
            beginning=self.beginning,
            feeds=self.feeds,
            metrics=self.metrics,
            over=partial(self._over, execution, slot, session),
        )

    def _over(self, execution: ClaudeExecution, slot: Slot, session: Session) -> None:
        session.release(slot)
        if slot.owned:
            self.keeper.ended(execution)
