"""The few built-in objects that kubectl creates in protobuf (`kubectl create secret ...`) as JSON.

body -> runtime.Unknown -> fields by the tables below -> JSON object. Pure.

Answers are always JSON, which every client accepts.
"""

import base64
from collections.abc import Iterator
from typing import Any, Final

from devcluster.apierrors import ApiError, bad_request
from devcluster.history import Object

MEDIA_TYPE: Final = "application/vnd.kubernetes.protobuf"
_MAGIC: Final = b"k8s\x00"

Message = dict[int, tuple[str, Any]]
"""Field number -> (JSON name, type): a type is one of these words, or another Message."""

_QUANTITY: Final = "quantity"
_META: Final[Message] = {
    1: ("name", "string"),
    2: ("generateName", "string"),
    3: ("namespace", "string"),
    11: ("labels", {"map": "string"}),
    12: ("annotations", {"map": "string"}),
    14: ("finalizers", {"list": "string"}),
}
KINDS: Final[dict[tuple[str, str], Message]] = {
    ("v1", "Namespace"): {1: ("metadata", _META)},
    ("v1", "ServiceAccount"): {1: ("metadata", _META)},
    ("v1", "ConfigMap"): {
        1: ("metadata", _META),
        2: ("data", {"map": "string"}),
        3: ("binaryData", {"map": "bytes"}),
        4: ("immutable", "bool"),
    },
    ("v1", "Secret"): {
        1: ("metadata", _META),
        2: ("data", {"map": "bytes"}),
        3: ("type", "string"),
        4: ("stringData", {"map": "string"}),
        5: ("immutable", "bool"),
    },
    ("v1", "ResourceQuota"): {
        1: ("metadata", _META),
        2: ("spec", {1: ("hard", {"map": _QUANTITY})}),
    },
}


def decode(body: bytes) -> Object:
    """400 for what is no protobuf, 415 for a kind that is not in the table."""
    if not body.startswith(_MAGIC):
        raise bad_request("the body of the request is not Kubernetes protobuf")
    try:
        unknown = dict(_fields(body[len(_MAGIC) :]))
        kind = {number: bytes(value).decode() for number, value in _fields(unknown[1])}
        message = KINDS.get((kind.get(1, ""), kind.get(2, "")))
        if message is None:
            words = f"{kind.get(2)} in protobuf: send JSON (kubectl create -f does)"
            raise ApiError(415, "UnsupportedMediaType", words)
        decoded = _message(unknown[2], message)
    except (IndexError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise bad_request("the protobuf of the request cannot be read") from error
    return {"apiVersion": kind[1], "kind": kind[2], **decoded}


def _message(raw: bytes, message: Message) -> Object:
    found: Object = {}
    for number, value in _fields(raw):
        if number not in message:
            continue
        name, kind = message[number]
        if isinstance(kind, dict) and "map" in kind:
            key, item = _entry(value, kind["map"])
            found.setdefault(name, {})[key] = item
        elif isinstance(kind, dict) and "list" in kind:
            found.setdefault(name, []).append(_scalar(value, kind["list"]))
        elif isinstance(kind, dict):
            found[name] = _message(value, kind)
        elif _scalar(value, kind):  # zero values are written, and mean absent
            found[name] = _scalar(value, kind)
    return found


def _entry(raw: bytes, kind: str) -> tuple[str, Any]:
    fields = dict(_fields(raw))
    return bytes(fields.get(1, b"")).decode(), _scalar(fields.get(2, b""), kind)


def _scalar(value: Any, kind: str) -> Any:
    if kind == "bytes":
        return base64.b64encode(value).decode()
    if kind == _QUANTITY:
        return bytes(dict(_fields(value)).get(1, b"")).decode()
    return bool(value) if kind == "bool" else bytes(value).decode()


def _fields(raw: bytes) -> Iterator[tuple[int, Any]]:
    position = 0
    while position < len(raw):
        tag, position = _varint(raw, position)
        if tag & 7 == 0:
            value, position = _varint(raw, position)
            yield tag >> 3, value
        elif tag & 7 == 2:
            length, position = _varint(raw, position)
            if position + length > len(raw):
                raise IndexError("cut off")
            yield tag >> 3, raw[position : position + length]
            position += length
        else:
            raise TypeError("a wire type that no table has")


def _varint(raw: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7
