"""Leases of coordination.k8s.io: who is alive, and who leads, by what they renew."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from ccx_kube.answers import Object
from ccx_kube.errors import ApiError
from ccx_kube.objects import MERGE_PATCH, existing, object_path, pages
from ccx_kube.session import KubeSession

_API: Final = "/apis/coordination.k8s.io/v1"
_PLURAL: Final = "leases"


@dataclass(frozen=True, slots=True)
class Lease:
    name: str
    renewed: str
    """The holder's clock at the renewal: to be compared with itself alone."""

    duration: timedelta = timedelta(seconds=15)
    """How long after a renewal its holder counts as alive."""

    version: str = ""
    """Empty: of none that the server has."""

    holder: str = ""
    """Empty: nobody."""

    acquired: str = ""
    """The holder's clock when it became the holder."""

    transitions: int = 0
    """How often it has changed hands."""


class Leases:
    def __init__(self, session: KubeSession, namespace: str) -> None:
        self._session, self._namespace = session, namespace

    async def list(self, label_selector: str) -> tuple[Lease, ...]:
        found: tuple[Lease, ...] = ()
        async for page in pages(self._session, self._path(), label_selector=label_selector):
            found += tuple(map(_read, page.get("items") or ()))
        return found

    async def renew(
        self, name: str, *, duration: timedelta, labels: Mapping[str, str], now: datetime
    ) -> None:
        """Make it if it is not there: somebody may have removed it."""
        time = micro_time(now)
        try:
            await self._patch(name, {"spec": {"renewTime": time}})
        except ApiError as exc:
            if not exc.is_not_found:
                raise
            await self._create(name, duration, labels, time)

    async def get(self, name: str) -> Lease | None:
        found = await existing(self._session, self._path(name))
        return None if found is None else _read(found)

    async def put(self, lease: Lease) -> Lease:
        """Conflict, or AlreadyExists, if it is not what it was at `version`; return the new one."""
        spec = {
            "holderIdentity": lease.holder,
            "leaseDurationSeconds": _seconds(lease.duration),
            "acquireTime": lease.acquired,
            "renewTime": lease.renewed,
            "leaseTransitions": lease.transitions,
        }
        if lease.version:
            metadata = {"resourceVersion": lease.version}
            return _read(await self._patch(lease.name, {"metadata": metadata, "spec": spec}))
        return _read(await self._post(lease.name, {}, spec))

    async def delete(self, lease: Lease) -> None:
        """Only as it was seen; that it is gone, or has been renewed since, is success."""
        await self._delete(lease.name, {"preconditions": {"resourceVersion": lease.version}})

    async def remove(self, name: str) -> None:
        """By its holder, whatever it says."""
        await self._delete(name, None)

    async def _create(
        self, name: str, duration: timedelta, labels: Mapping[str, str], time: str
    ) -> None:
        spec = {
            "holderIdentity": name,
            "leaseDurationSeconds": _seconds(duration),
            "acquireTime": time,
            "renewTime": time,
        }
        await self._post(name, labels, spec)

    async def _post(self, name: str, labels: Mapping[str, str], spec: Object) -> Object:
        body = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": name, "namespace": self._namespace, "labels": dict(labels)},
            "spec": spec,
        }
        return await self._session.request("POST", self._path(), body=body)

    async def _patch(self, name: str, body: Object) -> Object:
        path = self._path(name)
        return await self._session.request("PATCH", path, body=body, content_type=MERGE_PATCH)

    async def _delete(self, name: str, options: Object | None) -> None:
        try:
            await self._session.request("DELETE", self._path(name), body=options)
        except ApiError as exc:
            if not (exc.is_not_found or exc.is_conflict):
                raise

    def _path(self, *name: str) -> str:
        return object_path(_API, self._namespace, _PLURAL, *name)


def micro_time(now: datetime) -> str:
    """With exactly six digits of a second: the server takes no other."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _seconds(duration: timedelta) -> int:
    return max(1, round(duration.total_seconds()))


def _read(item: Object) -> Lease:
    spec, metadata = item.get("spec") or {}, item["metadata"]
    return Lease(
        name=metadata["name"],
        renewed=str(spec.get("renewTime") or ""),
        duration=timedelta(seconds=spec.get("leaseDurationSeconds") or 0),
        version=metadata["resourceVersion"],
        holder=str(spec.get("holderIdentity") or ""),
        acquired=str(spec.get("acquireTime") or ""),
        transitions=int(spec.get("leaseTransitions") or 0),
    )
