"""Where the API server is and who we are, by kubernetes.aio, kept fresh.

    service account of the pod, else kubeconfig -> Configuration -> the headers of each request

kopf looks in the same order: both must end up at the same cluster.
"""

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from kubernetes.aio.client import Configuration
from kubernetes.aio.config import (
    ConfigException,
    incluster_config,
    load_incluster_config,
    load_kube_config,
)

from ccx_kube.errors import ConfigError

log = logging.getLogger(__name__)

REFRESH_SECONDS: Final = 60.0
"""How often a token file or an expiring token of a kubeconfig is looked at again."""

RELOAD_SECONDS: Final = 10.0
"""At most so often is everything loaded anew because the server does not accept it."""

LOAD_SECONDS: Final = 30.0
"""How long an exec plugin may take."""

Load = Callable[[Configuration], Awaitable[Any]]

_read_service_account: Callable[[Configuration], None] = load_incluster_config
_read_kubeconfig: Callable[..., Awaitable[Any]] = load_kube_config


class Access:
    def __init__(
        self,
        configuration: Configuration,
        namespace: str,
        load: Load,
        loader: Any = None,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.configuration = configuration
        self.namespace = namespace
        self._load, self._loader, self._clock = load, loader, clock
        self._loading = asyncio.Lock()  # many requests, one run of the exec plugin
        self._rejected = False
        self._loaded_at = clock()
        self._reloaded_at = self._loaded_at - RELOAD_SECONDS

    def rejected(self) -> None:
        """The server answered 401: the next request loads the credentials anew."""
        self._rejected = True

    async def headers(self) -> dict[str, str]:
        """The authorization of one request; to be asked for every one."""
        if self._is_due():
            async with self._loading:
                if self._is_due():
                    await self._refresh()
        settings = await self.configuration.auth_settings()
        token = settings["BearerToken"]["value"] if "BearerToken" in settings else None
        return {"Authorization": token.strip()} if token else {}  # token files end in newlines

    def _is_due(self) -> bool:
        if self._rejected and self._clock() >= self._reloaded_at + RELOAD_SECONDS:
            return True
        return _changes(self._loader) and self._clock() >= self._loaded_at + REFRESH_SECONDS

    async def _refresh(self) -> None:
        """Until it is done the other requests find it due as well, and wait."""
        rejected = self._rejected
        try:
            if rejected:
                self._loader = await self._load(self.configuration)
            else:
                await self._look_again()
        finally:
            self._rejected, self._loaded_at = False, self._clock()
            if rejected:
                self._reloaded_at = self._loaded_at

    async def _look_again(self) -> None:
        try:
            async with asyncio.timeout(LOAD_SECONDS):
                await self._loader.load_and_set(self.configuration)
        except Exception as exc:  # of many kinds; what we have may still hold
            log.warning("credentials cannot be refreshed: %s", type(exc).__name__)


def _changes(loader: Any) -> bool:
    """Whether a kubeconfig's credentials have an end: a plugin that names none is asked on 401."""
    user = getattr(loader, "_user", None)
    if user is None:
        return False  # also in cluster, where the loader's own hook reads the token every minute
    return "tokenFile" in user or "auth-provider" in user or hasattr(loader, "exec_plugin_expiry")


async def load_access(
    kubeconfig: str | None = None, *, clock: Callable[[], float] = time.monotonic
) -> Access:
    """By the given kubeconfig, else in cluster, else by KUBECONFIG or ~/.kube/config."""
    configuration = Configuration()
    if kubeconfig is None and incluster_config.SERVICE_HOST_ENV_NAME in os.environ:
        await _load_in_cluster(configuration)
        namespace = Path(incluster_config.SERVICE_TOKEN_FILENAME).with_name("namespace")
        return Access(configuration, namespace.read_text(encoding="utf-8"), _load_in_cluster)

    paths = kubeconfig or os.environ.get("KUBECONFIG") or str(Path.home() / ".kube/config")

    async def load(configuration: Configuration) -> Any:
        return await _load_kubeconfig(paths, configuration)

    loader = await load(configuration)
    namespace_of_context = loader.current_context["context"].get("namespace") or "default"
    return Access(configuration, namespace_of_context, load, loader, clock=clock)


async def _load_in_cluster(configuration: Configuration) -> None:
    try:
        _read_service_account(configuration)
    except (ConfigException, OSError) as exc:
        raise ConfigError(f"the pod's service account cannot be used: {exc}") from None


async def _load_kubeconfig(paths: str, configuration: Configuration) -> Any:
    if not _exists(paths):
        raise ConfigError(
            f"no kubeconfig at {paths}: set KUBECONFIG, or run in a pod with a service account"
        )
    try:
        async with asyncio.timeout(LOAD_SECONDS):
            loader = await _read_kubeconfig(
                paths, client_configuration=configuration, persist_config=False
            )
    except TimeoutError:
        raise ConfigError(f"kubeconfig {paths}: no credentials in {LOAD_SECONDS} s") from None
    except Exception:  # of many kinds, and their texts quote the users' entries, tokens included
        raise ConfigError(
            f"kubeconfig {paths} cannot be used: `kubectl config view --minify` may show why"
        ) from None
    _require_credentials(loader, configuration, paths)
    return loader


def _exists(paths: str) -> bool:
    """KUBECONFIG may name several files, of which some may be missing."""
    return any(Path(path).expanduser().is_file() for path in paths.split(os.pathsep) if path)


def _require_credentials(loader: Any, configuration: Configuration, paths: str) -> None:
    """A failing exec plugin is only logged by the loader, and the requests would be anonymous."""
    user = loader._user  # noqa: SLF001  the loader has no other way to tell
    asked = user is not None and "exec" in user
    if asked and "BearerToken" not in configuration.api_key and not configuration.cert_file:
        raise ConfigError(f"kubeconfig {paths}: its exec plugin gave no credentials, see the log")
