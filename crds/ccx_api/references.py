"""Environment variables and references to other objects: the core/v1 shapes, by the same names."""

from typing import Annotated

from pydantic import ConfigDict, Field

from ccx_api.model import INT_OR_STRING, ApiModel, rules

Name = Annotated[str, Field(min_length=1, max_length=253)]


class KeyRef(ApiModel):
    """One key of a Secret or ConfigMap in the execution's namespace."""

    name: Name
    key: Name
    optional: bool = False


class FieldRef(ApiModel):
    field_path: Annotated[str, Field(min_length=1, max_length=256)]
    """A field of the pod, such as metadata.name."""


class PromptSource(ApiModel):
    """Where the prompt is kept. Exactly one of the two."""

    config_map_key_ref: KeyRef | None = None
    secret_key_ref: KeyRef | None = None

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "has(self.configMapKeyRef) != has(self.secretKeyRef)",
                "name exactly one of configMapKeyRef and secretKeyRef",
            )
        )
    )


class EnvVarSource(ApiModel):
    """Exactly one of the three."""

    secret_key_ref: KeyRef | None = None
    config_map_key_ref: KeyRef | None = None
    field_ref: FieldRef | None = None

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "[has(self.secretKeyRef), has(self.configMapKeyRef), has(self.fieldRef)]"
                ".filter(x, x).size() == 1",
                "name exactly one of secretKeyRef, configMapKeyRef and fieldRef",
            )
        )
    )


class EnvVar(ApiModel):
    name: Annotated[str, Field(min_length=1, max_length=256, pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$")]
    value: Annotated[str | None, Field(max_length=65_536)] = None
    value_from: EnvVarSource | None = None

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "!has(self.value) || !has(self.valueFrom)",
                "name a value or a valueFrom, not both",
            ),
            (
                "!self.name.startsWith('CCX_')",
                "names that start with CCX_ are the runner's own: choose another name",
            ),
        )
    )


class ObjectRef(ApiModel):
    name: Name


class OptionalObjectRef(ApiModel):
    name: Name
    optional: bool = False


class EnvFromSource(ApiModel):
    """All keys of a Secret or a ConfigMap as variables."""

    prefix: Annotated[str | None, Field(max_length=64)] = None
    secret_ref: OptionalObjectRef | None = None
    config_map_ref: OptionalObjectRef | None = None

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "has(self.secretRef) != has(self.configMapRef)",
                "name exactly one of secretRef and configMapRef",
            ),
            (
                "!has(self.prefix) || !self.prefix.startsWith('CCX_')",
                "a prefix that starts with CCX_ is the runner's own: choose another",
            ),
        )
    )


class Credentials(ApiModel):
    """How Claude Code signs in."""

    secret_ref: ObjectRef
    """A Secret with ANTHROPIC_API_KEY or CLAUDE_CODE_OAUTH_TOKEN, each key an env variable."""


Quantity = Annotated[int | str, INT_OR_STRING]


class ResourceRequirements(ApiModel):
    """Requests and limits of the agent's container."""

    limits: Annotated[dict[str, Quantity] | None, Field(max_length=16)] = None
    requests: Annotated[dict[str, Quantity] | None, Field(max_length=16)] = None
