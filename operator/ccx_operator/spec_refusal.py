"""What of a spec is refused before a pod is made for it, with the field's path. Pure."""

from collections.abc import Iterator

from ccx_api.v1alpha1 import ClaudeExecution
from ccx_operator.pod_template import template_refusal


def refusal(execution: ClaudeExecution) -> str:
    """The first thing that is refused, or nothing."""
    return next(_refusals(execution), "")


def _refusals(execution: ClaudeExecution) -> Iterator[str]:
    spec = execution.spec
    yield from _flags(spec.allowed_tools, "spec.allowedTools", "a tool's name, such as Read")
    yield from _flags(spec.disallowed_tools, "spec.disallowedTools", "a tool's name, such as Bash")
    yield from _flags((spec.model or "",), "spec.model", "a model's name")
    if spec.pod_template is not None:
        yield template_refusal(spec.pod_template)


def _flags(words: tuple[str, ...] | None, path: str, right: str) -> Iterator[str]:
    """A word that starts with a dash would be read as an option of the command line."""
    for index, word in enumerate(words or ()):
        if word.startswith("-"):
            where = path if path.endswith("model") else f"{path}[{index}]"
            yield f"{where}: must not start with '-': {right}"
