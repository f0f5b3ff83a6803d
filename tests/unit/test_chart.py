"""The chart with other values than its own: what is rendered, and what is refused."""

import ipaddress
import re
import shutil
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import helm_python
import pytest
import yaml

from ccx_api.crd import crd
from ccx_api.names import LABEL_EXECUTION_UID
from ccx_gateway import options as gateway_options
from ccx_operator import options as operator_options
from ccx_operator.options import parse
from devcluster import pod_security
from manifests import golden, readme
from manifests.chart import CHART, Manifest, Values, ValuesError, documents, hooks, lint, notes
from manifests.readme import rows

EXAMPLES: dict[str, Values] = {"default": {}, **golden.values_files()}
FLAGS = {
    "ccx-operator": (
        operator_options,
        {
            "--leader-elect": "always: without it a second operator, as in an upgrade, acts too",
            "--metrics-address": "its port is in probes, PodMonitor and NetworkPolicy",
            "--probe-address": "its port is in probes",
            "--release-finalizers": "of the Job before an uninstallation: releaseFinalizers",
            "--stop-deployment": "of the Job before an uninstallation: releaseFinalizers",
        },
    ),
    "ccx-gateway": (
        gateway_options,
        {
            "--address": "its port is in the Service and in NetworkPolicy",
            "--probe-address": "its port is in probes, PodMonitor and NetworkPolicy",
            "--auth": "without sign-in it serves loopback addresses only, and so nobody in a pod",
        },
    ),
}
"""Program -> where its flags are, and those for which there is no value, with the reason."""

EVERYTHING = EXAMPLES["everything"]
OPTIONAL = {"monitoring.coreos.com", "networking.k8s.io"}


def of_kind(kind: str, values: Values, *, all_of: bool = False) -> list[Manifest]:
    found = [*documents(values), *(hooks(values) if all_of else ())]
    return [manifest for manifest in found if manifest["kind"] == kind]


def pods(values: Values) -> Iterator[tuple[str, Manifest]]:
    for found in (*documents(values), *hooks(values)):
        spec = found.get("spec", {})
        if found["kind"] == "Pod":
            yield found["metadata"]["name"], spec
        elif found["kind"] in ("Deployment", "Job"):
            yield found["metadata"]["name"], spec["template"]["spec"]


def args(name: str, values: Values) -> list[str]:
    (found,) = (pod["containers"][0]["args"] for owner, pod in pods(values) if owner == name)
    return [str(word) for word in found]


def cluster_wide(values: Values) -> set[tuple[str, str]]:
    return {
        (found["kind"], found["metadata"]["name"])
        for found in (*documents(values), *hooks(values))
        if "namespace" not in found["metadata"]
    }


def leaves(tree: Any, path: str = "") -> Iterator[str]:
    for key, value in tree.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{path}{key}.")
        else:
            yield path + key


def test_the_chart_is_of_the_version_of_the_code() -> None:
    about = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert about["appVersion"] == about["version"] == version("cc-executor")


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_pod_keeps_the_rules_of_restricted_on_a_read_only_root(name: str) -> None:
    found = dict(pods(EXAMPLES[name]))
    assert len(found) >= 3
    for pod in found.values():
        assert pod_security.violations(pod) == ""
        for container in pod["containers"]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["resources"]["limits"]["memory"]


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_account_that_a_pod_runs_under_is_made(name: str) -> None:
    made = {a["metadata"]["name"] for a in of_kind("ServiceAccount", EXAMPLES[name], all_of=True)}
    assert {pod["serviceAccountName"] for _, pod in pods(EXAMPLES[name])} <= made


