"""Pods: what is filled in, what is refused, and what their status says."""

import asyncio
from typing import Any

from ccx_kube.pods import Pods
from conformance.case import case
from conformance.cluster import Cluster
from conformance.pods import a_container, a_pod, created, ended, is_over, running

NOWHERE: dict[str, Any] = {"schedulerName": "nobody"}
"""A pod that no node takes: its whole life is in the API server."""


@case("pod.defaults")
async def test_a_pod_is_completed_with_the_defaults_that_kubelets_read(cluster: Cluster) -> Any:
    container = a_container("registry.example/image", "true", ports=[{"containerPort": 80}])
    container["resources"] = {"limits": {"cpu": "100m"}}
    container["readinessProbe"] = {"httpGet": {"port": 80}}
    container["env"] = [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]
    container["volumeMounts"] = [{"name": "v", "mountPath": "/v"}]
    volumes: list[dict[str, Any]] = [
        {"name": "v", "emptyDir": {}},
        {"name": "s", "secret": {"secretName": "s"}},
        {"name": "c", "configMap": {"name": "c"}},
    ]
    bare = {"containers": [container], "securityContext": a_pod()["spec"]["securityContext"]}
    spec = {**bare, **NOWHERE, "volumes": volumes, "automountServiceAccountToken": False}
    made = await created(cluster, {"metadata": {"name": "p"}, "spec": spec})
    assert made["status"]["phase"] == "Pending"
    kept = (
        *("restartPolicy", "terminationGracePeriodSeconds", "dnsPolicy", "schedulerName"),
        *("enableServiceLinks", "serviceAccountName", "containers", "volumes"),
    )
    return {key: made["spec"][key] for key in kept}


@case("pod.image-pull-policy")
async def test_an_image_is_pulled_always_only_without_a_version(cluster: Cluster) -> Any:
    images = (
        "a",
        "a:latest",
        "a:1",
        "r.example:5000/a",
        "r.example:5000/a:1",
        f"a@sha256:{64 * 'a'}",
    )
    containers = [a_container(image, "true", name=f"c{n}") for n, image in enumerate(images)]
    made = await created(cluster, a_pod(*containers, **NOWHERE))
    return [[c["image"], c["imagePullPolicy"]] for c in made["spec"]["containers"]]


@case("pod.validation")
async def test_a_mistake_in_a_pod_is_told_by_its_field(cluster: Cluster) -> Any:
    account = cluster.core("serviceaccounts", "default")
    await cluster.until(account, lambda answer: answer.code == 200)

    def one(**fields: Any) -> dict[str, Any]:
        return a_container("a:1", "true", **fields)

    wrong = (
        a_pod(),
        a_pod({**one(), "image": ""}),
        a_pod({**one(), "name": "Not_Good"}),
        a_pod({**one(), "name": ""}),
        a_pod(one(), one()),
        a_pod(one(volumeMounts=[{"name": "none", "mountPath": "/x"}])),
        a_pod(one(volumeMounts=[{"name": "v"}]), volumes=[{"name": "v", "emptyDir": {}}]),
        a_pod(one(), volumes=[{"name": "v", "emptyDir": {}}, {"name": "v", "emptyDir": {}}]),
        a_pod(one(), volumes=[{"name": "Not_Good", "emptyDir": {}}]),
        a_pod(one(), restartPolicy="Sometimes"),
        a_pod(one(env=[{"name": ""}])),
        a_pod(
            one(env=[{"name": "a", "value": "b", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}])
        ),
        a_pod(one(env=[{"name": "a", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}])),
        a_pod(one(), activeDeadlineSeconds=0),
        a_pod(one(resources={"limits": {"cpu": "much"}})),
        a_pod(one(resources={"limits": {"cpu": "1"}, "requests": {"cpu": "2"}})),
        a_pod(one(imagePullPolicy="Perhaps")),
        a_pod(one(ports=[{"containerPort": 0}])),
        a_pod(one(terminationMessagePolicy="Loud")),
        a_pod(one(command="sh")),
        a_pod(one(), metadata={"name": "Not_Good"}),
    )
    answers = [await cluster.ask("POST", cluster.core("pods"), pod) for pod in wrong]
    assert {answer.code for answer in answers} == {400, 422}
    return [answer.seen() if answer.code == 422 else answer.code for answer in answers]


