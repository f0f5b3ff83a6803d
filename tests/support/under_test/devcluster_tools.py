"""Counts of requests and injected faults, where the API server under test offers them."""

import json
import urllib.request
from typing import Any

from support.kubectl import Kubectl
from support.under_test.ability import Ability

PATH = "/devcluster"
SECONDS = 10


class Requests:
    def __init__(self, url: str) -> None:
        self._url = url

    def operators_writes(self) -> int:
        """How many requests have changed something; kubectl's creations are left out."""
        with urllib.request.urlopen(f"{self._url}/requests", timeout=SECONDS) as answer:
            counts = json.load(answer)["requests"]
        return sum(
            entry["count"]
            for entry in counts
            if entry["verb"] in ("create", "update", "patch", "delete")
            and (entry["verb"], entry["resource"]) != ("create", "claudeexecutions.cc-executor.dev")
        )


class Faults:
    def __init__(self, url: str) -> None:
        self._url = url

    def add(self, **fault: Any) -> None:
        request = urllib.request.Request(
            f"{self._url}/faults",
            data=json.dumps(fault).encode(),
            headers={"content-type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=SECONDS).close()


def find_tools(kubectl: Kubectl) -> tuple[Ability[Requests], Ability[Faults]]:
    """By asking the server for them."""
    if kubectl.run("get", "--raw", f"{PATH}/requests").returncode != 0:
        missing = f"the API server has no {PATH}"
        return Ability(f"{missing}/requests"), Ability(f"{missing}/faults")
    server = "jsonpath={.clusters[0].cluster.server}"
    url = kubectl("config", "view", "--minify", "-o", server) + PATH
    return Ability(f"{url}/requests", Requests(url)), Ability(f"{url}/faults", Faults(url))
