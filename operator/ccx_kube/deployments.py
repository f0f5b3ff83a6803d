"""Deployments, as far as one is stopped."""

from typing import Final

from ccx_kube.objects import MERGE_PATCH, existing, object_path
from ccx_kube.session import KubeSession

_API: Final = "/apis/apps/v1"


class Deployments:
    def __init__(self, session: KubeSession) -> None:
        self._session = session

    async def selector(self, namespace: str, name: str) -> str | None:
        """Of its pods, by their labels; None if there is no such Deployment."""
        path = object_path(_API, namespace, "deployments", name)
        found = await existing(self._session, path)
        if found is None:
            return None
        labels = found["spec"]["selector"]["matchLabels"]
        return ",".join(f"{label}={value}" for label, value in labels.items())

    async def scale(self, namespace: str, name: str, replicas: int) -> None:
        path = object_path(_API, namespace, "deployments", name, "scale")
        body = {"spec": {"replicas": replicas}}
        await self._session.request("PATCH", path, body=body, content_type=MERGE_PATCH)