@case("pod.admission")
async def test_a_pod_that_is_not_allowed_is_403_in_the_servers_words(cluster: Cluster) -> Any:
    account = cluster.core("serviceaccounts", "default")
    await cluster.until(account, lambda answer: answer.code == 200)
    good = a_container("a:1", "true")
    bare = {key: value for key, value in good.items() if key != "securityContext"}
    path = cluster.core("pods")
    answers = [
        await cluster.ask("POST", path, a_pod(good, serviceAccountName="nobody")),
        await cluster.ask("POST", path, a_pod(bare, securityContext={})),
        await cluster.ask("POST", path, a_pod(good, hostNetwork=True)),
        await cluster.ask(
            "POST", path, a_pod(good, volumes=[{"name": "h", "hostPath": {"path": "/"}}])
        ),
    ]
    assert "error looking up service account" in answers[0].body["message"]
    assert [answer.code for answer in answers] == [403] * 4
    return [answer.seen() for answer in answers]


@case("pod.quota")
async def test_one_pod_too_many_is_403_exceeded_quota(cluster: Cluster) -> Any:
    quota = {"metadata": {"name": "q"}, "spec": {"hard": {"pods": "1"}}}
    await created(cluster, a_pod(a_container("a:1", "true"), **NOWHERE))
    await cluster.create(cluster.core("resourcequotas"), quota)
    second = a_pod(a_container("a:1", "true"), name="two", **NOWHERE)
    async with asyncio.timeout(60):
        while True:  # a real quota counts a moment later, and says so in other words until then
            answer = await cluster.ask("POST", cluster.core("pods"), second, dryRun="All")
            if "exceeded quota" in answer.body.get("message", ""):
                break
    assert answer.code == 403
    return answer.seen()


@case("pod.immutable")
async def test_a_pods_spec_is_as_good_as_immutable(cluster: Cluster) -> Any:
    await created(cluster, a_pod(a_container("a:1", "true"), **NOWHERE))
    one = cluster.core("pods", "p")
    patch = {"spec": {"restartPolicy": "Always"}}
    answer = await cluster.merge(one, patch)
    answer.body["message"] = answer.body["message"].split("\n")[0]
    for cause in answer.body["details"]["causes"]:
        cause["message"] = cause["message"].split("\n")[0]
    assert answer.code == 422
    labels = await cluster.merge(one, {"metadata": {"labels": {"a": "b"}}})
    return [answer.seen(), labels.code, labels.body["metadata"]["labels"]]


@case("pod.delete-unscheduled")
async def test_a_pod_without_a_node_goes_at_once(cluster: Cluster) -> Any:
    made = await created(cluster, a_pod(a_container("a:1", "true"), **NOWHERE))
    pods = Pods(cluster.session)
    await pods.delete(cluster.namespace, "p", "2f0f2f5c-0000-4000-8000-000000000000")
    assert await pods.get(cluster.namespace, "p") is not None
    await pods.delete(cluster.namespace, "p", made["metadata"]["uid"])
    assert await pods.get(cluster.namespace, "p") is None
    await pods.delete(cluster.namespace, "p", made["metadata"]["uid"])
    return "gone"


