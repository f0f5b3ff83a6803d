from hypothesis import given
from hypothesis import strategies as st

from ccx_gateway.held_sessions import HeldSessions

E1, E2 = ("ns", "e1"), ("ns", "e2")


def a_session(*executions: tuple[str, str]) -> HeldSessions:
    """s, of the socket of that name."""
    held = HeldSessions()
    held.joined("s", "s")
    for execution in executions:
        held.add("s", execution)
    return held


def test_a_session_is_due_a_while_after_its_client_has_left() -> None:
    held = a_session(E1)
    held.left("s", "s", 10)
    assert (held.due(9.9), held.due(10), held.next_due()) == ((), ("s",), 10)
    assert held.executions("s") == (E1,)


def test_a_client_that_is_back_in_time_keeps_its_session() -> None:
    held = a_session(E1)
    held.left("s", "s", 10)
    assert held.joined("s", "new")
    assert (held.due(99), held.next_due()) == ((), None)


def test_the_end_of_an_old_socket_does_not_end_what_a_new_one_has_taken_over() -> None:
    held = a_session(E1)
    assert held.joined("s", "new")
    assert not held.joined("s", "new")
    held.left("s", "s", 10)
    assert held.due(99) == ()
    held.left("s", "new", 20)
    assert held.due(99) == ("s",)


def test_a_session_without_executions_is_not_held() -> None:
    held = a_session(E1, E2)
    held.ended(E1)
    assert len(held) == 1
    held.ended(E2)
    assert len(held) == 0
    held.left("s", "s", 10)
    assert held.next_due() is None


def test_an_execution_is_added_once() -> None:
    held = a_session()
    assert [held.add("s", E1), held.add("s", E1)] == [True, False]
    assert held.executions("s") == (E1,)


def test_a_try_that_failed_is_made_later_unless_the_client_is_back() -> None:
    held = a_session(E1)
    held.postponed("s", 5)
    assert held.next_due() is None
    held.left("s", "s", 10)
    held.postponed("s", 12)
    assert held.next_due() == 12


sockets = st.sampled_from(["s", "t"])
steps = st.tuples(st.sampled_from(["join", "leave", "add", "end", "drop"]), sockets)


@given(st.lists(steps, max_size=40))
def test_a_session_is_due_exactly_while_it_has_lost_its_last_socket(
    steps: list[tuple[str, str]],
) -> None:
    held, connected, left = HeldSessions(), set[str](), False
    for what, socket in steps:
        if what == "join":
            held.joined("s", socket)
            connected.add(socket)
            left = False
        elif what == "leave" and len(held):
            held.left("s", socket, 1)
            connected.discard(socket)
            left = not connected
        elif what == "add" and len(held):
            held.add("s", E1)
        elif what == "end":
            held.ended(E1)
        elif what == "drop":
            held.dropped("s")
        if not len(held):
            connected, left = set(), False
        assert held.due(1) == (("s",) if left else ())
