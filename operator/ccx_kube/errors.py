"""What can go wrong on the way to the API server and to a runner.

    KubeError
    ├── ConfigError       no usable kubeconfig or service account
    ├── ApiError          the API server said no
    │   └── Unreachable   it said nothing
    ├── LinkRefused       the runner said no
    │   └── VersionsDiffer
    └── LinkLost          the runner said nothing, or the link ended
        └── NodeSilent    nor did its node

Their texts are fit for logs and status messages: no header, token, wish or prompt is in them.
"""

from collections.abc import Mapping
from typing import Any


class KubeError(Exception):
    """Base of all errors of this package."""


class ConfigError(KubeError):
    pass


class ApiError(KubeError):
    """An answer of the API server that is not a success."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        *,
        retry_after: float | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(f"{status} {reason}: {message}")
        self.status = status
        self.reason = reason
        """The CamelCase word of the metav1.Status, such as AlreadyExists."""
        self.message = message
        self.retry_after = retry_after
        """Seconds that the server wants us to wait."""
        self.details = details or {}

    @property
    def is_not_found(self) -> bool:
        return self.status == 404

    @property
    def is_already_exists(self) -> bool:
        return self.status == 409 and self.reason == "AlreadyExists"

    @property
    def is_conflict(self) -> bool:
        """The object is no longer what the request was decided on."""
        return self.status == 409 and self.reason != "AlreadyExists"

    @property
    def is_of_the_way(self) -> bool:
        """The API server could not reach the node, by its own word or by its silence."""
        late = isinstance(self.__cause__, TimeoutError)
        return late or (self.status == 500 and "error dialing backend" in self.message)

    @property
    def is_namespace_going(self) -> bool:
        """Nothing can be created there any more."""
        causes = self.details.get("causes") or ()
        return any(cause.get("reason") == "NamespaceTerminating" for cause in causes)


class Unreachable(ApiError):  # noqa: N818 - what is known, not what failed
    """No answer, so the request may or may not have been carried out. Its status is 0."""

    def __init__(self, message: str) -> None:
        super().__init__(0, "Unreachable", message)


class LinkRefused(KubeError):  # noqa: N818 - an answer, not a failure
    """The runner's own words on why it does not do what was asked."""


class VersionsDiffer(LinkRefused):
    """Runner and we have no version of the link, or of snapshots, in common."""


class LinkLost(KubeError):  # noqa: N818 - what is known, not what failed
    """No answer came: what was asked for may or may not have been done."""


class NodeSilent(LinkLost):
    """Nobody has answered at all: neither the runner nor the kubelet, through which links go."""
