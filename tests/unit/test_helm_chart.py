"""Helm's own library renders deploy/helm/glm-portal, and Kubernetes and the portal accept the result. No cluster runs here."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

import settings
from settings import Settings, variable

CHART = Path(__file__).parents[2] / "deploy" / "helm" / "glm-portal"
NGINX = (CHART.parents[1] / "nginx.conf").read_text("utf-8")
HOSTS: dict[str, Any] = {"host": "portal.example", "adminHost": "admin.portal.example"}
CASES: dict[str, dict[str, Any]] = {
    "default": {},
    "company": {
        "postgresql": True,
        "trustedProxies": "10.0.0.0/8",
        "admin": {
            "replicas": 3,
            "gpu": {"count": 1},
            "runtimeClassName": "nvidia",
            "settings": {"PORTAL_SMTP_HOST": "mail", "PORTAL_SMTP_FROM": "llm@portal.example", "PORTAL_MAX_FILE_MB": 40},
            "settingsFrom": [{"name": "GATEWAY_KEY", "valueFrom": {"secretKeyRef": {"name": "gateway", "key": "key"}}}],
            "persistence": {"size": "2Ti", "storageClass": "fast"},
            "nodeSelector": {"gpu": "h200"},
            "tolerations": [{"key": "gpu", "operator": "Exists"}],
            "affinity": {"podAntiAffinity": {}},
        },
        "user": {"autoscaling": {"enabled": False}, "replicas": 4},
        "image": {"repository": "registry.example/glm-portal", "tag": "0.1.0-gpu", "pullSecrets": ["registry"]},
        "networkPolicy": {"adminEgress": [{"to": [{"ipBlock": {"cidr": "10.1.0.0/16"}}], "ports": [{"protocol": "TCP", "port": 5432}]}]},
        "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    },
    "one server": {"user": {"enabled": False}, "ingress": {"className": ""}, "networkPolicy": {"enabled": False}},
    "two without PostgreSQL": {"admin": {"replicas": 2}},
    "a secret in a setting": {"admin": {"settings": {"PORTAL_MASTER_KEY": "AAAA"}}},
    "a misspelt value": {"replicas": 2},
    "no name": {"host": ""},
}
SCRIPT = """
import json, sys
import helm_python as helm
folder, cases = json.load(sys.stdin)
done = {}
with helm.Chart.load(folder) as chart:
    for name, values in cases.items():
        try:
            done[name] = chart.render(values, name="glm-portal", namespace="llm")
        except helm.HelmError as problem:
            done[name] = str(problem)
print(json.dumps([done, helm.lint(folder, next(iter(cases.values())), strict=True)]))
"""


@pytest.fixture(scope="module")
def helm() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what Helm made of each case, and its findings. It runs in a process of its own, since it brings another runtime along."""
    given = json.dumps([str(CHART), {name: HOSTS | values for name, values in CASES.items()}])
    ran = subprocess.run([sys.executable, "-c", SCRIPT], input=given, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr
    made, found = json.loads(ran.stdout)
    return made, found


def things(helm: tuple[dict[str, Any], dict[str, Any]], case: str) -> dict[tuple[str, str], dict[str, Any]]:
    """Return each manifest of a case by kind and name."""
    texts = {name: text for name, text in helm[0][case].items() if not name.endswith(".txt")}
    made = [each for text in texts.values() for each in yaml.safe_load_all(text) if each]
    return {(each["kind"], each["metadata"]["name"]): each for each in made}


def container(thing: dict[str, Any]) -> dict[str, Any]:
    [only] = thing["spec"]["template"]["spec"]["containers"]
    found: dict[str, Any] = only
    return found


def environment(thing: dict[str, Any]) -> dict[str, str]:
    """Return the variables of a pod, secrets by the name of their key."""
    return {each["name"]: each.get("value") or each["valueFrom"]["secretKeyRef"]["key"] for each in container(thing)["env"]}


def test_helm_finds_nothing_to_improve_but_an_icon(helm: tuple[dict[str, Any], dict[str, Any]]) -> None:
    assert [each["error"] for each in helm[1]["messages"] if "icon" not in each["error"]] == [] and helm[1]["errors"] == []


@pytest.mark.parametrize(("case", "version"), [("company", "1.30"), ("company", "1.37"), ("one server", "1.37")])
def test_kubernetes_knows_every_field(helm: tuple[dict[str, Any], dict[str, Any]], case: str, version: str) -> None:
    made = things(helm, case)
    assert len(made) >= 4
    for (kind, _), thing in made.items():
        if kind != "ServiceMonitor":
            kubernetes_validate.validate(thing, version, strict=True)


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("two without PostgreSQL", "/admin/replicas.*want 1"),
        ("a secret in a setting", "PORTAL_MASTER_KEY"),
        ("a misspelt value", "'replicas' not allowed"),
        ("no name", "/host"),
    ],
)
def test_wrong_values_are_refused(helm: tuple[dict[str, Any], dict[str, Any]], case: str, reason: str) -> None:
    assert isinstance(helm[0][case], str) and re.search(reason, helm[0][case])


