"""What the chart installs by default, and what its policy on pods/exec allows, in the API server's
dialect. The words that chart and code must share are compared here.
"""

from dataclasses import replace
from typing import Any

import cel
import pytest

from ccx_api.names import (
    AGENT_CONTAINER,
    GROUP,
    LINK_ARGV,
    OPERATOR_LEASE,
    PLURAL,
    USAGE_RECORD,
    reader_of,
)
from ccx_api.v1alpha1 import ClaudeExecution
from ccx_gateway import options as gateway_options
from ccx_operator.options import parse
from ccx_operator.pod_name import pod_name
from devcluster import pod_security
from manifests.chart import NAMESPACE, documents
from manifests.install import rendered

Manifest = dict[str, Any]
DOCUMENTS = documents()
OPERATOR, GATEWAY = "ccx-operator", "ccx-gateway"


def of_kind(*kinds: str) -> list[Manifest]:
    return [document for document in DOCUMENTS if document["kind"] in kinds]


def policy(name: str) -> Manifest:
    (found,) = (
        policy
        for policy in of_kind("ValidatingAdmissionPolicy")
        if policy["metadata"]["name"] == f"{name}.{GROUP}"
    )
    return found


def user_of(account: str) -> str:
    return f"system:serviceaccount:{NAMESPACE}:{account}"


DEPLOYMENTS = {d["metadata"]["name"]: d for d in of_kind("Deployment")}


def pod_of(name: str) -> Manifest:
    spec: Manifest = DEPLOYMENTS[name]["spec"]["template"]["spec"]
    return spec


def an_exec(**options: Any) -> Manifest:
    """As operator and gateway ask for it."""
    link = {"container": AGENT_CONTAINER, "command": list(LINK_ARGV), "stdin": True, "stdout": True}
    return {**link, **options}


def refusals(options: Manifest, pod: str = "cx-hello-0123abcd-1") -> list[str]:
    context = {"object": options, "request": {"name": pod}}
    rules = policy("runner-link-only")["spec"]["validations"]
    return [rule["message"] for rule in rules if not cel.evaluate(rule["expression"], context)]


def is_judged(username: str) -> bool:
    (condition,) = policy("runner-link-only")["spec"]["matchConditions"]
    context = {"request": {"userInfo": {"username": username}}}
    return bool(cel.evaluate(condition["expression"], context))


def test_the_committed_file_is_what_is_rendered() -> None:
    for path, text in rendered().items():
        assert path.read_text(encoding="utf-8") == text, "run `make manifests`"


def test_every_policy_denies_and_is_bound() -> None:
    bound = {
        binding["spec"]["policyName"]: binding["spec"]["validationActions"]
        for binding in of_kind("ValidatingAdmissionPolicyBinding")
    }
    for found in of_kind("ValidatingAdmissionPolicy"):
        assert bound.pop(found["metadata"]["name"]) == ["Deny"]
        assert found["spec"]["failurePolicy"] == "Fail"
    assert bound == {}


def test_the_policies_are_of_what_the_code_asks_for() -> None:
    def resources(name: str) -> list[str]:
        (rule,) = policy(name)["spec"]["matchConstraints"]["resourceRules"]
        return [
            f"{group}/{resource}" for group in rule["apiGroups"] for resource in rule["resources"]
        ]

    assert resources("runner-link-only") == ["/pods/exec"]
    assert resources("requested-by") == [f"{GROUP}/{PLURAL}"]


def test_roles_of_our_group_are_of_a_kind_that_the_crd_has() -> None:
    for role in of_kind("Role", "ClusterRole"):
        for rule in role["rules"]:
            if GROUP in rule["apiGroups"]:
                assert {name.partition("/")[0] for name in rule["resources"]} == {PLURAL}


@pytest.mark.parametrize("name", [OPERATOR, GATEWAY])
def test_its_pod_keeps_the_rules_of_restricted_on_a_read_only_root(name: str) -> None:
    pod = pod_of(name)
    (container,) = pod["containers"]
    assert pod_security.violations(pod) == ""
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert pod["securityContext"]["runAsUser"] == 10001


@pytest.mark.parametrize("name", [OPERATOR, GATEWAY])
def test_its_account_exists_and_its_probes_ask_a_port_that_it_has(name: str) -> None:
    (container,) = pod_of(name)["containers"]
    accounts = {account["metadata"]["name"] for account in of_kind("ServiceAccount")}
    ports = {port["name"] for port in container["ports"]}
    probes = [container[probe] for probe in container if probe.endswith("Probe")]
    assert pod_of(name)["serviceAccountName"] in accounts
    assert probes
    assert {probe["httpGet"]["port"] for probe in probes} <= ports


def test_the_gateway_takes_its_arguments_and_lets_nobody_in_without_a_token() -> None:
    (container,) = pod_of(GATEWAY)["containers"]
    options = gateway_options.parse(container["args"])
    assert options.auth == "token"
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert options.address == ("0.0.0.0", ports["rpc"])
    assert options.probe_address == ("0.0.0.0", ports["probes"])


def test_the_one_who_may_write_requested_by_is_our_gateway() -> None:
    (rule,) = policy("requested-by")["spec"]["validations"]
    assert user_of(GATEWAY) in rule["expression"]


