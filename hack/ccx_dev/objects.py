"""Put into a fresh devcluster what a user would: the CRD and a Secret for Claude Code.

Plain HTTP of the standard library: devcluster asks for no sign-in, and kubectl may be missing.
"""

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any

from ccx_api.crd import crd
from ccx_api.names import GROUP, PLURAL, VERSION
from ccx_dev.child import StackError

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SECRETS = "/api/v1/namespaces/default/secrets"
SERVED_SECONDS = 10


def install(url: str, secret: str, values: Mapping[str, str]) -> None:
    """The CRD, served; and the Secret that examples name in spec.credentials."""
    _post(url + CRDS, crd())
    encoded = {name: base64.b64encode(value.encode()).decode() for name, value in values.items()}
    metadata = {"name": secret, "namespace": "default"}
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": encoded}
    _post(url + SECRETS, body)
    _wait_until_served(f"{url}/apis/{GROUP}/{VERSION}/namespaces/default/{PLURAL}")


def _post(url: str, body: Mapping[str, Any]) -> None:
    request = urllib.request.Request(
        url, data=json.dumps(body).encode(), headers={"content-type": "application/json"}
    )
    try:
        urllib.request.urlopen(request, timeout=10).close()
    except urllib.error.HTTPError as error:
        with error:
            if error.code != 409:  # there already: a kept data directory
                raise StackError(f"{url}: {error.code} {error.read().decode()}") from None


def _wait_until_served(url: str) -> None:
    deadline = time.monotonic() + SERVED_SECONDS
    while True:
        try:
            urllib.request.urlopen(url, timeout=10).close()
        except urllib.error.HTTPError as error:
            error.close()
            if time.monotonic() > deadline:
                raise StackError(f"{url} is not served: {error.code}") from None
            time.sleep(0.05)
        else:
            return
