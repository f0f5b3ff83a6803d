"""The chart's roles against the API server's audit log of the e2e tests: each right is used, and no
call was denied. It runs right behind them: who is being uninstalled has no rights any more.
"""

import os
from pathlib import Path

import pytest

from manifests.chart import NAMESPACE, documents
from support.rights import Call, asked, denied, granted, unused

VARIABLE = "CCX_AUDIT_LOG"
ACCOUNTS = {"ccx-operator", "ccx-gateway"}
NEVER_USED = {
    "ccx-gateway: get pods/log": "for output that nobody has read while its runner was there",
    "ccx-operator: delete leases.coordination.k8s.io": "of a gateway that was killed",
    "ccx-gateway: create pods/exec": "newer API servers ask for it at a GET for a WebSocket",
    "ccx-operator: create pods/exec": "newer API servers ask for it at a GET for a WebSocket",
}
"""By these tests, with the reason why they are granted all the same."""


@pytest.fixture(scope="module")
def calls() -> set[Call]:
    given = os.environ.get(VARIABLE)
    if not given:
        pytest.skip(f"{VARIABLE} names no audit log of a cluster that has run the e2e tests")
    found: set[Call] = set()
    for path in Path(given).parent.glob(f"{Path(given).stem}*.log"):
        with path.open(encoding="utf-8") as lines:
            found |= asked(lines, NAMESPACE)
    assert {call.account for call in found} >= ACCOUNTS, f"{given}: our accounts are not in it"
    return found


def test_nothing_was_denied_to_our_accounts(calls: set[Call]) -> None:
    assert denied(call for call in calls if call.account in ACCOUNTS) == []


def test_every_right_is_used_or_stands_here_with_its_reason(calls: set[Call]) -> None:
    rights = {right for right in granted(documents()) if right.account in ACCOUNTS}
    assert set(unused(rights, calls)) <= NEVER_USED.keys()
