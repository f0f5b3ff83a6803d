"""Injected faults, where the API server under test offers them."""

import json
import urllib.request
from typing import Any

from support.kubectl import Kubectl
from support.under_test.ability import Ability

PATH = "/devcluster"
SECONDS = 60


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


def find_faults(kubectl: Kubectl) -> Ability[Faults]:
    """By asking the server for them."""
    if kubectl.run("get", "--raw", f"{PATH}/faults").returncode != 0:
        return Ability(f"the API server has no {PATH}/faults")
    server = "jsonpath={.clusters[0].cluster.server}"
    url = kubectl("config", "view", "--minify", "-o", server) + PATH
    return Ability(f"{url}/faults", Faults(url))
