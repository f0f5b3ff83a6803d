import pytest

from ccx_gateway.access_rules import VERBS, needs
from ccx_gateway.methods import METHODS
from ccx_kube.reviews import Access


def test_every_method_has_its_rule() -> None:
    assert set(METHODS) == set(VERBS)


@pytest.mark.parametrize(
    ("method", "needed"),
    [
        ("execute", [Access("create", "ns")]),
        ("control", [Access("patch", "ns", "e1")]),
        ("configure", [Access("patch", "ns", "e1")]),
        ("attach", [Access("get", "ns", "e1")]),
        ("detach", []),
        ("credit", []),
        ("status", [Access("get", "ns", "e1")]),
        ("list", [Access("list", "ns")]),
    ],
)
def test_what_a_method_needs(method: str, needed: list[Access]) -> None:
    """create and list are of no execution by name, as for the API server."""
    assert needs(method, "ns", "e1") == tuple(needed)


@pytest.mark.parametrize("method", ["attach", "execute"])
def test_who_takes_over_must_be_allowed_to_see_and_to_write(method: str) -> None:
    needed = needs(method, "ns", "e1", takes_over=True)
    assert needed == (Access("get", "ns", "e1"), Access("patch", "ns", "e1"))


def test_an_access_names_verb_resource_and_namespace() -> None:
    words = 'patch claudeexecutions.cc-executor.dev "e1" in namespace "ns"'
    assert str(Access("patch", "ns", "e1")) == words
