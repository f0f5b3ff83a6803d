"""Leases, Events, Secrets and reviews: the small objects that operator and gateway write."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ccx_api.v1alpha1 import ClaudeExecution
from ccx_kube.claims import Claims
from ccx_kube.errors import ApiError
from ccx_kube.events import Events
from ccx_kube.leases import Lease, Leases, micro_time
from ccx_operator.events import transition_event
from ccx_operator.owner import controller_of
from ccx_operator.workspace import claim_body
from conformance.case import case
from conformance.cluster import Cluster

CLAIMED = {"volumeClaimTemplate": {"storage": "1Gi"}}
NOW = datetime(2026, 1, 1, 12, 0, 0, 250, tzinfo=UTC)


@case("lease.renew")
async def test_a_lease_is_made_renewed_and_removed_as_it_was_seen(cluster: Cluster) -> Any:
    leases, seen = Leases(cluster.session, cluster.namespace), []
    for later in (0, 5):
        await leases.renew(
            "gw",
            duration=timedelta(seconds=15),
            labels={"app": "x"},
            now=NOW + timedelta(seconds=later),
        )
        (found,) = await leases.list("app=x")
        seen.append(found)
    await leases.delete(seen[0])
    assert len(await leases.list("app=x")) == 1
    await leases.delete(seen[1])
    assert await leases.list("app=x") == ()
    await leases.remove("gw")
    assert seen[1].renewed == "2026-01-01T12:00:05.000250Z"
    return [[lease.name, lease.duration.total_seconds()] for lease in seen]


@case("lease.conflict")
async def test_of_two_that_take_a_lease_one_is_told_conflict(cluster: Cluster) -> Any:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{cluster.namespace}/leases"
    spec = {"holderIdentity": "a", "leaseDurationSeconds": 15}
    made = await cluster.create(path, {"metadata": {"name": "l"}, "spec": spec})
    version = {"resourceVersion": made["metadata"]["resourceVersion"]}
    seen = [
        (await cluster.merge(f"{path}/l", {"metadata": version, "spec": {"holderIdentity": who}}))
        for who in ("b", "c")
    ]
    again = await cluster.ask("POST", path, {"metadata": {"name": "l"}, "spec": spec})
    assert [answer.code for answer in seen] == [200, 409]
    return [answer.seen() for answer in (*seen, again)]


@case("lease.holder")
async def test_a_lease_is_held_taken_over_and_given_back_as_it_was_seen(cluster: Cluster) -> Any:
    leases = Leases(cluster.session, cluster.namespace)
    assert await leases.get("l") is None
    time = micro_time(NOW)
    made = await leases.put(Lease("l", time, timedelta(seconds=10), "", "a", time))
    taken = await leases.put(replace(made, holder="b", transitions=1))
    given_back = await leases.put(replace(taken, holder=""))
    refused = []
    for late in (replace(made, holder="a"), replace(made, version="")):
        with pytest.raises(ApiError) as caught:
            await leases.put(late)
        refused.append([caught.value.status, caught.value.is_conflict])
    assert await leases.get("l") == given_back
    seen = [[one.holder, one.transitions, one.acquired] for one in (made, taken, given_back)]
    return [seen, refused]


@case("lease.validation")
async def test_a_lease_is_held_to_its_form(cluster: Cluster) -> Any:
    path = f"/apis/coordination.k8s.io/v1/namespaces/{cluster.namespace}/leases"
    seen = []
    for spec in (
        {"leaseDurationSeconds": 0},
        {"leaseTransitions": -1},
        {"renewTime": "2026-01-01T00:00:00Z"},
        {"renewTime": "noon"},
        {"leaseDurationSeconds": "15"},
    ):
        answer = await cluster.ask("POST", path, {"metadata": {"name": "l"}, "spec": spec})
        seen.append([spec, answer.code, answer.body.get("reason")])
    return seen


@case("event.once")
async def test_an_event_of_the_same_name_is_told_once(cluster: Cluster) -> Any:
    execution = ClaudeExecution.model_validate(
        {
            "metadata": {
                "name": "one",
                "namespace": cluster.namespace,
                "uid": "2f0f2f5c-0000-4000-8000-000000000000",
            },
            "spec": {"prompt": "x"},
        }
    )
    status = execution.status.model_copy(update={"phase": "Running", "reason": "Started"})
    body = transition_event(execution, status, NOW)
    assert body is not None
    events = Events(cluster.session)
    await events.create(cluster.namespace, body)
    await events.create(cluster.namespace, body)
    with pytest.raises(ApiError) as refused:
        await cluster.session.request("POST", cluster.core("events"), body=body)
    assert refused.value.is_already_exists
    found = await cluster.get(cluster.core("events"), fieldSelector="involvedObject.name=one")
    assert len(found["items"]) == 1
    return found["items"]


@case("event.place")
async def test_an_event_is_in_the_namespace_of_what_it_is_about(cluster: Cluster) -> Any:
    about = {"kind": "Pod", "name": "p", "namespace": "elsewhere"}
    event = {"metadata": {"name": "e"}, "involvedObject": about, "reason": "X", "message": "y"}
    return (await cluster.ask("POST", cluster.core("events"), event)).seen()


@case("secret.data")
async def test_a_secret_takes_strings_and_gives_base64(cluster: Cluster) -> Any:
    secret = {"metadata": {"name": "s"}, "stringData": {"key": "value"}, "data": {"a": "Yg=="}}
    made = await cluster.create(cluster.core("secrets"), secret)
    assert made["data"] == {"a": "Yg==", "key": "dmFsdWU="}
    wrong = {"metadata": {"name": "t"}, "data": {"a": "not base64!"}}
    return [made, (await cluster.ask("POST", cluster.core("secrets"), wrong)).code]


@case("claim.once")
async def test_a_claim_is_made_once_and_tells_whose_it_is(cluster: Cluster) -> Any:
    path = f"/api/v1/namespaces/{cluster.namespace}/persistentvolumeclaims"
    owner = await cluster.create(cluster.executions(), cluster.an_execution(prompt="hi"))
    metadata = owner["metadata"]
    execution = cluster.an_execution(prompt="hi", workspace=CLAIMED)
    execution["metadata"] |= {key: metadata[key] for key in ("uid", "namespace", "generation")}
    body = claim_body(ClaudeExecution.model_validate(execution))
    assert body is not None
    # An owner that is not found in its group is no owner: Kubernetes would collect the claim.
    (reference,) = body["metadata"]["ownerReferences"]
    reference["apiVersion"] = owner["apiVersion"]
    made = await cluster.ask("POST", path, body)
    again = await cluster.ask("POST", path, body)
    assert (made.code, again.code) == (201, 409)
    claims = Claims(cluster.session)
    found = await claims.get(cluster.namespace, body["metadata"]["name"])
    assert controller_of(found["metadata"]) == metadata["uid"]
    return [made.code, again.code, again.body["reason"], found["spec"]["accessModes"]]
