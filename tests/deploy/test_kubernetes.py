"""The manifests fit Kubernetes' schemas, and what Jarvis takes, answers and measures."""

import re
from itertools import combinations
from pathlib import Path

import pytest
import yaml

from jarvis.access import keys
from jarvis.app.bootstrap import check
from jarvis.app.config import load
from jarvis.core.principal import Role
from jarvis.server.lifecycle import CLOSE_SECONDS
from jarvis.server.services import SERVER_SERVICE, SERVICES
from tests.certificates import certificate

ROOT = Path(__file__).parents[2]

COMPONENTS = [chosen for count in range(3) for chosen in combinations(("tls", "retrieval"), count)]
ROW = re.compile(r"^\| `(jarvis_\w+)` \| gauge \| (.*?) \|", re.MULTILINE)


@pytest.fixture(params=["cpu", "gpu"])
def overlay(request):
    return request.param


@pytest.fixture(params=COMPONENTS, ids="+".join)
def manifests(request, overlay, build):
    return build(overlay, *request.param)


@pytest.fixture
def pod(manifests):
    return manifests["Deployment"]["spec"]["template"]["spec"]


@pytest.fixture
def container(pod):
    (only,) = pod["containers"]
    return only


@pytest.fixture
def environment(container):
    return {one["name"]: one["value"] for one in container["env"]}


@pytest.fixture
def config(manifests, environment, tmp_path):
    """The configuration of a pod; its secrets and models are files of the test."""
    keys.add(tmp_path / "keys.json", "someone", [Role.INFER], None)
    certificate(tmp_path, "tls")
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}")
    places = {
        "/run/secrets/jarvis/keys.json": "keys.json",
        "/run/secrets/jarvis-tls/tls.crt": "tls.pem",
        "/run/secrets/jarvis-tls/tls.key": "tls.key",
    }
    text = manifests["ConfigMap"]["data"]["jarvis.toml"]
    (tmp_path / "jarvis.toml").write_text(re.sub("/models/\\w+", str(tmp_path / "model"), text))
    environ = {
        name: str(tmp_path / places[value]) if value in places else value
        for name, value in environment.items()
    }
    return load(tmp_path / "jarvis.toml", environ={**environ, "JARVIS_DATA_DIR": str(tmp_path)})


def test_they_fit_the_schemas_of_kubernetes(manifests):
    validator = pytest.importorskip("kubernetes_validate", reason="kubernetes-validate is not installed")
    for kind, manifest in manifests.items():
        if kind != "ServiceMonitor":  # of the Prometheus Operator, whose schemas are not there
            validator.validate(manifest, validator.latest_version(), strict=True)


def test_the_configuration_passes_the_check(config):
    check(config)


def test_a_pod_has_the_time_to_drain(pod, config):
    server = config.server
    needed = server.drain_delay_seconds + server.drain_timeout_seconds + CLOSE_SECONDS
    assert needed + 5 <= pod["terminationGracePeriodSeconds"] <= needed + 60


def test_the_ports_are_those_that_the_server_listens_on(manifests, container, config):
    ports = {one["name"]: one["containerPort"] for one in container["ports"]}
    (listen,) = config.server.listen
    assert ports == {
        "grpc": int(listen.rpartition(":")[2]),
        "http": int(config.http.listen.rpartition(":")[2]),
    }
    service = {one["name"]: (one["port"], one["targetPort"]) for one in manifests["Service"]["spec"]["ports"]}
    assert service == {name: (port, name) for name, port in ports.items()}
    rules = manifests["NetworkPolicy"]["spec"]["ingress"]
    assert [rule["ports"] for rule in rules] == [[{"port": "grpc"}], [{"port": "http"}]]
    (endpoint,) = manifests["ServiceMonitor"]["spec"]["endpoints"]
    assert endpoint["port"] == "http"


def test_the_probes_ask_what_the_server_answers(container, config):
    startup, readiness, liveness = (
        container[f"{name}Probe"] for name in ("startup", "readiness", "liveness")
    )
    scheme = {"scheme": "HTTPS"} if config.server.tls.certificate else {}
    assert liveness["httpGet"] == {"path": "/health", "port": "http", **scheme}
    for probe in (startup, readiness):
        if scheme:  # the kubelet's gRPC probes do not speak TLS
            assert (probe.get("grpc"), probe["httpGet"]) == (
                None,
                {"path": "/ready", "port": "http", **scheme},
            )
        else:
            assert probe["grpc"]["port"] == container["ports"][0]["containerPort"]
            assert probe["grpc"]["service"] in {SERVER_SERVICE, *SERVICES.values()}
    assert config.auth.open_health  # probes show nothing


def test_the_selectors_select_the_pods(manifests):
    labels = manifests["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert manifests["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert manifests["Service"]["spec"]["selector"] == labels
    assert manifests["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    assert manifests["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    monitored = manifests["ServiceMonitor"]["spec"]["selector"]["matchLabels"]
    assert manifests["Service"]["metadata"]["labels"] == monitored
    assert (
        f'job="{manifests["Service"]["metadata"]["name"]}"'
        in (ROOT / "deploy/prometheus/rules.yml").read_text()
    )


def test_only_one_pod_opens_the_store(manifests, pod, config):
    deployment = manifests["Deployment"]["spec"]
    volumes = {one["name"]: one for one in pod["volumes"]}
    if config.store.adapter == "none":
        assert "replicas" not in deployment
        assert manifests["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"] == "jarvis"
    else:
        assert (deployment["replicas"], deployment["strategy"]) == (1, {"type": "Recreate"})
        assert "HorizontalPodAutoscaler" not in manifests
        claim = volumes["data"]["persistentVolumeClaim"]["claimName"]
        assert claim == manifests["PersistentVolumeClaim"]["metadata"]["name"]


def test_what_the_server_writes_is_a_volume(pod, container, image_environment):
    assert container["securityContext"]["readOnlyRootFilesystem"]
    mounts = {one["mountPath"]: one["name"] for one in container["volumeMounts"]}
    written = {value for name, value in image_environment.items() if name != "PATH"}
    assert {*written, "/tmp", "/dev/shm"} <= mounts.keys()  # noqa: S108 - of the container
    assert set(mounts.values()) == {one["name"] for one in pod["volumes"]}


def test_the_autoscaler_reads_what_jarvis_exports(overlay, build):
    documented = {
        name: set(re.findall(r"`(\w+)`", labels))
        for name, labels in ROW.findall((ROOT / "docs/monitoring.md").read_text())
    }
    scaler = build(overlay)["HorizontalPodAutoscaler"]["spec"]
    rules = yaml.safe_load((ROOT / "deploy/kubernetes/prometheus-adapter.yaml").read_text())["rules"][
        "custom"
    ]
    served = {}
    for rule in rules:
        name, labels = re.fullmatch(r"(\w+)\{(.*)\}", rule["seriesQuery"]).groups()
        served[name] = set(re.findall(r"(\w+)!?=", labels)) - {"namespace", "pod"}  # which Prometheus adds
    wanted = [one["pods"]["metric"]["name"] for one in scaler["metrics"]]
    assert sorted(wanted) == sorted(served)
    for name, labels in served.items():
        assert labels <= documented[name]
