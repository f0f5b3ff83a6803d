"""What every pod of the node needs, in one value."""

from dataclasses import dataclass
from pathlib import Path

from devcluster.history import Object
from devcluster.kubelet.broadcast import Broadcast
from devcluster.kubelet.events import Events
from devcluster.kubelet.local_ports import LocalPorts
from devcluster.kubelet.lookup import Lookup
from devcluster.store import Store


@dataclass(frozen=True, slots=True)
class Services:
    store: Store
    events: Events
    ports: LocalPorts
    references: Broadcast
    """Fired when a Secret, ConfigMap or claim has changed."""

    root: Path
    path: tuple[str, ...]
    """Directories put first into PATH: what an image would hold."""

    @property
    def claims(self) -> Path:
        return self.root / "claims"

    def pod_home(self, uid: str) -> Path:
        """Short: what is below holds unix sockets, whose paths end at 107 bytes."""
        return self.root / uid.replace("-", "")[:12]

    def lookup(self, pod: Object) -> Lookup:
        namespace = pod["metadata"]["namespace"]
        return lambda resource, name: self.store.get(resource, namespace, name)
