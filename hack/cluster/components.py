"""The programs that make the cluster, in the order in which they start. Pure.

components(places) -> Component: argv, and the URL that says when it is ready
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cluster.places import (
    API_PORT,
    NODE,
    NODE_ADDRESS,
    PODS,
    SERVICES,
    Places,
)

ETCD_URL: Final = "http://127.0.0.1:2379"
ISSUER: Final = "https://kubernetes.default.svc"


@dataclass(frozen=True, slots=True)
class Component:
    name: str
    argv: tuple[str, ...]


def components(places: Places) -> tuple[Component, ...]:
    programs, config = places.programs, places.config
    return (
        _component(
            str(programs / "etcd"),
            {
                "name": NODE,
                "data-dir": str(places.etcd_data),
                "listen-client-urls": ETCD_URL,
                "advertise-client-urls": ETCD_URL,
                "listen-peer-urls": "http://127.0.0.1:2380",
                "log-level": "warn",
                # Its data is for one start of the cluster: only a power failure would lose it.
                "unsafe-no-fsync": "true",
            },
        ),
        _component("containerd", {"config": str(config / "containerd.toml"), "log-level": "warn"}),
        _component(str(programs / "kube-apiserver"), _api_server(places)),
        _component(str(programs / "kube-controller-manager"), _controller_manager(places)),
        _component(
            str(programs / "kube-scheduler"),
            {"kubeconfig": str(config / "kube-scheduler.kubeconfig"), "leader-elect": "false"},
        ),
        _component(
            str(programs / "kubelet"),
            {
                "config": str(config / "kubelet.json"),
                "kubeconfig": str(config / "kubelet.kubeconfig"),
                "hostname-override": NODE,
                "node-ip": str(NODE_ADDRESS),
            },
        ),
        _component(
            str(programs / "kube-proxy"),
            {"config": str(config / "kube-proxy.json")},
        ),
    )


def _component(program: str, flags: Mapping[str, str]) -> Component:
    words = (f"--{flag}={value}" for flag, value in flags.items())
    return Component(program.rpartition("/")[2], (program, *words))


def _api_server(places: Places) -> Mapping[str, str]:
    pki = places.pki
    return {
        "etcd-servers": ETCD_URL,
        "advertise-address": str(NODE_ADDRESS),
        "secure-port": str(API_PORT),
        "service-cluster-ip-range": str(SERVICES),
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "admission-control-config-file": str(places.config / "admission.json"),
        "audit-policy-file": str(places.config / "audit.json"),
        "audit-log-path": str(places.audit),
        "audit-log-maxsize": "200",
        "audit-log-maxbackup": "1",
        "client-ca-file": str(pki / "ca.crt"),
        "tls-cert-file": str(pki / "kube-apiserver.crt"),
        "tls-private-key-file": str(pki / "kube-apiserver.key"),
        "kubelet-certificate-authority": str(pki / "ca.crt"),
        "kubelet-client-certificate": str(pki / "kubelet-client.crt"),
        "kubelet-client-key": str(pki / "kubelet-client.key"),
        "kubelet-preferred-address-types": "InternalIP",
        "service-account-issuer": ISSUER,
        "service-account-key-file": str(pki / "service-accounts.pub"),
        "service-account-signing-key-file": str(pki / "service-accounts.key"),
    }


def _controller_manager(places: Places) -> Mapping[str, str]:
    kubeconfig = str(places.config / "kube-controller-manager.kubeconfig")
    return {
        "kubeconfig": kubeconfig,
        "authentication-kubeconfig": kubeconfig,
        "authorization-kubeconfig": kubeconfig,
        "use-service-account-credentials": "true",
        "service-account-private-key-file": str(places.pki / "service-accounts.key"),
        "root-ca-file": str(places.pki / "ca.crt"),
        "cluster-cidr": str(PODS),
        "leader-elect": "false",
    }
