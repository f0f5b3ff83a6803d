"""How long each gateway has been silent, counted over full lists of their Leases alone. Pure.

    list of Leases -> saw() -> the names of those that have gone

Neither the gateways' clocks count nor ours between the lists: while the API server cannot be
reached no gateway can renew, and that must close nobody's session.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta

from ccx_kube.leases import Lease

NEVER = timedelta(0)


@dataclass(frozen=True, slots=True)
class _Known:
    renewed: str | None
    """None: there is no such Lease."""

    quiet: timedelta = NEVER


class Gateways:
    def __init__(self, *, takeover: timedelta) -> None:
        """`takeover` is how long a session may be taken over after its gateway's Lease is stale."""
        self._takeover = takeover
        self._known: dict[str, _Known] = {}

    def saw(
        self, leases: Iterable[Lease], named: Collection[str], passed: timedelta
    ) -> frozenset[str]:
        """Who has gone. `named` by executions; `passed` since the last list, 0 at the first."""
        listed = {lease.name: lease for lease in leases}
        self._known = {
            name: self._quiet(name, listed.get(name), passed) for name in {*listed, *named}
        }
        return frozenset(name for name in self._known if self._has_gone(name, listed.get(name)))

    def _quiet(self, name: str, lease: Lease | None, passed: timedelta) -> _Known:
        before = self._known.get(name)
        renewed = lease.renewed if lease is not None else None
        if before is None or (renewed is not None and renewed != before.renewed):
            return _Known(renewed)
        return _Known(before.renewed, before.quiet + passed)

    def _has_gone(self, name: str, lease: Lease | None) -> bool:
        lasts = lease.duration if lease is not None else NEVER
        return self._known[name].quiet >= lasts + self._takeover
