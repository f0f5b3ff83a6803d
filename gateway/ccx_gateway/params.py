"""The parameters of each method, by name. What breaks a rule is told by field and rule."""

from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from ccx_api.v1alpha1 import RUN_CONTROL, ExecutionSpec
from ccx_gateway.errors import InvalidParams
from ccx_gateway.jsonrpc import Params
from ccx_gateway.output_mode import OutputMode
from ccx_gateway.view import LEAST_LINE, MOST_LINE, Encoding, View
from ccx_gateway.viewer import MAX_NOTIFICATION

TASKS: Final = ("command", "argv", "prompt", "promptFrom")
"""An execute names exactly one of these."""

NOT_A_CLIENTS: Final = frozenset({"command", "desiredState", "session", "requestedBy"})
"""Fields of the spec that an execute does not set: they are the gateway's, or control's."""

SPEC_FIELDS: Final = (
    frozenset(field.alias or name for name, field in ExecutionSpec.model_fields.items())
    - NOT_A_CLIENTS
)

CONFIGURABLE: Final = RUN_CONTROL - NOT_A_CLIENTS
"""What a configure changes: what may change at any time, and is no control's."""

MAX_CREDIT: Final = 1 << 40
_MODES: Final[dict[str, OutputMode]] = {"chunk": "chunks", "line": "lines"}
Name = Annotated[str, Field(max_length=253, pattern=r"^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$")]
Namespace = Annotated[str, Field(max_length=63, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")]
"""As the API server takes them: what is asked about in an access review and what stands in the
path of the request must be the same thing, and `..` is not."""


class ParamsModel(BaseModel):
    model_config = ConfigDict(
        alias_generator=to_camel, validate_by_alias=True, frozen=True, extra="forbid"
    )


class Output(ParamsModel):
    """How output is wanted. What is not said is as the connection has it."""

    credit: Annotated[int, Field(ge=0, le=MAX_CREDIT)] | None = None
    """Bytes of output to be sent before more are granted. Absent: all that there is."""

    mode: Literal["chunk", "line"] | None = None
    encoding: Encoding = "utf-8"
    max_line_bytes: Annotated[int, Field(ge=LEAST_LINE, le=MOST_LINE)] = MAX_NOTIFICATION

    @model_validator(mode="after")
    def _is_binary_in_chunks(self) -> Self:
        if self.mode == "line" and self.encoding == "base64":
            raise _rule("no_lines", "encoding: base64 has no lines, it goes with mode chunk")
        return self

    def view(self, default: OutputMode) -> View:
        mode = default if self.mode is None else _MODES[self.mode]
        if self.encoding == "base64":
            mode = "chunks"
        return View(self.credit, mode, self.encoding, self.max_line_bytes)


class Execute(Output):
    """The original's `command` and `timeout`, or `argv`, or a prompt; and the fields of the CRD."""

    model_config = ConfigDict(extra="allow")

    command: Annotated[str, Field(max_length=1_000_000)] | None = None
    """Split as a shell would, and never given to one."""

    argv: Annotated[tuple[str, ...], Field(min_length=1, max_length=256)] | None = None
    timeout: Annotated[int, Field(ge=1)] | None = None
    """Seconds that it may run: spec.activeDeadlineSeconds under the original's name."""

    id: Any = None
    """Sent by clients of the original; without a meaning there as well."""

    name: Name | None = None
    namespace: Namespace | None = None
    labels: Annotated[dict[str, str], Field(max_length=64)] = {}
    idempotency_key: Annotated[str, Field(min_length=1, max_length=256)] | None = None
    """The same key in the same namespace is the same execution: a retry starts nothing new."""

    @model_validator(mode="after")
    def _is_one_task_with_known_fields(self) -> Self:
        for field in self.spec_fields:
            if field == "requestedBy":
                raise _rule("forged", "requestedBy: is written by the gateway, from who you are")
            if field not in SPEC_FIELDS:
                raise _rule("unknown_field", f"{field[:64]}: no such parameter")
        if sum(self._has(task) for task in TASKS) != 1:
            raise _rule("one_task", f"name exactly one of {', '.join(TASKS)}")
        if self.timeout is not None and "activeDeadlineSeconds" in self.spec_fields:
            raise _rule("one_limit", "timeout: activeDeadlineSeconds says the same, name one")
        return self

    @property
    def spec_fields(self) -> dict[str, Any]:
        """What goes into the spec as it is."""
        return self.model_extra or {}

    def _has(self, task: str) -> bool:
        return getattr(self, task, None) is not None or self.spec_fields.get(task) is not None


class ControlType(StrEnum):
    PAUSE = "PAUSE"
    RESUME = "RESUME"
    CANCEL = "CANCEL"


class Target(ParamsModel):
    """Without a name: the one execution that runs in this session."""

    execution: Name | None = None
    namespace: Namespace | None = None


class Control(Target):
    type: ControlType


class Configure(Target):
    """Fields of the spec; null takes one away."""

    model_config = ConfigDict(extra="allow")

    @model_validator(mode="after")
    def _changes_what_may_change(self) -> Self:
        known = ", ".join(sorted(CONFIGURABLE))
        if not self.changes:
            raise _rule("no_change", f"name what to change: {known}")
        for field in self.changes:
            if field not in CONFIGURABLE:
                raise _rule("frozen", f"{field[:64]}: is not to be changed, these are: {known}")
        return self

    @property
    def changes(self) -> dict[str, Any]:
        return self.model_extra or {}


def _start(value: object) -> object:
    if value in ("start", "now") or (type(value) is int and value >= 0):
        return value
    raise _rule("no_start", 'from: must be an offset of 0 or more, "start" or "now"')


class Attach(Output):
    execution: Name
    namespace: Namespace | None = None
    begin: Annotated[int | str | None, BeforeValidator(_start), Field(alias="from")] = None
    offset: Annotated[int, Field(ge=0)] | None = None
    """What `from` was called at first."""

    attempt: Annotated[int, Field(ge=1)] | None = None
    """Whose output the offset counts. Absent: the first one's; the newest one's if it is 0."""

    session_id: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    """Take this session over: its executions are this socket's from now on."""

    @model_validator(mode="after")
    def _begins_at_one_place(self) -> Self:
        if self.begin is not None and self.offset is not None:
            raise _rule("one_start", "offset: from says the same, name one")
        return self

    @property
    def start(self) -> int | None:
        """An offset; None is now."""
        if self.begin == "now":
            return None
        return self.begin if isinstance(self.begin, int) else self.offset or 0


class Credit(Target):
    bytes: Annotated[int, Field(ge=1, le=MAX_CREDIT)]


class List(ParamsModel):
    namespace: Namespace | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    """The newest so many."""

    scope: Literal["session", "namespace"] = "namespace"


M = TypeVar("M", bound=ParamsModel)


def parse(model: type[M], params: Params) -> M:
    if isinstance(params, list):
        raise InvalidParams("params: give them by name, as an object")
    try:
        return model.model_validate(params)
    except ValidationError as exc:
        first = exc.errors(include_url=False)[0]
        if "rule" in first.get("ctx", {}):
            raise InvalidParams(first["ctx"]["rule"]) from None
        if first["type"] == "extra_forbidden":
            known = ", ".join(field.alias or name for name, field in model.model_fields.items())
            text = (
                f"{str(first['loc'][0])[:64]}: extra_forbidden: no such parameter, known: {known}"
            )
            raise InvalidParams(text) from None
        raise InvalidParams.from_validation(exc) from None


def _rule(kind: str, text: str) -> PydanticCustomError:
    """A rule over several fields: its text is ours, and fit for the client."""
    return PydanticCustomError(kind, "{rule}", {"rule": text})