def test_the_operator_takes_its_arguments_and_asks_for_images_of_its_own_version() -> None:
    (container,) = pod_of(OPERATOR)["containers"]
    options, unsaid = parse(container["args"]), parse([])
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert options.metrics == ("0.0.0.0", ports["metrics"])
    assert options.probes == ("0.0.0.0", ports["probes"])
    assert options.images == unsaid.images
    assert container["image"] == unsaid.images.runner.replace("/runner:", "/control:")


def test_what_is_not_said_in_the_values_is_as_without_the_chart() -> None:
    operator, unsaid = parse(pod_of(OPERATOR)["containers"][0]["args"]), parse([])
    assert (operator.node_lost, operator.takeover) == (unsaid.node_lost, unsaid.takeover)
    told = gateway_options.parse(pod_of(GATEWAY)["containers"][0]["args"])
    assert told == replace(
        gateway_options.parse([]),
        address=told.address,
        probe_address=told.probe_address,
        namespace=NAMESPACE,
    )


def test_of_several_operators_one_is_elected_by_a_lease_that_it_may_hold() -> None:
    (container,) = pod_of(OPERATOR)["containers"]
    assert DEPLOYMENTS[OPERATOR]["spec"]["replicas"] == 2
    assert parse(container["args"]).leader_elect
    (role,) = (r for r in of_kind("Role") if r["metadata"]["name"] == OPERATOR)
    rules = [rule for rule in role["rules"] if rule["resources"] == ["leases"]]
    assert {verb for rule in rules for verb in rule["verbs"]} >= {"get", "create", "patch"}
    (own,) = (rule for rule in rules if "patch" in rule["verbs"])
    assert own["resourceNames"] == [OPERATOR_LEASE]


def test_the_service_finds_the_gateway() -> None:
    (service,) = of_kind("Service")
    gateway = DEPLOYMENTS[GATEWAY]["spec"]
    names = {port["name"] for port in pod_of(GATEWAY)["containers"][0]["ports"]}
    assert service["spec"]["selector"] == gateway["selector"]["matchLabels"]
    assert service["spec"]["selector"] == gateway["template"]["metadata"]["labels"]
    assert {port["targetPort"] for port in service["spec"]["ports"]} <= names


def test_nobody_is_given_a_wildcard_a_secret_or_the_power_to_give_more() -> None:
    for role in of_kind("Role", "ClusterRole"):
        for rule in role["rules"]:
            words = {*rule["apiGroups"], *rule["resources"], *rule["verbs"]}
            assert "*" not in words
            assert not words & {"secrets", "escalate", "bind", "impersonate"}
            assert "rbac.authorization.k8s.io" not in words


def test_of_config_maps_only_the_usage_record_is_read_and_written() -> None:
    rules = [rule for role in of_kind("Role", "ClusterRole") for rule in role["rules"]]
    ours = [rule for rule in rules if "configmaps" in rule["resources"]]
    assert {verb for rule in ours for verb in rule["verbs"]} == {"get", "update", "create"}
    for rule in ours:
        assert rule.get("resourceNames") == [USAGE_RECORD] or rule["verbs"] == ["create"]


def test_only_our_accounts_are_judged() -> None:
    assert is_judged(user_of(OPERATOR))
    assert is_judged(user_of(GATEWAY))
    assert not is_judged("admin")
    assert not is_judged("system:serviceaccount:other:ccx-operator")


def test_the_runner_link_is_allowed() -> None:
    assert refusals(an_exec()) == []
    assert refusals(an_exec(tty=False)) == []


@pytest.mark.parametrize(
    ("options", "refusal"),
    [
        (an_exec(command=["sh"]), "run nothing but python3 -I -S /ccx/link.py"),
        (an_exec(command=[*LINK_ARGV, "more"]), "run nothing but"),
        (an_exec(command=list(LINK_ARGV[:-1])), "run nothing but"),
        ({"container": AGENT_CONTAINER}, "run nothing but"),
        (an_exec(container="runner"), "enter no container but agent"),
        ({"command": list(LINK_ARGV)}, "enter no container but agent"),
        (an_exec(tty=True), "ask for no terminal"),
    ],
)
def test_every_other_exec_is_refused(options: Manifest, refusal: str) -> None:
    (message,) = refusals(options)
    assert refusal in message


@pytest.mark.parametrize("pod", ["etcd-0", "cx", "cx-hello-0123abcd", "my-cx-hello-0123abcd-1"])
def test_a_pod_with_another_name_is_not_entered(pod: str) -> None:
    (message,) = refusals(an_exec(), pod)
    assert "no pod that is not an execution's" in message


@pytest.mark.parametrize("name", ["a", "hello", "a.b", "x" * 253, "12-34", "a-" * 40 + "z"])
def test_every_name_that_the_operator_gives_to_a_pod_may_be_entered(name: str) -> None:
    metadata = {"name": name, "namespace": "ns", "uid": "0a1b2c3d-0000-4000-8000-000000000000"}
    execution = ClaudeExecution.model_validate({"metadata": metadata, "spec": {"prompt": "x"}})
    assert refusals(an_exec(), pod_name(execution)) == []
    assert refusals(an_exec(), reader_of(pod_name(execution))) == []
