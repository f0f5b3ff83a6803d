"""The cluster's network: a namespace of its own, one cable to the host, a bridge for the pods.

host 198.18.0.1 ── ccx-host ══ ccx-node ── 198.18.0.2 node ── ccx0 ── pods
"""

import subprocess
import time
from pathlib import Path
from typing import Final

from cluster.errors import ClusterError
from cluster.places import (
    HOST_ADDRESS,
    HOST_LINK,
    LINK_BITS,
    NODE,
    NODE_ADDRESS,
    PODS,
    SERVICES,
)

CABLE_SECONDS: Final = 10.0
_NODE_SYSCTLS: Final = {"net/ipv4/ip_forward": "1", "net/bridge/bridge-nf-call-iptables": "1"}


def plug_in(namespace_pid: int) -> None:
    """On the host: the cable into the namespace of that process, and the ways through it."""
    _ip("link", "add", HOST_LINK, "type", "veth", "peer", NODE, "netns", str(namespace_pid))
    _ip("addr", "add", f"{HOST_ADDRESS}/{LINK_BITS}", "dev", HOST_LINK)
    _ip("link", "set", HOST_LINK, "up")
    for network in (PODS, SERVICES):
        _ip("route", "replace", str(network), "via", str(NODE_ADDRESS), "dev", HOST_LINK)


def unplug() -> None:
    """Also what an earlier cluster has left. It went with its namespace, or is about to."""
    subprocess.run(["ip", "link", "del", HOST_LINK], capture_output=True, check=False)


def set_up_node() -> None:
    """In the namespace: the other end."""
    _wait_for_cable()
    _ip("link", "set", "lo", "up")
    _ip("addr", "add", f"{NODE_ADDRESS}/{LINK_BITS}", "dev", NODE)
    _ip("link", "set", NODE, "up")
    for name, value in _NODE_SYSCTLS.items():
        _set(name, value)


def _wait_for_cable() -> None:
    until = time.monotonic() + CABLE_SECONDS
    while subprocess.run(["ip", "link", "show", NODE], capture_output=True, check=False).returncode:
        if time.monotonic() > until:
            raise ClusterError(f"{NODE} was not plugged in within {CABLE_SECONDS:g} s")
        time.sleep(0.02)


def _set(name: str, value: str) -> None:
    """br_netfilter may be absent: then traffic of a bridge does not pass iptables anyway."""
    path = Path("/proc/sys") / name
    if path.exists():
        path.write_text(value, encoding="ascii")


def _ip(*words: str) -> None:
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ClusterError(f"ip {' '.join(words)}: {done.stderr.strip()}")
