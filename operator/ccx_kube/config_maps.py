"""ConfigMaps as JSON objects."""

from ccx_kube.answers import Object
from ccx_kube.objects import existing, object_path
from ccx_kube.session import KubeSession


class ConfigMaps:
    def __init__(self, session: KubeSession) -> None:
        self._session = session

    async def get(self, namespace: str, name: str) -> Object | None:
        return await existing(self._session, _path(namespace, name))

    async def create(self, namespace: str, body: Object) -> None:
        await self._session.request("POST", _path(namespace), body=body)

    async def replace(self, namespace: str, body: Object) -> None:
        """Conflict if it has changed since it was read."""
        await self._session.request("PUT", _path(namespace, body["metadata"]["name"]), body=body)


def _path(namespace: str, *name: str) -> str:
    return object_path("/api/v1", namespace, "configmaps", *name)
