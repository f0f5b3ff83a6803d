"""Where the workspace and the agent's home are kept."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from ccx_api.model import ApiModel, rules
from ccx_api.references import Name, Quantity


class VolumeClaimTemplate(ApiModel):
    """A claim that the operator makes before the first pod, and that goes with the execution."""

    storage: Quantity
    """How much is asked for, such as 10Gi."""

    storage_class_name: Annotated[str | None, Field(max_length=253)] = None
    """The cluster's default if absent."""

    access_modes: Annotated[
        tuple[Literal["ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"], ...] | None,
        Field(min_length=1, max_length=3),
    ] = None
    """ReadWriteOnce if absent."""


class Workspace(ApiModel):
    """On a claim, /workspace and the agent's home outlive the pod: an attempt after the first goes
    on with the conversation, and a running execution can be suspended. Without one, they do not.
    """

    volume_claim_name: Name | None = None
    """A claim that exists already. Its folders `workspace` and `home` are used."""

    volume_claim_template: VolumeClaimTemplate | None = None
    size_limit: Quantity | None = None
    """How much the workspace may hold where it is on no claim."""

    model_config = ConfigDict(
        json_schema_extra=rules(
            (
                "[has(self.volumeClaimName), has(self.volumeClaimTemplate), has(self.sizeLimit)]"
                ".filter(x, x).size() <= 1",
                "spec.workspace: name at most one of volumeClaimName, volumeClaimTemplate and "
                "sizeLimit",
            )
        )
    )

    @property
    def is_claimed(self) -> bool:
        return self.volume_claim_name is not None or self.volume_claim_template is not None
