"""The cluster's certificates: one authority, and one certificate for everybody who has a name.

openssl makes them: `IDENTITIES` -> pki/NAME.crt, pki/NAME.key, and the key of service accounts.
"""

import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cluster.places import API_SERVICE, NODE, NODE_ADDRESS

DAYS: Final = "3650"
_KEY: Final = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@dataclass(frozen=True, slots=True)
class Identity:
    name: str
    user: str
    group: str = ""
    hosts: tuple[str, ...] = ()
    """Where it serves, as subjectAltName; empty: it is a client only."""

    @property
    def subject(self) -> str:
        return f"/O={self.group}/CN={self.user}" if self.group else f"/CN={self.user}"


ADMIN: Final = Identity("admin", "ccx-admin", "system:masters")
CONTROLLER_MANAGER: Final = Identity("kube-controller-manager", "system:kube-controller-manager")
SCHEDULER: Final = Identity("kube-scheduler", "system:kube-scheduler")
PROXY: Final = Identity("kube-proxy", "system:kube-proxy")
KUBELET: Final = Identity(
    "kubelet", f"system:node:{NODE}", "system:nodes", (f"DNS:{NODE}", f"IP:{NODE_ADDRESS}")
)
API_SERVER: Final = Identity(
    "kube-apiserver",
    "kube-apiserver",
    "",
    (
        "DNS:kubernetes",
        "DNS:kubernetes.default",
        "DNS:kubernetes.default.svc",
        "DNS:localhost",
        "IP:127.0.0.1",
        f"IP:{NODE_ADDRESS}",
        f"IP:{API_SERVICE}",
    ),
)
KUBELET_CLIENT: Final = Identity("kubelet-client", "kube-apiserver-kubelet", "system:masters")
IDENTITIES: Final = (
    ADMIN,
    CONTROLLER_MANAGER,
    SCHEDULER,
    PROXY,
    KUBELET,
    API_SERVER,
    KUBELET_CLIENT,
)


def make(pki: Path) -> None:
    """What is missing of them; a second call changes nothing."""
    if (pki / "complete").exists():
        return
    pki.mkdir(parents=True, exist_ok=True, mode=0o700)
    for argv in commands(pki):
        subprocess.run(argv, check=True, capture_output=True)
    (pki / "complete").touch()


def commands(pki: Path) -> Iterator[Sequence[str]]:
    authority = ("-CA", str(pki / "ca.crt"), "-CAkey", str(pki / "ca.key"))
    yield _certificate(pki, "ca", "/CN=ccx-cluster", ("basicConstraints=critical,CA:TRUE",), ())
    for who in IDENTITIES:
        extensions = ["extendedKeyUsage=clientAuth,serverAuth"]
        if who.hosts:
            extensions.append(f"subjectAltName={','.join(who.hosts)}")
        yield _certificate(pki, who.name, who.subject, extensions, authority)
    key = str(pki / "service-accounts.key")
    yield ("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", key)
    public = str(pki / "service-accounts.pub")
    yield ("openssl", "ec", "-in", key, "-pubout", "-out", public)


def _certificate(
    pki: Path, name: str, subject: str, extensions: Sequence[str], authority: Sequence[str]
) -> Sequence[str]:
    words = ["openssl", "req", "-x509", *_KEY, "-days", DAYS, "-subj", subject, *authority]
    words += ["-keyout", str(pki / f"{name}.key"), "-out", str(pki / f"{name}.crt")]
    for extension in extensions:
        words += ["-addext", extension]
    return words
