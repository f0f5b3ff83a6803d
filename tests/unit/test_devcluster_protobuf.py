from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devcluster.apierrors import ApiError
from devcluster.protobuf import decode


def a_field(number: int, value: bytes) -> bytes:
    assert len(value) < 128
    return bytes([number << 3 | 2, len(value)]) + value


def a_body(kind: str, *fields: bytes) -> bytes:
    type_meta = a_field(1, b"v1") + a_field(2, kind.encode())
    return b"k8s\x00" + a_field(1, type_meta) + a_field(2, b"".join(fields))


def test_a_secret_is_read_as_its_json() -> None:
    metadata = a_field(1, b"name") + a_field(3, b"") + b"\x38\x00"
    entry = a_field(1, b"key") + a_field(2, b"value")
    body = a_body("Secret", a_field(1, metadata), a_field(2, entry), a_field(3, b"Opaque"))
    assert decode(body) == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "name"},
        "data": {"key": "dmFsdWU="},
        "type": "Opaque",
    }


def test_a_kind_that_is_not_known_is_told_how_to_come() -> None:
    with pytest.raises(ApiError, match="send JSON") as caught:
        decode(a_body("Pod"))
    assert caught.value.code == 415


@given(st.binary(max_size=60))
def test_no_body_does_worse_than_to_be_refused(raw: bytes) -> None:
    for body in (raw, b"k8s\x00" + raw, a_body("Secret", raw)):
        with suppress(ApiError):
            decode(body)
