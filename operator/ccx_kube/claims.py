"""PersistentVolumeClaims as JSON objects."""

from typing import Final

from ccx_kube.answers import Object
from ccx_kube.objects import object_path
from ccx_kube.session import KubeSession

_API: Final = "/api/v1"
_PLURAL: Final = "persistentvolumeclaims"


class Claims:
    def __init__(self, session: KubeSession) -> None:
        self._session = session

    async def create(self, namespace: str, body: Object) -> Object:
        return await self._session.request("POST", object_path(_API, namespace, _PLURAL), body=body)

    async def get(self, namespace: str, name: str) -> Object:
        return await self._session.request("GET", object_path(_API, namespace, _PLURAL, name))