@pytest.mark.parametrize("case", ["default", "company"])
def test_the_portal_accepts_the_settings_of_its_pods(helm: tuple[dict[str, Any], dict[str, Any]], case: str, tmp_path: Path) -> None:
    secrets = {
        "service-keys": "k" * 64, "master-key": "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=", "admin-password": "correct horse battery",
        "metrics-token": "m" * 64, "database-url": "postgresql://portal:secret@db.example/portal",
    }  # fmt: skip
    made = things(helm, case)
    admin, user = made["StatefulSet", "glm-portal-admin"], made["Deployment", "glm-portal-user"]
    known = {variable(name) for name in Settings.__dataclass_fields__} | {"XDG_CACHE_HOME", "PYTHONPYCACHEPREFIX", "GATEWAY_KEY"}
    for thing, port in ((admin, 7860), (user, 7861)):
        given = environment(thing)
        assert set(given) <= known
        found = settings.load({name: secrets.get(value, value) for name, value in given.items()} | {"PORTAL_HOME": str(tmp_path)})
        assert found.port == port == container(thing)["ports"][0]["containerPort"]
    served = settings.load({name: secrets.get(value, value) for name, value in environment(admin).items()} | {"PORTAL_HOME": str(tmp_path)})
    assert served.embedded is (case == "default")
    addresses = environment(user)["PORTAL_SERVER"].split(",")
    assert addresses[0] == "http://glm-portal-admin-0.glm-portal-admin.llm.svc.cluster.local:7860"
    assert len(addresses) == admin["spec"]["replicas"]
    assert environment(admin)["PORTAL_ALLOWED_HOSTS"] == "*.glm-portal-admin.llm.svc.cluster.local,admin.portal.example"


def test_no_secret_stands_in_the_chart(helm: tuple[dict[str, Any], dict[str, Any]]) -> None:
    made = things(helm, "company")
    assert not [kind for kind, _ in made if kind == "Secret"]
    for name in ("PORTAL_SERVICE_KEYS", "PORTAL_MASTER_KEY", "PORTAL_ADMIN_PASSWORD", "PORTAL_METRICS_TOKEN", "PORTAL_DATABASE_URL"):
        [given] = [each for each in container(made["StatefulSet", "glm-portal-admin"])["env"] if each["name"] == name]
        assert given["valueFrom"]["secretKeyRef"]["name"] == "glm-portal"
    assert "PORTAL_MASTER_KEY" not in environment(made["Deployment", "glm-portal-user"])


@pytest.mark.parametrize(("kind", "name"), [("StatefulSet", "glm-portal-admin"), ("Deployment", "glm-portal-user")])
def test_pods_run_without_rights_and_write_only_into_volumes(helm: tuple[dict[str, Any], dict[str, Any]], kind: str, name: str) -> None:
    thing = things(helm, "default")[kind, name]
    pod, portal = thing["spec"]["template"]["spec"], container(thing)
    user = re.search(r"--uid (\d+)", (CHART.parents[1] / "Dockerfile").read_text("utf-8"))
    assert user and pod["securityContext"]["runAsUser"] == int(user[1]) and pod["securityContext"]["runAsNonRoot"]
    assert pod["automountServiceAccountToken"] is False
    none = {"drop": ["ALL"]}
    assert portal["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": none}
    written = {each["mountPath"] for each in portal["volumeMounts"]}
    assert written == {"/data", "/tmp"}
    assert {environment(thing)[each].split("/")[1] for each in ("PORTAL_HOME", "XDG_CACHE_HOME", "PYTHONPYCACHEPREFIX")} == {"data"}


