"""What stands in deploy/: files of the forms that their tools take, which name nothing that is not there."""

import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from jsonschema import Draft202012Validator

from designer_configs.compile.profile import load_profile
from tests.conftest import ROOT
from tradelogs.cli import main

FOLDER = ROOT / "deploy"
MANIFESTS = sorted((FOLDER / "k8s").glob("*.yaml"))
KUBERNETES = "1.34"
SERVICE, METRICS = 8600, 9464


def read_manifests() -> list[dict[str, Any]]:
    return [part for path in MANIFESTS for part in yaml.safe_load_all(path.read_text(encoding="utf-8"))]


def find_pods() -> dict[str, dict[str, Any]]:
    """Find the pods' specs of all manifests, by kind."""
    return {m["kind"]: m["spec"]["template"]["spec"] for m in read_manifests() if "template" in m.get("spec", {})}


def read_compose() -> dict[str, Any]:
    return dict(yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8")))


def parse(arguments: list[str]) -> dict[str, Any]:
    """Parse arguments of `tradelogs` as it would, without running anything; gives the values of its options."""
    with click.Context(main) as parent:
        name, command, rest = main.resolve_command(parent, [str(argument) for argument in arguments])
        assert command is not None
        return command.make_context(name, list(rest), parent=parent).params


def test_manifests_are_what_a_cluster_takes() -> None:
    validate = pytest.importorskip("kubernetes_validate", reason="the extra `deploy` is not installed")
    for manifest in read_manifests():
        assert manifest["metadata"]["name"]  # without which the command `kubernetes-validate` says no more than 'name'
        validate.validate(manifest, KUBERNETES, strict=True)


def test_compose_is_what_its_schema_asks_for() -> None:
    found = importlib.util.find_spec("check_jsonschema")
    if found is None or found.origin is None:
        pytest.skip("the extra `deploy` is not installed")
    schema = Path(found.origin).parent / "builtin_schemas/vendor/compose-spec.json"
    assert [e.message for e in Draft202012Validator(json.loads(schema.read_text())).iter_errors(read_compose())] == []


def test_what_is_mounted_named_and_claimed_is_declared() -> None:
    manifests, pods = read_manifests(), find_pods()
    names = {(m["kind"], m["metadata"].get("name")) for m in manifests}
    assert {kind for kind, _ in names} >= {"ConfigMap", "PersistentVolumeClaim", "Job", "Deployment", "Service"}
    for pod in pods.values():
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        for volume in volumes.values():
            if "persistentVolumeClaim" in volume:
                assert ("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]) in names
            if "configMap" in volume:
                assert ("ConfigMap", volume["configMap"]["name"]) in names
        for container in pod["containers"]:
            assert {mount["name"] for mount in container["volumeMounts"]} == {*volumes}


def test_every_container_is_bound_pinned_and_unprivileged() -> None:
    for pod in find_pods().values():
        assert pod["securityContext"]["runAsNonRoot"]
        for container in pod["containers"]:
            assert set(container["resources"]) == {"requests", "limits"}
            assert not container["securityContext"]["allowPrivilegeEscalation"]
            assert {*list_images()} >= {container["image"]}
    for image in list_images():
        assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+[\w.-]*", image), image


def list_images() -> Iterator[str]:
    """List every image that is named anywhere."""
    yield from (container["image"] for pod in find_pods().values() for container in pod["containers"])
    yield from (service["image"] for service in read_compose()["services"].values())
    yield from re.findall(r"^FROM (\S+)", (FOLDER / "Dockerfile").read_text(), re.MULTILINE)


def test_no_secret_is_written_and_no_password_is_a_default() -> None:
    assert "Secret" not in {manifest["kind"] for manifest in read_manifests()}
    grafana = read_compose()["services"]["grafana"]["environment"]
    assert grafana["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == grafana["GF_AUTH_DISABLE_LOGIN_FORM"] == "true"
    texts = [path.read_text(encoding="utf-8") for path in FOLDER.rglob("*") if path.is_file()]
    assert not [text for text in texts if re.search(r"(?i)(password|token|api_key)\s*[:=]\s*['\"]?\w{8,}", text)]


def test_commands_and_options_are_those_of_the_command_line() -> None:
    pods = find_pods()
    (serve,) = pods["Deployment"]["containers"]
    options = parse(serve["args"])
    assert options["port"] == serve["ports"][0]["containerPort"] == parse(["serve"])["port"] == SERVICE
    assert options["token_env"] == "TRADELOGS_TOKEN"
    (script,) = pods["Job"]["containers"][0]["args"]
    calls = [line.partition("tradelogs ")[2].partition(";")[0].split() for line in script.splitlines()]
    assert [parse([part.strip('"') for part in call]) for call in calls if call]
    dockerfile = (FOLDER / "Dockerfile").read_text()
    (command,) = re.findall(r"^CMD (\[\"serve.*\])$", dockerfile, re.MULTILINE)
    assert parse(json.loads(command))["runs"] == options["runs"]
    assert f"EXPOSE {SERVICE}" in dockerfile
    assert f"127.0.0.1:{SERVICE}/healthz" in dockerfile


def test_the_image_has_all_that_it_copies_and_no_more_than_the_rooms() -> None:
    dockerfile = (FOLDER / "Dockerfile").read_text()
    assert "\nUSER 10001\n" in dockerfile
    ignored = (FOLDER / "Dockerfile.dockerignore").read_text().splitlines()
    kept = [line.removeprefix("!") for line in ignored if line.startswith("!")]
    assert [name for name in kept if not (ROOT / name).exists()] == []
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert rooms <= set(kept)


def test_the_profile_of_the_cluster_is_one(tmp_path: Path) -> None:
    (config,) = [manifest for manifest in read_manifests() if manifest["kind"] == "ConfigMap"]
    for name, text in config["data"].items():
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert load_profile(tmp_path / name).dataset.name == "trade_log"
    mounts = [m for pod in find_pods().values() for c in pod["containers"] for m in c["volumeMounts"]]
    assert {m["mountPath"] for m in mounts if "subPath" in m} == {f"/app/designer_configs/{n}" for n in config["data"]}


def test_probes_and_scrapes_ask_for_what_the_service_answers() -> None:
    interface = json.loads((ROOT / "docs/openapi.json").read_text())
    (serve,) = find_pods()["Deployment"]["containers"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert serve[probe]["httpGet"]["path"] in interface["paths"]
        assert serve[probe]["httpGet"]["port"] == serve["ports"][0]["name"]
    assert "/metrics" in interface["paths"]
    (service,) = [manifest for manifest in read_manifests() if manifest["kind"] == "Service"]
    deployment = next(manifest for manifest in read_manifests() if manifest["kind"] == "Deployment")
    assert service["spec"]["selector"] == deployment["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["ports"][0]["targetPort"] == serve["ports"][0]["name"]


def test_prometheus_and_grafana_find_what_they_name() -> None:
    compose = read_compose()
    for service in compose["services"].values():
        for mount in service["volumes"]:
            source = mount.partition(":")[0]
            assert (FOLDER / source).exists() if source.startswith(".") else source in compose["volumes"]
    prometheus, grafana = compose["services"]["prometheus"], compose["services"]["grafana"]
    assert "--web.listen-address=127.0.0.1:9090" in prometheus["command"]
    assert grafana["environment"]["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
    source = yaml.safe_load((FOLDER / "grafana/provisioning/datasources/prometheus.yml").read_text())["datasources"][0]
    assert source["url"] == "http://127.0.0.1:9090"
    dashboard = json.loads((FOLDER / "grafana/dashboards/tradelogs.json").read_text())
    assert {panel["datasource"]["uid"] for panel in dashboard["panels"]} == {source["uid"]}
    scrapes = yaml.safe_load((FOLDER / "prometheus.yml").read_text())["scrape_configs"]
    targets = [target for scrape in scrapes for target in scrape["static_configs"][0]["targets"]]
    assert targets == [f"127.0.0.1:{METRICS}", f"127.0.0.1:{SERVICE}"]
    assert f"METRICS_PORT={METRICS}" in (FOLDER / "observe.sh").read_text()


def test_make_targets_that_are_named_are_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    texts = "\n".join(path.read_text(encoding="utf-8") for path in FOLDER.rglob("*") if path.is_file())
    named = set(re.findall(r"\bmake ([a-z-]+)", texts + (ROOT / "docs/deploy.md").read_text()))
    assert named
    assert named <= targets
