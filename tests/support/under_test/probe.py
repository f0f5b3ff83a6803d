"""One execution that is looked at, to find out what executions are like in this cluster."""

import json
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ccx_api.names import AGENT_CONTAINER, RUNNER_PYZ
from support.kubectl import Kubectl, Object, an_execution
from support.under_test.ability import Ability

NAME = "probe"
START_SECONDS = 90
LOOK = """
import json, os, pathlib, shutil
init = pathlib.Path("/proc/1/cmdline").read_text().split("\\0")
print(json.dumps({"uid": os.getuid(), "init": init, "claude": shutil.which("claude")}))
"""


@dataclass(frozen=True, slots=True)
class Probe:
    execution: Object
    mark: str
    """In the command line of its process."""

    image: str
    """Of the agent's container."""

    containers: Ability[int]
    """Pods are real containers: the uid in them."""

    claude: Ability[str]


@contextmanager
def running_probe(kubectl: Kubectl) -> Iterator[Probe]:
    mark = f"ccx-probe-{uuid.uuid4().hex}"
    kubectl.apply(an_execution(NAME, command=["sh", "-c", f"sleep 600; : {mark}"]))
    execution = kubectl.wait_for_process(NAME, seconds=START_SECONDS)
    pod = kubectl.get("pod", execution["status"]["podName"])
    (agent,) = pod["spec"]["containers"]
    name = pod["metadata"]["name"]
    seen = json.loads(kubectl("exec", name, "-c", AGENT_CONTAINER, "--", "python3", "-c", LOOK))
    try:
        yield Probe(execution, mark, agent["image"], _containers(seen), _claude(seen))
    finally:
        kubectl("delete", "cx", NAME, "--wait=false")


def _containers(seen: Object) -> Ability[int]:
    if RUNNER_PYZ not in seen["init"]:
        return Ability("the runner is not PID 1: pods are no containers here")
    uid = seen["uid"]
    return Ability(f"real ones: the runner is PID 1, uid {uid}", uid)


def _claude(seen: Object) -> Ability[str]:
    if seen["claude"] is None:
        return Ability("the runtime image holds no `claude`: make images, or make test, install it")
    return Ability("in the agent's container", seen["claude"])