@case("pod.delete-running")
async def test_a_running_pod_is_marked_ends_and_goes(cluster: Cluster) -> Any:
    script = "trap 'exit 3' TERM; echo heeds it; while :; do sleep 0.1; done"
    await running(cluster, script, terminationGracePeriodSeconds=20)
    one, log = cluster.core("pods", "p"), cluster.core("pods", "p", "log")
    await cluster.until(log, lambda answer: "heeds it" in str(answer.body))
    before = await cluster.get(one)
    async with cluster.watch(
        cluster.core("pods"), resourceVersion=before["metadata"]["resourceVersion"]
    ) as events:
        marked = await cluster.ask("DELETE", one)
        assert marked.body["metadata"]["deletionGracePeriodSeconds"] == 20
        seen = [await events.next()]
        while seen[-1][0] != "DELETED":
            seen.append(await events.next())
    states = [obj["status"]["containerStatuses"][0]["state"] for _, obj in seen]
    codes = [state["terminated"]["exitCode"] for state in states if "terminated" in state]
    assert codes, "the last words come before DELETED"
    return [marked.code, seen[0][0], seen[-1][0], sorted(set(codes))]


@case("pod.delete-now")
async def test_grace_zero_takes_the_object_away_at_once(cluster: Cluster) -> Any:
    await running(cluster, "exec sleep 600")
    one = cluster.core("pods", "p")
    answer = await cluster.ask("DELETE", one, {"gracePeriodSeconds": 0})
    assert (await cluster.ask("GET", one)).code == 404
    return [answer.code, answer.body["kind"], answer.body["metadata"]["name"]]


@case("pod.success")
async def test_a_pod_that_succeeds_says_so(cluster: Cluster) -> Any:
    pod = await ended(cluster, "printf 'last words' > /dev/termination-log")
    return _ending(pod)


@case("pod.failure")
async def test_a_pod_that_fails_says_with_which_code(cluster: Cluster) -> Any:
    pod = await ended(cluster, "exit 7")
    (status,) = pod["status"]["containerStatuses"]
    assert status["state"]["terminated"]["exitCode"] == 7
    return _ending(pod)


@case("pod.killed")
async def test_a_container_that_is_killed_ends_with_137(cluster: Cluster) -> Any:
    return _ending(await ended(cluster, "sh -c 'kill -9 $PPID' & kill -9 $!; exit 137"))


@case("pod.ready")
async def test_a_running_pod_says_where_and_since_when(cluster: Cluster) -> Any:
    await running(cluster, "exec sleep 600")
    found = await cluster.get(cluster.core("pods", "p"))
    status = found["status"]
    (container,) = status["containerStatuses"]
    assert found["spec"]["nodeName"]
    assert status["startTime"]
    conditions = [[c["type"], c["status"]] for c in status["conditions"]]
    assert ["Ready", "True"] in conditions
    kept = ("name", "ready", "started", "restartCount", "state", "lastState")
    return [status["phase"], sorted(conditions), {key: container[key] for key in kept}]


@case("pod.not-ready")
async def test_a_probe_that_fails_makes_a_pod_not_ready(cluster: Cluster) -> Any:
    probe = {"exec": {"command": ["test", "-e", "/tmp/ready"]}, "periodSeconds": 1}
    container = a_container(cluster.image, "exec sleep 600", readinessProbe=probe)
    await created(cluster, a_pod(container))
    one = cluster.core("pods", "p")

    def started(answer: Any) -> bool:
        return any(c.get("started") for c in answer.body["status"].get("containerStatuses", ()))

    found = (await cluster.until(one, started)).body
    ready = [c for c in found["status"]["conditions"] if c["type"] == "Ready"]
    return [found["status"]["phase"], [[c["status"], c["reason"], c["message"]] for c in ready]]


@case("pod.init")
async def test_init_containers_run_one_after_the_other_before_the_rest(cluster: Cluster) -> Any:
    volume: dict[str, Any] = {"volumeMounts": [{"name": "v", "mountPath": "/v"}]}
    first = a_container(cluster.image, "echo first > /v/a", name="first", **volume)
    second = a_container(cluster.image, "cat /v/a; echo second >> /v/a", name="second", **volume)
    main = a_container(cluster.image, "cat /v/a", **volume)
    pod = a_pod(main, initContainers=[first, second], volumes=[{"name": "v", "emptyDir": {}}])
    await created(cluster, pod)
    found = (await cluster.until(cluster.core("pods", "p"), is_over)).body
    log = await cluster.ask("GET", cluster.core("pods", "p", "log"), container="main")
    assert log.body == "first\nsecond\n"
    statuses = found["status"]["initContainerStatuses"]
    return [log.body, [[s["name"], _state(s)] for s in statuses], found["status"]["phase"]]


