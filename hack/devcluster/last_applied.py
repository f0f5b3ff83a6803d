"""The annotation of kubectl's client-side apply, where it goes on on the server's side. Pure."""

from typing import Any, Final

import orjson

from devcluster.history import Object

ANNOTATION: Final = "kubectl.kubernetes.io/last-applied-configuration"
MANAGER: Final = "kubectl"
"""The default manager of kubectl's server-side apply: for others the server does nothing."""


def last_applied(live: Object | None) -> Object | None:
    """What was applied last on the client's side."""
    text = _annotations(live or {}).get(ANNOTATION)
    if text is None:
        return None
    try:
        found: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def with_annotation(obj: Object, config: Object) -> Object:
    """The annotation tells of this apply, for a kubectl that goes back to the client's side."""
    told = orjson.dumps(config, option=orjson.OPT_SORT_KEYS).decode() + "\n"
    annotations = {**_annotations(obj), ANNOTATION: told}
    return {**obj, "metadata": {**obj["metadata"], "annotations": annotations}}


def _annotations(obj: Object) -> dict[str, str]:
    return (obj.get("metadata") or {}).get("annotations") or {}