@pytest.mark.parametrize("name", EXAMPLES)
def test_helm_has_nothing_to_say_to_it(name: str) -> None:
    assert lint(EXAMPLES[name]) == []


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"gateway": {"replica": 2}}, "replica"),
        ({"gateway": {"replicas": "2"}}, "/gateway/replicas"),
        ({"gateway": {"ingress": {"enabled": True}}}, "/gateway/ingress/host"),
        ({"gateway": {"allowOrigins": ["ccx.example"]}}, "/gateway/allowOrigins/0"),
        ({"operator": {"logFormat": "xml"}}, "/operator/logFormat"),
        ({"operator": {"nodeLostSeconds": 0}}, "/operator/nodeLostSeconds"),
        ({"operator": {"extraArgs": ["x"]}}, "/operator/extraArgs/0"),
        ({"operator": {"podDisruptionBudget": {"maxUnavailable": 0}}}, "maxUnavailable"),
        ({"images": {"control": {"digest": "latest"}}}, "/images/control/digest"),
        ({"site": {"proxy": {"url": "proxy:3128"}}}, "/site/proxy/url"),
        ({"watchNamespaces": ["Team"]}, "/watchNamespaces/0"),
        ({"watchNamespaces": ["a", "a"]}, "/watchNamespaces"),
        ({"executions": {"podTemplate": {"containers": []}}}, "/executions/podTemplate"),
        ({"networkPolicy": {"executions": {"exceptCIDRs": ["10.0.0.0"]}}}, "exceptCIDRs/0"),
        ({"networkPolicy": {"enabled": True}}, "networkPolicy.executions.namespaces: name"),
        ({"metrics": {"podMonitor": {"interval": 30}}}, "/metrics/podMonitor/interval"),
        ({"fullnameOverride": ""}, "/fullnameOverride"),
    ],
)
def test_a_wrong_value_is_refused_with_its_field(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValuesError, match=re.escape(said)):
        documents(values)


def test_the_schema_knows_the_values_and_no_others() -> None:
    with helm_python.Chart.load(CHART) as chart:
        schema, values = chart.schema, chart.values
    assert schema is not None

    def fields(node: Any, path: str = "") -> Iterator[str]:
        if "$ref" in node:
            node = schema["definitions"][node["$ref"].rpartition("/")[2]]
        for name, child in node.get("properties", {}).items():
            yield path + name
            yield from fields(child, f"{path}{name}.")

    def known(path: str) -> bool:
        place = values
        for name in path.split("."):
            if not place:
                return True  # below what is empty by default
            if name not in place:
                return False
            place = place[name]
        return True

    unset = {path for path in fields(schema) if not known(path)}
    assert unset == {"global", "operator.resources.claims", "gateway.resources.claims"}


def test_the_readme_tells_of_every_value() -> None:
    text = (CHART / "values.yaml").read_text(encoding="utf-8")
    told = {path for path, _, _ in rows(text)}
    for path in leaves(yaml.safe_load(text)):
        assert any(path == known or path.startswith(f"{known}.") for known in told), path


def test_a_line_of_values_that_cannot_be_told_is_an_error() -> None:
    with pytest.raises(ValueError, match="neither `key:` nor `key: value`"):
        list(rows("a:\n  - b\n"))


def test_what_is_rendered_beside_the_chart_is_up_to_date() -> None:
    for path, text in {**golden.rendered(), **readme.rendered()}.items():
        assert path.read_text(encoding="utf-8") == text, f"{path}: run `make manifests`"


