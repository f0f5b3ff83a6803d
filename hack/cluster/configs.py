"""Every configuration file of the cluster, as text. Pure.

files(places) -> path -> what is in it            JSON wherever YAML is read: it is YAML too
"""

import json
from pathlib import Path
from typing import Any, Final

from cluster.certificates import (
    ADMIN,
    CONTROLLER_MANAGER,
    KUBELET,
    PROXY,
    SCHEDULER,
    Identity,
)
from cluster.places import (
    API_URL,
    BRIDGE,
    CGROUP,
    CNI_PLUGINS,
    CONTAINERD_SOCKET,
    NODE,
    NODE_ADDRESS,
    PODS,
    Places,
)
from images import pause

Json = dict[str, Any]

_CONTAINERD: Final = """\
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  restrict_oom_score_adj = true  # small virtual machines lack CAP_SYS_RESOURCE
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "{config}/cni"
"""


def files(places: Places) -> dict[Path, str]:
    config = places.config
    users = (CONTROLLER_MANAGER, SCHEDULER, PROXY, KUBELET)
    of_users = {config / f"{who.name}.kubeconfig": _dump(kubeconfig(places, who)) for who in users}
    return {
        **of_users,
        places.kubeconfig: _dump(kubeconfig(places, ADMIN)),
        config / "audit.json": _dump(AUDIT),
        config / "admission.json": _dump(ADMISSION),
        config / "kubelet.json": _dump(_kubelet(places)),
        config / "kube-proxy.json": _dump(_proxy(places)),
        config / "cni/10-ccx.conflist": _dump(CNI),
        config / "resolv.conf": "# pods of this cluster have no names to look up\n",
        config / "containerd.toml": _CONTAINERD.format(
            socket=CONTAINERD_SOCKET, pause=pause.NAME, plugins=CNI_PLUGINS, config=config
        ),
    }


def kubeconfig(places: Places, who: Identity) -> Json:
    user = {
        "client-certificate": str(places.pki / f"{who.name}.crt"),
        "client-key": str(places.pki / f"{who.name}.key"),
    }
    cluster = {"server": API_URL, "certificate-authority": str(places.pki / "ca.crt")}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "ccx-cluster", "cluster": cluster}],
        "users": [{"name": who.name, "user": user}],
        "contexts": [
            {"name": "ccx-cluster", "context": {"cluster": "ccx-cluster", "user": who.name}}
        ],
        "current-context": "ccx-cluster",
    }


AUDIT: Final[Json] = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "userGroups": ["system:nodes"]},
        {"level": "None", "users": [who.user for who in (CONTROLLER_MANAGER, SCHEDULER, PROXY)]},
        {"level": "None", "nonResourceURLs": ["/healthz*", "/livez*", "/readyz*", "/version"]},
        {"level": "Metadata"},
    ],
}
"""Who did what, of everybody but the cluster itself; never a body, which may hold a prompt."""

ADMISSION: Final[Json] = {
    "apiVersion": "apiserver.config.k8s.io/v1",
    "kind": "AdmissionConfiguration",
    "plugins": [
        {
            "name": "PodSecurity",
            "configuration": {
                "apiVersion": "pod-security.admission.config.k8s.io/v1",
                "kind": "PodSecurityConfiguration",
                "defaults": {"enforce": "restricted", "enforce-version": "latest"},
                "exemptions": {"namespaces": ["kube-system"]},
            },
        }
    ],
}

CNI: Final[Json] = {
    "cniVersion": "0.4.0",
    "name": "ccx",
    "plugins": [
        {
            "type": "bridge",
            "bridge": BRIDGE,
            "isGateway": True,
            "hairpinMode": True,
            "ipam": {
                "type": "host-local",
                "ranges": [[{"subnet": str(PODS)}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        },
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ],
}


def _kubelet(places: Places) -> Json:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": str(NODE_ADDRESS),
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(places.pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(places.pki / "kubelet.crt"),
        "tlsPrivateKeyFile": str(places.pki / "kubelet.key"),
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{CGROUP}",
        "resolvConf": str(places.config / "resolv.conf"),
        "failSwapOn": False,
        "maxPods": 250,  # a few fewer than there are addresses
        "failCgroupV1": False,
        # The disk is the developer's: how full it is, is no concern of a pod under test.
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
    }


def _proxy(places: Places) -> Json:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(places.config / "kube-proxy.kubeconfig")},
        "mode": "iptables",
        "hostnameOverride": NODE,
        "clusterCIDR": str(PODS),
        # These sysctls belong to the machine, not to our network namespace.
        "conntrack": {"maxPerCore": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }


def _dump(content: Json) -> str:
    return json.dumps(content, indent=2) + "\n"
