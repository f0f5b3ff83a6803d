"""The Lease of this replica: renewed while it holds sessions, removed when it holds none.

At the end of the process it stays: that it grows stale is what tells the operator.
"""

import asyncio
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from ccx_api.names import COMPONENT_GATEWAY, LABEL_COMPONENT
from ccx_kube.leases import Leases

LABELS: Final = {LABEL_COMPONENT: COMPONENT_GATEWAY}


def new_gateway_id() -> str:
    """Of this process, not of its pod: what is started again there has none of its sessions."""
    return f"ccx-gateway-{secrets.token_hex(6)}"


class GatewayLease:
    def __init__(
        self,
        leases: Leases,
        gateway_id: str,
        *,
        duration: timedelta,
        wanted: Callable[[], bool],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._leases, self._gateway_id, self._duration = leases, gateway_id, duration
        self._wanted, self._now = wanted, now
        self._exists = False
        self._one_at_a_time = asyncio.Lock()  # a removal must not overtake a renewal

    async def settle(self) -> None:
        """Renew it if there is a session, remove it if there is none any more."""
        async with self._one_at_a_time:
            if self._wanted():
                self._exists = True  # also if the answer is lost
                await self._leases.renew(
                    self._gateway_id, duration=self._duration, labels=LABELS, now=self._now()
                )
            elif self._exists:
                await self._leases.remove(self._gateway_id)
                self._exists = False
