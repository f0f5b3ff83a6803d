"""What operator and gateway may run in pods: the link, in our container of our pods. No more."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest

from ccx_api.names import AGENT_CONTAINER, LINK_ARGV
from support.kubectl import Kubectl, a_pod_of_somebody, an_execution
from support.under_test.cluster import ClusterUnderTest

REFUSALS = [
    ("another program", {"command": ("id",)}),
    ("a shell", {"command": ("sh", "-c", " ".join(LINK_ARGV))}),
    ("the link with one word more", {"command": (*LINK_ARGV, "x")}),
    ("the link with one word less", {"command": LINK_ARGV[:-1]}),
    ("the runner's one-shot commands", {"command": ("python3", "/ccx/ccx-runner.pyz", "pause")}),
    ("another container", {"container": "side"}),
    ("no container by name", {"container": ""}),
    ("a terminal", {"tty": True}),
    ("a pod of somebody else", {"pod": "not-ours"}),
]
"""What it is -> how it differs from the link as operator and gateway open it."""


@dataclass(frozen=True, slots=True)
class Exec:
    pod: str
    command: tuple[str, ...] = LINK_ARGV
    container: str = AGENT_CONTAINER
    tty: bool = False

    def path(self, namespace: str | None) -> str:
        query = [("command", word) for word in self.command]
        query += [("stdin", "true"), ("stdout", "true")]
        query += [("container", self.container)] if self.container else []
        query += [("tty", "true")] if self.tty else []
        return f"/api/v1/namespaces/{namespace}/pods/{self.pod}/exec?{urlencode(query)}"


@pytest.fixture(scope="module")
def accounts(cluster: ClusterUnderTest) -> tuple[str, ...]:
    return cluster.accounts.need()


@pytest.fixture(scope="module")
def pod(cluster: ClusterUnderTest, accounts: tuple[str, ...]) -> Iterator[str]:
    """Of an execution with a container more, and beside it a pod that looks like it."""
    kubectl, image = cluster.kubectl, cluster.image
    side = a_pod_of_somebody("", image)["spec"]["containers"][0] | {"name": "side"}
    template = {"spec": {"containers": [side]}}
    kubectl.apply(
        a_pod_of_somebody("not-ours", image),
        an_execution("ours", command=["sleep", "600"], podTemplate=template),
    )
    yield kubectl.wait("ours", "Running")["status"]["podName"]
    kubectl("delete", "cx", "ours", "--wait=false")
    kubectl("delete", "pod", "not-ours", "--wait=false")


def answers(kubectl: Kubectl, wanted: Exec, account: str) -> list[str]:
    """What the API server says to it, by each of the verbs that a client may use.

    It is no upgrade to a stream: what is allowed gets no further than that.
    """
    path = wanted.path(kubectl.namespace)
    found = []
    for words in (("get", "--raw", path), ("create", "--raw", path, "-f", "-")):
        done = kubectl.run(*words, "--as", account, stdin="")
        assert done.returncode != 0
        found.append(done.stderr)
    return found


@pytest.mark.parametrize(("what", "difference"), REFUSALS, ids=[what for what, _ in REFUSALS])
def test_everything_but_the_link_is_refused(
    cluster: ClusterUnderTest,
    accounts: tuple[str, ...],
    pod: str,
    what: str,
    difference: dict[str, object],
) -> None:
    wanted = Exec(**{"pod": pod, **difference})  # type: ignore[arg-type]
    for account in accounts:
        for told in answers(cluster.kubectl, wanted, account):
            assert "ValidatingAdmissionPolicy" in told, told
            assert "denied request" in told, told


def test_the_link_is_let_through(
    cluster: ClusterUnderTest, accounts: tuple[str, ...], pod: str
) -> None:
    for account in accounts:
        for told in answers(cluster.kubectl, Exec(pod), account):
            assert "denied request" not in told
            assert "orbidden" not in told
            assert "pgrade" in told, told
        done = cluster.kubectl.run(
            *("exec", pod, "-i", "-c", AGENT_CONTAINER, "--as", account, "--", *LINK_ARGV), stdin=""
        )
        assert "denied request" not in done.stderr
        assert done.returncode == 0, done.stderr


def test_who_is_not_ours_is_not_concerned(cluster: ClusterUnderTest, pod: str) -> None:
    """People debug their pods with whatever they are allowed to."""
    assert cluster.kubectl("exec", pod, "-c", "side", "--", "echo", "here") == "here\n"
