"""All examples of the JSON-RPC 2.0 specification, and what it says without one."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ccx_gateway.dispatch import Done, answer
from ccx_gateway.errors import InvalidParams, MethodNotFound
from ccx_gateway.jsonrpc import MAX_BATCH, Invalid, Params, Request, read

SUM = [{"jsonrpc": "2.0", "method": "sum", "params": [1, 2, 4], "id": "1"}]


async def the_methods_of_the_examples(method: str, params: Params) -> Done:
    match method, params:
        case "subtract", [int(a), int(b)]:
            return Done(a - b)
        case "subtract", {"minuend": a, "subtrahend": b}:
            return Done(a - b)
        case "sum", list():
            return Done(sum(params))
        case "get_data", _:
            return Done(["hello", 5])
        case (("update" | "notify_hello" | "notify_sum"), _):
            return Done(None)
        case "breaks", _:
            raise RuntimeError("s3cr3t")
        case "refuses", _:
            raise InvalidParams("timeout: int_parsing")
    raise MethodNotFound(f"Unknown method: {method}")


async def answers_to(frame: str | bytes) -> list[Any]:
    sent: list[Any] = []

    async def send(message: bytes) -> None:
        sent.append(json.loads(message))

    await answer(frame, the_methods_of_the_examples, send)
    return sent


def outcome(response: Any) -> tuple[Any, Any]:
    """The result or the code, and the id."""
    assert response["jsonrpc"] == "2.0"
    assert ("result" in response) != ("error" in response)
    found = response["result"] if "result" in response else response["error"]["code"]
    return found, response["id"]


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        ('{"jsonrpc":"2.0","method":"subtract","params":[42,23],"id":1}', (19, 1)),
        ('{"jsonrpc":"2.0","method":"subtract","params":[23,42],"id":2}', (-19, 2)),
        (
            '{"jsonrpc":"2.0","method":"subtract","params":{"subtrahend":23,"minuend":42},"id":3}',
            (19, 3),
        ),
        (
            '{"jsonrpc":"2.0","method":"subtract","params":{"minuend":42,"subtrahend":23},"id":4}',
            (19, 4),
        ),
        ('{"jsonrpc":"2.0","method":"foobar","id":"1"}', (-32601, "1")),
        ('{"jsonrpc":"2.0","method":"foobar,"params":"bar","baz]', (-32700, None)),
        ('{"jsonrpc":"2.0","method":1,"params":"bar"}', (-32600, None)),
        ('[{"jsonrpc":"2.0","method":"sum","params":[1,2,4],"id":"1"},{"jsonrpc"', (-32700, None)),
        ("[]", (-32600, None)),
    ],
)
async def test_the_examples_of_one_response(frame: str, expected: tuple[Any, Any]) -> None:
    assert [outcome(response) for response in await answers_to(frame)] == [expected]


@pytest.mark.parametrize(
    "frame",
    [
        '{"jsonrpc":"2.0","method":"update","params":[1,2,3,4,5]}',
        '{"jsonrpc":"2.0","method":"foobar"}',
        """[{"jsonrpc":"2.0","method":"notify_sum","params":[1,2,4]},
            {"jsonrpc":"2.0","method":"notify_hello","params":[7]}]""",
    ],
)
async def test_a_notification_is_not_answered_whatever_comes_of_it(frame: str) -> None:
    assert await answers_to(frame) == []


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        ("[1]", [(-32600, None)]),
        ("[1,2,3]", [(-32600, None)] * 3),
        (
            """[{"jsonrpc":"2.0","method":"sum","params":[1,2,4],"id":"1"},
                {"jsonrpc":"2.0","method":"notify_hello","params":[7]},
                {"jsonrpc":"2.0","method":"subtract","params":[42,23],"id":"2"},
                {"foo":"boo"},
                {"jsonrpc":"2.0","method":"foo.get","params":{"name":"myself"},"id":"5"},
                {"jsonrpc":"2.0","method":"get_data","id":"9"}]""",
            [(7, "1"), (19, "2"), (-32600, None), (-32601, "5"), (["hello", 5], "9")],
        ),
    ],
)
async def test_the_examples_of_batches(frame: str, expected: list[tuple[Any, Any]]) -> None:
    (responses,) = await answers_to(frame)
    assert [outcome(response) for response in responses] == expected


@pytest.mark.parametrize(
    ("call", "code", "answered_id"),
    [
        ({"jsonrpc": "1.0", "method": "sum", "id": 1}, -32600, 1),
        ({"method": "sum", "id": 1}, -32600, 1),
        ({"jsonrpc": "2.0", "method": "sum", "params": "x", "id": 1}, -32600, 1),
        ({"jsonrpc": "2.0", "method": "sum", "params": None, "id": 1}, -32600, 1),
        ({"jsonrpc": "2.0", "method": "sum", "id": [1]}, -32600, None),
        ({"jsonrpc": "2.0", "method": "sum", "id": True}, -32600, None),
        ({"jsonrpc": "2.0", "result": 1, "id": 1}, -32600, 1),
        ({"jsonrpc": "2.0", "method": "refuses", "id": None}, -32602, None),
        ({"jsonrpc": "2.0", "method": "breaks", "id": 1.5}, -32603, 1.5),
    ],
)
async def test_what_is_wrong_with_a_call_has_its_code(
    call: dict[str, Any], code: int, answered_id: Any
) -> None:
    (response,) = await answers_to(json.dumps(call))
    assert outcome(response) == (code, answered_id)
    assert "s3cr3t" not in json.dumps(response)


async def test_a_batch_has_a_bound() -> None:
    (responses,) = await answers_to(json.dumps(SUM * MAX_BATCH))
    assert len(responses) == MAX_BATCH
    (refused,) = await answers_to(json.dumps(SUM * (MAX_BATCH + 1)))
    assert outcome(refused) == (-32600, None)


async def test_what_follows_a_response_comes_after_it() -> None:
    order: list[str] = []

    async def carry_out(_method: str, _params: Params) -> Done:
        async def then() -> None:
            order.append("then")

        return Done(1, then)

    async def send(_message: bytes) -> None:
        order.append("response")

    await answer(json.dumps([*SUM, *SUM]), carry_out, send)
    assert order == ["response", "then", "then"]


@pytest.mark.parametrize("frame", ["[" * 100_000, b"\xff\xfe", "", '"\\ud800"', "nul"])
def test_what_is_no_json_is_a_parse_error(frame: str | bytes) -> None:
    found = read(frame)
    assert isinstance(found, Invalid)
    assert found.error.code == -32700


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_whatever_json_comes_it_is_read(value: Any) -> None:
    read(json.dumps(value))


@given(
    st.text(),
    st.none() | st.text() | st.integers(-(2**53), 2**53),
    st.lists(st.integers(0, 9)) | st.dictionaries(st.text(), st.integers(0, 9)),
)
def test_a_request_is_read_as_it_was_written(method: str, request_id: Any, params: Any) -> None:
    call = {"jsonrpc": "2.0", "method": method, "params": params, "id": request_id}
    assert read(json.dumps(call)) == Request(method, params, request_id)