def test_probes_ask_routes_of_the_portal(helm: tuple[dict[str, Any], dict[str, Any]]) -> None:
    made = things(helm, "default")
    paths = {
        name: [container(made[name])[f"{probe}Probe"]["httpGet"]["path"] for probe in ("startup", "readiness", "liveness")]
        for name in (("StatefulSet", "glm-portal-admin"), ("Deployment", "glm-portal-user"))
    }
    assert paths["StatefulSet", "glm-portal-admin"] == ["/healthz", "/readyz", "/healthz"]
    assert paths["Deployment", "glm-portal-user"] == ["/healthz"] * 3
    routes = "".join(path.read_text("utf-8") for path in (CHART.parents[2] / "api" / "monitoring").glob("*.py"))
    assert '"/readyz"' in routes and '"/healthz"' in routes


def test_the_ingress_keeps_pages_open_and_measurements_inside(helm: tuple[dict[str, Any], dict[str, Any]]) -> None:
    ingress = things(helm, "default")["Ingress", "glm-portal"]
    said = {name.rpartition("/")[2]: value for name, value in ingress["metadata"]["annotations"].items()}
    assert "proxy_read_timeout 1h;" in NGINX and said["proxy-read-timeout"] == "3600"
    assert "proxy_buffering off;" in NGINX and said["proxy-buffering"] == "off"
    assert f"client_max_body_size {said['proxy-body-size']};" in NGINX
    assert said["affinity"] == "cookie"
    closed = set(re.findall(r"location (?:= )?(/\S*metrics|/_stcore/agent)", NGINX)) | {"/internal"}
    for rule, service in zip(ingress["spec"]["rules"], ("glm-portal-admin-web", "glm-portal-user"), strict=True):
        to = {each["path"]: each["backend"]["service"]["name"] for each in rule["http"]["paths"]}
        assert to == {"/": service} | dict.fromkeys(closed, "glm-portal-closed")


def test_every_policy_and_service_selects_pods_of_the_chart(helm: tuple[dict[str, Any], dict[str, Any]]) -> None:
    made = things(helm, "company")
    pods = [thing["spec"]["template"]["metadata"]["labels"] for (kind, _), thing in made.items() if kind in ("StatefulSet", "Deployment")]
    services = [thing for (kind, _), thing in made.items() if kind == "Service"]

    def selected(wanted: dict[str, str], among: list[dict[str, Any]]) -> int:
        return sum(wanted.items() <= labels.items() for labels in among)

    for (kind, name), thing in made.items():
        if kind in ("Service", "NetworkPolicy", "PodDisruptionBudget", "StatefulSet", "Deployment"):
            found = thing["spec"].get("podSelector") or thing["spec"]["selector"]
            assert selected(found.get("matchLabels", found), pods) == (name != "glm-portal-closed"), (kind, name)
    watched = made["ServiceMonitor", "glm-portal"]["spec"]["selector"]["matchLabels"]
    assert selected(watched, [each["metadata"]["labels"] for each in services]) == 1


def test_a_gpu_is_asked_for_where_it_is_wanted(helm: tuple[dict[str, Any], dict[str, Any]]) -> None:
    admins = {case: things(helm, case)["StatefulSet", "glm-portal-admin"] for case in ("default", "company")}
    limits = {case: container(admin)["resources"]["limits"] for case, admin in admins.items()}
    assert limits == {"default": {"memory": "16Gi"}, "company": {"memory": "16Gi", "nvidia.com/gpu": "1"}}


def test_without_user_servers_everybody_reaches_the_admin_server(helm: tuple[dict[str, Any], dict[str, Any]]) -> None:
    made = things(helm, "one server")
    assert not [kind for kind, _ in made if kind in ("Deployment", "HorizontalPodAutoscaler", "NetworkPolicy")]
    backends = [rule["http"]["paths"][-1]["backend"]["service"]["name"] for rule in made["Ingress", "glm-portal"]["spec"]["rules"]]
    assert backends == ["glm-portal-admin-web"] * 2


def test_the_chart_is_of_the_projects_version() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
    project = re.search(r'^version = "(.+)"$', (CHART.parents[2] / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    assert project and chart["version"] == chart["appVersion"] == project[1]
