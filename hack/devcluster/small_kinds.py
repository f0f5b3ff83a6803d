"""Leases, Events and Secrets: what the server fills in and refuses.

decoded object -> complete() -> check(). Pure.
"""

import base64
import binascii
import re
from typing import Any, Final

from devcluster import field_errors as errors
from devcluster.apierrors import FieldError, bad_request
from devcluster.history import Object

BLANK: Final[dict[str, Object]] = {
    "events": {
        "involvedObject": {},
        "source": {},
        "firstTimestamp": None,
        "lastTimestamp": None,
        "eventTime": None,
        "reportingComponent": "",
        "reportingInstance": "",
    },
    "leases.coordination.k8s.io": {"spec": {}},
    "pods": {"spec": {}, "status": {}},
}
"""Fields that every object of the kind has, whoever writes it: nobody owns their being there."""

_MICRO_TIME: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)"


def complete(key: str, obj: Object) -> None:
    """In place."""
    if key == "events":
        for name, value in BLANK[key].items():
            obj.setdefault(name, value)
    elif key == "secrets":
        _complete_secret(obj)


def check(key: str, obj: Object) -> list[FieldError]:
    match key:
        case "events":
            return _check_event(obj)
        case "leases.coordination.k8s.io":
            return _check_lease(obj.get("spec") or {})
    return []


def _complete_secret(secret: Object) -> None:
    secret.setdefault("type", "Opaque")
    for key, value in (secret.pop("stringData", None) or {}).items():
        data = secret.setdefault("data", {})
        data[key] = base64.b64encode(value.encode()).decode()
    for value in (secret.get("data") or {}).values():
        try:
            base64.b64decode(value, validate=True)
        except (binascii.Error, TypeError, ValueError) as error:
            words = 'Secret in version "v1" cannot be handled as a Secret: illegal base64 data'
            raise bad_request(words) from error


def _check_event(event: Object) -> list[FieldError]:
    about = (event.get("involvedObject") or {}).get("namespace", "")
    if about == event["metadata"].get("namespace", ""):
        return []
    words = "does not match event.namespace"
    return [errors.invalid("involvedObject.namespace", about, words)]


def _check_lease(spec: dict[str, Any]) -> list[FieldError]:
    for name in ("renewTime", "acquireTime"):
        if spec.get(name) is not None and not re.fullmatch(_MICRO_TIME, str(spec[name])):
            raise _no_lease(f'parsing time "{spec[name]}": it needs six digits of a second')
    found = []
    for name, least in (("leaseDurationSeconds", 1), ("leaseTransitions", 0)):
        value = spec.get(name)
        if value is None:
            continue
        if not isinstance(value, int):
            raise _no_lease(f"cannot unmarshal into Go struct field LeaseSpec.{name} of type int32")
        if value < least:
            words = "must be greater than 0" if least else "must be greater than or equal to 0"
            found.append(errors.invalid(f"spec.{name}", value, words))
    return found


def _no_lease(why: str) -> Exception:
    return bad_request(f'Lease in version "v1" cannot be handled as a Lease: {why}')
