"""Events of the core API."""

from ccx_kube.answers import Object
from ccx_kube.errors import ApiError
from ccx_kube.objects import object_path
from ccx_kube.session import KubeSession


class Events:
    def __init__(self, session: KubeSession) -> None:
        self._session = session

    async def create(self, namespace: str, body: Object) -> None:
        """One of that name is there already: success, for it says the same. So it is where the
        namespace is being deleted: nobody will read it.
        """
        try:
            await self._session.request(
                "POST", object_path("/api/v1", namespace, "events"), body=body
            )
        except ApiError as exc:
            if not (exc.is_already_exists or exc.is_namespace_going):
                raise
