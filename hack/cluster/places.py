"""Where the cluster keeps its files, and the addresses it uses. Pure.

State is below `.ccx/cluster` of the checkout; what takes minutes to make is in the user's cache.
"""

import os
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Final

KUBERNETES: Final = "1.34.4"
"""As go.mod says: a test compares."""

NODE: Final = "ccx-node"
HOST_LINK: Final = "ccx-host"
BRIDGE: Final = "ccx0"
CGROUP: Final = "ccx-cluster"

# 198.18.0.0/15 is for tests of network devices (RFC 2544): no network of a user has it.
HOST_ADDRESS: Final = IPv4Address("198.18.0.1")
NODE_ADDRESS: Final = IPv4Address("198.18.0.2")
LINK_BITS: Final = 30
PODS: Final = IPv4Network("198.18.8.0/24")
SERVICES: Final = IPv4Network("198.18.16.0/24")
API_SERVICE: Final = SERVICES[1]
"""The `kubernetes` Service has the first address of the range."""

API_PORT: Final = 6443
API_URL: Final = f"https://{NODE_ADDRESS}:{API_PORT}"
CNI_PLUGINS: Final = Path("/usr/lib/cni")

HOLDER: Final = Path("/run/ccx-cluster.json")
"""Who holds the namespaces, and for which checkout: addresses and cgroups are the machine's."""

CONTAINERD_SOCKET: Final = Path("/run/containerd/containerd.sock")
"""In the cluster's own mount namespace, where /run, /var/lib and /var/log are its own."""


@dataclass(frozen=True, slots=True)
class Places:
    state: Path
    programs: Path

    @classmethod
    def of(cls, checkout: Path, environment: dict[str, str] | None = None) -> "Places":
        env = os.environ if environment is None else environment
        cache = Path(env.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return cls(checkout / ".ccx/cluster", cache / f"cc-executor/kubernetes-{KUBERNETES}")

    @property
    def pki(self) -> Path:
        return self.state / "pki"

    @property
    def config(self) -> Path:
        return self.state / "config"

    @property
    def logs(self) -> Path:
        """One file for each component."""
        return self.state / "logs"

    @property
    def audit(self) -> Path:
        return self.state / "audit.log"

    @property
    def kubeconfig(self) -> Path:
        """Of the cluster's administrator, for people and tests."""
        return self.state / "kubeconfig"

    @property
    def components(self) -> Path:
        """Says the pid of every component, as the supervisor's namespace counts them."""
        return self.state / "components.json"

    @property
    def pause(self) -> Path:
        """The archive of the image that holds a pod's namespaces."""
        return self.state / "pause.tar"

    @property
    def sysctls(self) -> Path:
        """What the machine's settings were before the kubelet's start."""
        return self.state / "sysctls.json"

    @property
    def etcd_data(self) -> Path:
        return self.state / "etcd"
