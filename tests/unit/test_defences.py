import pytest

from ccx_runner.defences import comes_from_elsewhere

PARENTS = {1: 0, 7: 1, 8: 7, 20: 0, 21: 20, 30: 31, 31: 30}


@pytest.mark.parametrize(
    ("pid", "stranger"),
    [
        (20, True),  # started by kubectl exec, beside us
        (21, True),
        (7, False),
        (8, False),
        (1, False),
        (0, False),  # in another pid namespace
        (99, False),  # gone
        (30, False),  # a circle
    ],
)
def test_a_peer_is_a_stranger_if_its_ancestors_lead_past_us(pid: int, stranger: bool) -> None:
    assert comes_from_elsewhere(pid, 1, PARENTS.get) is stranger
