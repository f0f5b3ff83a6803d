"""Images, of which there are none: a name stands for one, and some names cannot be had. Pure."""

import hashlib


def pull_error(image: str) -> str | None:
    """Why the image cannot be had: a registry whose host ends in `.invalid` does not exist."""
    registry, _, repository = image.partition("/")
    host = registry.partition(":")[0]
    if not repository or not host.endswith(".invalid"):
        return None
    return (
        f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": '
        f'failed to do request: Head "https://{registry}/v2/": dial tcp: lookup {host}: '
        "no such host"
    )


def image_id(image: str) -> str:
    """Stable for a name, and shaped like a digest."""
    name = image.partition("@")[0]
    return f"{name}@sha256:{hashlib.sha256(image.encode()).hexdigest()}"
