import math

import pytest

from ccx_gateway.audit import Who
from ccx_gateway.caller import SignedOut
from ccx_gateway.errors import ClusterUnavailable, Forbidden
from ccx_gateway.permission import Permission
from ccx_kube.errors import Unreachable
from ccx_kube.reviews import Access
from support.access import SignIn

GET, PATCH = Access("get", "ns", "e1"), Access("patch", "ns", "e1")


def a_permission(sign_in: SignIn) -> tuple[Permission, list[float]]:
    """And what it tells of how long that is good for."""
    told: list[float] = []
    return Permission(sign_in.caller(), Who("s1", "::1", "alice"), told.append), told


def denials(caplog: pytest.LogCaptureFixture) -> list[dict[str, str]]:
    return [record.__dict__["audit"] for record in caplog.records]


async def test_what_is_let_through_is_good_until_the_first_of_its_answers_ends() -> None:
    sign_in = SignIn()
    sign_in.reviews.granted = {GET, PATCH}
    permission, told = a_permission(sign_in)
    await permission.need("attach", (GET,))
    sign_in.clock.now += 20
    await permission.need("attach", (GET, PATCH))
    assert told == [1060.0, 1060.0, 1060.0]


async def test_one_right_that_is_missing_denies_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    sign_in = SignIn()
    sign_in.reviews.granted = {GET}
    permission, _ = a_permission(sign_in)
    with pytest.raises(Forbidden, match="alice may not patch"):
        await permission.need("attach", (GET, PATCH))
    (denial,) = denials(caplog)
    expected = {"action": "attach", "outcome": "denied", "user": "alice", "verb": "patch"}
    assert expected.items() <= denial.items()


async def test_a_call_without_a_valid_token_ends_the_socket_too(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level("INFO")
    sign_in = SignIn()
    sign_in.reviews.known.clear()
    permission, told = a_permission(sign_in)
    with pytest.raises(SignedOut):
        await permission.check("credit")
    with pytest.raises(SignedOut):
        await permission.need("status", (GET,))
    assert told == [-math.inf, -math.inf]
    assert [denial["action"] for denial in denials(caplog)] == ["credit", "status"]


async def test_what_needs_no_right_goes_on_while_nobody_can_say() -> None:
    sign_in = SignIn()
    sign_in.reviews.failure = Unreachable("connection refused")
    permission, _ = a_permission(sign_in)
    await permission.check("credit")
    with pytest.raises(ClusterUnavailable):
        await permission.need("status", (GET,))
