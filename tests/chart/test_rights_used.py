"""The chart's roles against the API server's audit log of the tests on a real cluster: no call was
denied, and each right was used as rights.txt says. That the list has just the rights of the chart
is tests/unit/test_rights.py's.

It runs twice: behind the e2e tests, as operator and gateway have no rights any more while they are
uninstalled; and at the very end for the accounts of Helm's hooks, which those tests do not need.
"""

import os
from pathlib import Path

import pytest

from manifests.chart import NAMESPACE, documents, hooks
from support.rights import LIST, Call, asked, denied, granted, listed, otherwise_than_listed

VARIABLE = "CCX_AUDIT_LOG"
COMPONENTS = {"ccx-operator", "ccx-gateway"}
HOOKS = {"ccx-release-finalizers", "ccx-test"}


@pytest.fixture(scope="module")
def calls() -> set[Call]:
    given = os.environ.get(VARIABLE)
    if not given:
        pytest.skip(f"{VARIABLE} names no audit log of a cluster that has run the e2e tests")
    found: set[Call] = set()
    for path in Path(given).parent.glob(f"{Path(given).stem}*.log"):
        with path.open(encoding="utf-8") as lines:
            found |= asked(lines, NAMESPACE)
    assert {call.account for call in found} >= COMPONENTS, f"{given}: our accounts are not in it"
    return found


def otherwise(accounts: set[str], calls: set[Call]) -> list[str]:
    rights = granted([*documents(), *hooks()])
    ours = {right for right in rights if right.account in accounts}
    return otherwise_than_listed(listed(LIST.read_text(encoding="utf-8")), ours, calls)


def test_nothing_was_denied_to_operator_and_gateway(calls: set[Call]) -> None:
    assert denied(call for call in calls if call.account in COMPONENTS) == []


def test_each_right_of_operator_and_gateway_was_used_as_listed(calls: set[Call]) -> None:
    assert otherwise(COMPONENTS, calls) == []


def test_the_hooks_were_denied_nothing_and_used_their_rights_as_listed(calls: set[Call]) -> None:
    hooked = {call for call in calls if call.account in HOOKS}
    if {call.account for call in hooked} != HOOKS:
        pytest.skip("Helm's hooks have not run: that is tests/chart/test_release.py's")
    assert denied(hooked) == []
    assert otherwise(HOOKS, calls) == []