@case("pod.waiting")
async def test_an_image_that_is_not_there_keeps_a_pod_waiting(cluster: Cluster) -> Any:
    await created(cluster, a_pod(a_container("registry.invalid/none:1", "true")))

    def backs_off(answer: Any) -> bool:
        states = [s["state"] for s in answer.body["status"].get("containerStatuses", ())]
        return any(s.get("waiting", {}).get("reason") == "ImagePullBackOff" for s in states)

    found = (await cluster.until(cluster.core("pods", "p"), backs_off)).body
    return [
        found["status"]["phase"],
        found["status"]["containerStatuses"][0]["state"]["waiting"]["reason"],
    ]


@case("pod.unschedulable")
async def test_a_pod_that_fits_no_node_is_pending_and_says_why(cluster: Cluster) -> Any:
    await created(cluster, a_pod(a_container("a:1", "true"), nodeSelector={"no": "where"}))

    def judged(answer: Any) -> bool:
        return any(c["type"] == "PodScheduled" for c in answer.body["status"].get("conditions", ()))

    found = (await cluster.until(cluster.core("pods", "p"), judged)).body
    (condition,) = [c for c in found["status"]["conditions"] if c["type"] == "PodScheduled"]
    return [found["status"]["phase"], condition["status"], condition["reason"]]


@case("pod.missing-secret")
async def test_a_secret_that_is_not_there_keeps_a_container_waiting(cluster: Cluster) -> Any:
    source = [{"secretRef": {"name": "none"}}]
    container = a_container(cluster.image, "true", envFrom=source)
    await created(cluster, a_pod(container))

    def waits(answer: Any) -> bool:
        states = [s["state"] for s in answer.body["status"].get("containerStatuses", ())]
        reasons = [s.get("waiting", {}).get("reason") for s in states]
        return "CreateContainerConfigError" in reasons

    found = (await cluster.until(cluster.core("pods", "p"), waits)).body
    return found["status"]["containerStatuses"][0]["state"]["waiting"]


@case("pod.environment")
async def test_variables_come_from_values_secrets_config_and_the_pod(cluster: Cluster) -> Any:
    secret = {"metadata": {"name": "s"}, "stringData": {"KEY": "se$(A)cret"}}
    await cluster.create(cluster.core("secrets"), secret)
    await cluster.create(
        cluster.core("configmaps"),
        {"metadata": {"name": "c"}, "data": {"CONF": "x", "not-ok": "y"}},
    )
    env: list[dict[str, Any]] = [
        {"name": "A", "value": "a"},
        {"name": "B", "value": "$(A)-$$(A)-$(NONE)"},
        {"name": "S", "valueFrom": {"secretKeyRef": {"name": "s", "key": "KEY"}}},
        {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "L", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
    ]
    sources: list[dict[str, Any]] = [
        {"configMapRef": {"name": "c"}},
        {"prefix": "P_", "secretRef": {"name": "s"}},
    ]
    script = 'echo "$A|$B|$S|$POD|$L|$CONF|$P_KEY"'
    container = a_container(cluster.image, script, env=env, envFrom=sources)
    await created(cluster, a_pod(container, metadata={"labels": {"app": "x"}}))
    await cluster.until(cluster.core("pods", "p"), is_over)
    return (await cluster.ask("GET", cluster.core("pods", "p", "log"))).body


def _state(status: Any) -> Any:
    terminated = status["state"]["terminated"]
    return [terminated["exitCode"], terminated["reason"], terminated.get("message")]


def _ending(pod: Any) -> Any:
    (status,) = pod["status"]["containerStatuses"]
    return [
        pod["status"]["phase"],
        pod["status"].get("reason"),
        _state(status),
        status["restartCount"],
    ]
