"""The mistakes in one container of a pod, in the server's words. Pure."""

import re
from decimal import Decimal
from typing import Any, Final

from devcluster import field_errors as errors
from devcluster.apierrors import FieldError, bad_request
from devcluster.history import Object

LABEL: Final = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
LABEL_WORDS: Final = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and "
    "must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used "
    f"for validation is '{LABEL}')"
)
_QUANTITY: Final = r"^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"
_UNITS: Final = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    **{
        unit: Decimal(1000) ** power for power, unit in enumerate(("k", "M", "G", "T", "P", "E"), 1)
    },
    **{f"{unit}i": Decimal(1024) ** power for power, unit in enumerate("KMGTPE", 1)},
}
_CHOICES: Final = {
    "imagePullPolicy": ["Always", "IfNotPresent", "Never"],
    "terminationMessagePolicy": ["File", "FallbackToLogsOnError"],
}
_FIELDS: Final = (
    r"metadata\.(name|namespace|uid)|metadata\.(labels|annotations)\['[^']+'\]|"
    r"spec\.(nodeName|serviceAccountName)|status\.(podIPs?|hostIPs?)"
)


def check(container: Object, path: str, volumes: set[Any]) -> list[FieldError]:
    found = check_name(container, path)
    if not container.get("image"):
        found.append(errors.required(f"{path}.image"))
    for name, known in _CHOICES.items():
        if container[name] not in known:
            found.append(errors.not_supported(f"{path}.{name}", container[name], known))
    for index, port in enumerate(container.get("ports") or []):
        if not port.get("containerPort"):
            found.append(errors.required(f"{path}.ports[{index}].containerPort"))
    for index, env in enumerate(container.get("env") or []):
        found += _check_env(env, f"{path}.env[{index}]")
    for index, mount in enumerate(container.get("volumeMounts") or []):
        found += _check_mount(mount, f"{path}.volumeMounts[{index}]", volumes)
    return found + _check_resources(container.get("resources") or {}, f"{path}.resources")


def check_name(named: Object, path: str) -> list[FieldError]:
    name = named.get("name", "")
    if not name:
        return [errors.required(f"{path}.name")]
    if len(name) > 63 or not re.fullmatch(LABEL, name):
        return [errors.invalid(f"{path}.name", name, LABEL_WORDS)]
    return []


def _check_env(env: Object, path: str) -> list[FieldError]:
    if not env.get("name"):
        return [errors.required(f"{path}.name")]
    found, source = [], env.get("valueFrom") or {}
    if env.get("value") and source:
        words = "may not be specified when `value` is not empty"
        found.append(errors.invalid(f"{path}.valueFrom", "", words))
    field = (source.get("fieldRef") or {}).get("fieldPath")
    if field is not None and not re.fullmatch(_FIELDS, field):
        words = f"error converting fieldPath: field label not supported: {field}"
        found.append(errors.invalid(f"{path}.valueFrom.fieldRef.fieldPath", field, words))
    return found


def _check_mount(mount: Object, path: str, volumes: set[Any]) -> list[FieldError]:
    found = []
    if mount.get("name") not in volumes:
        shown = errors.quoted(mount.get("name", ""))
        found.append(FieldError(f"{path}.name", "FieldValueNotFound", f"Not found: {shown}"))
    if not mount.get("mountPath"):
        found.append(errors.required(f"{path}.mountPath"))
    return found


def _check_resources(resources: Object, path: str) -> list[FieldError]:
    limits = {name: _quantity(value) for name, value in (resources.get("limits") or {}).items()}
    found = []
    for name, value in (resources.get("requests") or {}).items():
        if (limit := limits.get(name)) is not None and _quantity(value) > limit:
            shown = resources["limits"][name]
            words = f"must be less than or equal to {name} limit of {shown}"
            found.append(errors.invalid(f"{path}.requests", str(value), words))
    return found


def _quantity(value: Any) -> Decimal:
    """400 as for any other text that is no pod."""
    number, unit = re.fullmatch(r"([+-]?[0-9.]*)(.*)", str(value), re.DOTALL).groups("")  # type: ignore[union-attr]
    try:
        if re.fullmatch(r"[eE][-+]?[0-9]+", unit):
            return Decimal(f"{number}{unit}")
        return Decimal(number) * _UNITS[unit]
    except (ArithmeticError, KeyError) as error:
        words = f"quantities must match the regular expression '{_QUANTITY}'"
        raise bad_request(f'Pod in version "v1" cannot be handled as a Pod: {words}') from error