def test_the_crd_is_that_of_the_models_and_outlives_the_chart_unless_told_otherwise() -> None:
    (kept,) = of_kind("CustomResourceDefinition", {})
    assert kept["spec"] == crd()["spec"]
    assert kept["metadata"]["name"] == crd()["metadata"]["name"]
    assert kept["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    (goes,) = of_kind("CustomResourceDefinition", {"crds": {"keep": False}})
    assert "annotations" not in goes["metadata"]
    assert of_kind("CustomResourceDefinition", {"crds": {"install": False}}) == []


def test_what_a_cluster_may_lack_is_not_asked_for_by_default() -> None:
    assert not {found["apiVersion"].partition("/")[0] for found in documents()} & OPTIONAL


def test_two_installations_share_no_name_that_is_the_clusters() -> None:
    values = {"fullnameOverride": "teams", "watchNamespaces": ["a"], "crds": {"install": False}}
    assert cluster_wide(values) & cluster_wide({}) == set()


def test_with_namespaces_named_nobody_may_do_anything_elsewhere() -> None:
    values = {"watchNamespaces": ["team-a", "team-b"]}
    everywhere = {
        binding["roleRef"]["name"] for binding in of_kind("ClusterRoleBinding", values, all_of=True)
    }
    assert everywhere == {"ccx-gateway-reviews"}
    (reviews,) = (
        role for role in of_kind("ClusterRole", values) if role["metadata"]["name"] in everywhere
    )
    assert {r for rule in reviews["rules"] for r in rule["resources"]} == {
        "tokenreviews",
        "subjectaccessreviews",
    }
    bound = {
        (binding["metadata"]["namespace"], binding["subjects"][0]["name"])
        for binding in of_kind("RoleBinding", values)
    }
    homes = ("team-a", "team-b", "cc-executor")
    assert bound == {(home, name) for home in homes for name in ("ccx-operator", "ccx-gateway")}
    assert parse(args("ccx-operator", values)).namespaces == ("team-a", "team-b")
    assert parse(args("ccx-release-finalizers", values)).namespaces == ("team-a", "team-b")
    assert "--namespace=team-a" in args("ccx-gateway", values)


def test_roles_for_people_are_each_more_than_the_one_before() -> None:
    verbs = {
        role["metadata"]["name"]: set(role["rules"][0]["verbs"])
        for role in of_kind("ClusterRole", {})
        if role["metadata"]["name"].startswith("cc-executor-")
    }
    ranked = [verbs[f"cc-executor-{name}"] for name in ("viewer", "operator", "admin")]
    assert ranked[0] < ranked[1] < ranked[2]


def test_the_operator_takes_the_pod_templates_of_the_values(tmp_path: Path) -> None:
    values = EXAMPLES["everything"]
    (config,) = (
        c for c in of_kind("ConfigMap", values) if c["metadata"]["name"].endswith("-template")
    )
    words = []
    for word in args("ccx-operator", values):
        if word.startswith("--pod-template="):
            path = tmp_path / word.rpartition("/")[2]
            path.write_text(config["data"][path.name], encoding="utf-8")
            word = f"--pod-template={path}"
        words.append(word)
    template = parse(words).template
    assert template["metadata"]["labels"] == {"kueue.x-k8s.io/queue-name": "agents"}
    spec = template["spec"]
    assert (spec["runtimeClassName"], spec["imagePullSecrets"]) == (
        "gvisor",
        [{"name": "registry"}],
    )
    (agent,) = spec["containers"]
    variables = {variable["name"]: variable["value"] for variable in agent["env"]}
    assert variables["HTTPS_PROXY"] == "http://proxy.example:3128"
    assert variables["NODE_EXTRA_CA_CERTS"] == f"{agent['volumeMounts'][0]['mountPath']}/ca.crt"


@pytest.mark.parametrize("name", FLAGS)
def test_every_flag_is_a_value_or_stands_here_with_its_reason(name: str) -> None:
    """A value: there is an example in which it is said otherwise than by default."""
    module, reasons = FLAGS[name]
    flags = {flag for action in module.parser()._actions for flag in action.option_strings}

    def said(values: Values) -> set[str]:
        own = str(name).removeprefix("ccx-")
        return {*args(name, {**values, own: {**values.get(own, {}), "extraArgs": []}})}

    changed = {word for values in EXAMPLES.values() for word in said(values) - said({})}
    assert {word.partition("=")[0] for word in changed} | reasons.keys() == flags - {"-h", "--help"}
    assert {word.partition("=")[0] for word in changed} & reasons.keys() == set()


def test_without_templates_there_is_no_config_map_and_no_volume() -> None:
    assert of_kind("ConfigMap", {}) == []
    assert parse(args("ccx-operator", {})).template == {}


def test_labels_for_all_are_on_all() -> None:
    for found in documents({"commonLabels": {"team": "platform"}}):
        assert found["metadata"]["labels"]["team"] == "platform"


def test_execution_pods_are_chosen_by_the_label_that_the_operator_gives() -> None:
    values = {"networkPolicy": {"enabled": True, "executions": {"namespaces": ["a"]}}}
    policies = {p["metadata"]["name"]: p["spec"] for p in of_kind("NetworkPolicy", values)}
    executions = policies["ccx-executions"]
    assert executions["podSelector"]["matchExpressions"] == [
        {"key": LABEL_EXECUTION_UID, "operator": "Exists"}
    ]
    assert "ingress" not in executions
    assert {*executions["policyTypes"]} == {"Ingress", "Egress"}


@pytest.mark.parametrize(
    ("address", "port", "reached"),
    [
        ("192.0.2.1", 443, True),  # the internet: https, and git by ssh
        ("192.0.2.1", 22, True),
        ("2001:db8::1", 443, True),
        ("192.0.2.1", 80, False),
        ("10.96.0.1", 443, False),  # services, pods and nodes
        ("172.20.0.1", 443, False),
        ("192.168.1.1", 22, False),
        ("100.64.0.1", 443, False),
        ("fd00:10:96::1", 443, False),
        ("fe80::1", 443, False),
        ("169.254.169.254", 443, False),  # metadata: most clouds, Alibaba, Azure's own, AWS by IPv6
        ("100.100.100.200", 443, False),
        ("168.63.129.16", 443, False),
        ("fd00:ec2::254", 443, False),
    ],
)
def test_an_execution_reaches_the_internet_and_neither_cluster_nor_metadata(
    address: str, port: int, reached: bool
) -> None:
    """As the rule reads. What a CNI makes of it: tests/chart/test_network_policy.py."""
    values = {"networkPolicy": {"enabled": True, "executions": {"namespaces": ["a"]}}}
    (policy,) = (p for p in of_kind("NetworkPolicy", values) if p["metadata"]["namespace"] == "a")
    _dns, out = policy["spec"]["egress"]

    def contains(block: str) -> bool:
        return ipaddress.ip_address(address) in ipaddress.ip_network(block)

    blocks = [to["ipBlock"] for to in out["to"]]
    allowed = [b for b in blocks if contains(b["cidr"]) and not any(map(contains, b["except"]))]
    assert (bool(allowed) and {"port": port} in out["ports"]) is reached


def test_whoever_else_reaches_the_gateway_the_test_of_the_release_does() -> None:
    policies = {p["metadata"]["name"]: p["spec"] for p in of_kind("NetworkPolicy", EVERYTHING)}
    clients, _probes = policies["ccx-gateway"]["ingress"]
    (pod,) = of_kind("Pod", EVERYTHING, all_of=True)
    labels = pod["metadata"]["labels"].items()
    ingress, test = clients["from"]
    assert ingress == EVERYTHING["networkPolicy"]["gatewayFrom"][0]
    assert test["podSelector"]["matchLabels"].items() <= labels


def test_with_a_named_proxy_executions_reach_nothing_else() -> None:
    proxy = [{"ipBlock": {"cidr": "192.0.2.1/32"}}]
    executions = {"namespaces": ["a"], "proxy": {"to": proxy, "port": 3128}}
    values = {"networkPolicy": {"enabled": True, "executions": executions}}
    (policy,) = (p for p in of_kind("NetworkPolicy", values) if p["metadata"]["namespace"] == "a")
    _dns, out = policy["spec"]["egress"]
    assert out == {"ports": [{"port": 3128}], "to": proxy}


def test_the_finalizers_are_freed_before_the_uninstallation_by_who_stops_the_operator() -> None:
    (job,) = of_kind("Job", {}, all_of=True)
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-delete"
    options = parse(args("ccx-release-finalizers", {}))
    assert options.release_finalizers
    assert options.stop_deployment == "ccx-operator"
    assert of_kind("Job", {"releaseFinalizers": False}, all_of=True) == []


def test_the_notes_name_three_commands_that_fit_the_installation() -> None:
    told = notes({"watchNamespaces": ["team-a"]})
    commands = [line for line in told.splitlines() if line.startswith("  ")]
    assert [command.split()[0] for command in commands] == ["helm", "kubectl", "kubectl"]
    assert all("--namespace team-a" in command for command in commands[1:])


def test_an_ingress_serves_the_socket_and_nothing_else() -> None:
    (ingress,) = of_kind("Ingress", EXAMPLES["everything"])
    (rule,) = ingress["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert (path["path"], path["pathType"]) == ("/ws/mcp", "Exact")
    assert ingress["spec"]["tls"] == [{"hosts": ["ccx.example"], "secretName": "ccx-tls"}]


def test_rules_and_dashboards_are_taken_as_they_lie_beside_the_templates(tmp_path: Path) -> None:
    """Their own braces are Prometheus' and Grafana's, not Helm's."""
    files = {
        "rules/mine.yaml": "groups: [{name: a, rules: [{annotations: {a: '{{ $value }}'}}]}]\n",
        "dashboards/mine.json": '{"legendFormat": "{{phase}}"}',
        "kube-state-metrics/mine.yaml": "kind: CustomResourceStateMetrics\n",
    }
    chart = tmp_path / "chart"
    shutil.copytree(CHART, chart)
    for name, text in files.items():
        (chart / name).parent.mkdir(exist_ok=True)
        (chart / name).write_text(text, encoding="utf-8")
    parts = ("prometheusRule", "dashboards", "kubeStateMetrics")
    with helm_python.Chart.load(chart) as loaded:
        texts = loaded.render({"metrics": {part: {"enabled": True} for part in parts}})
    found = list(yaml.safe_load_all(texts["cc-executor/templates/monitoring.yaml"]))
    assert yaml.safe_load(files["rules/mine.yaml"]) in [m.get("spec") for m in found]
    data = [m["data"] for m in found if m and m["kind"] == "ConfigMap"]
    assert {"mine.json": files["dashboards/mine.json"]} in [
        {name: text.strip() for name, text in texts.items()} for texts in data
    ]
    assert {"mine.yaml": files["kube-state-metrics/mine.yaml"]} in data
