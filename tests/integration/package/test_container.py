"""What the image is made by, run here: its second stage builds a root out of the package, and a worker lives in it as uid 65532
on a read-only root, as the Dockerfile and the manifests say. No engine builds the image itself here."""
import json
import os
import pathlib
import re
import signal
import subprocess

import pytest
import yaml

from sandbox import wait_for
from redis_server import RedisServer
from made import SOURCE
from world import DEADLINE_S, World

CONTAINER = SOURCE / "deploy" / "container"
KUBERNETES = SOURCE / "deploy" / "kubernetes"
START = """
set -e
mount --bind "$IMAGE" "$IMAGE"
mount -o remount,bind,ro "$IMAGE"
exec setpriv --no-new-privs chroot --userspec 65532:65532 "$IMAGE" "$@"
"""


def dockerfile():
    """The instructions, continued lines joined, of the last stage."""
    text = re.sub(r"\\\n\s*", "", (CONTAINER / "Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    last = max(i for i, line in enumerate(lines) if line.startswith("FROM"))
    return [tuple(line.split(" ", 1)) for line in lines[last:]]


def instruction(name):
    found = [value for key, value in dockerfile() if key == name]
    assert len(found) == 1, (name, found)
    return found[0]


def command_line():
    return json.loads(instruction("ENTRYPOINT")) + json.loads(instruction("CMD"))


@pytest.fixture(name="image", scope="module")
def _image(deb, tmp_path_factory):
    folder = tmp_path_factory.mktemp("image") / "root"
    subprocess.run([str(CONTAINER / "build-root"), str(deb), str(folder)], check=True, timeout=300)
    return folder


def test_K1_what_the_image_says():
    assert instruction("FROM") == "scratch" and instruction("USER") == "65532:65532"
    assert instruction("STOPSIGNAL") == "SIGTERM" and command_line() == ["/usr/bin/sesverify", "run"]
    assert json.loads(instruction("HEALTHCHECK").split("CMD ", 1)[1]) == ["/usr/bin/sesverify", "health"]
    assert "org.opencontainers.image.title" in instruction("LABEL")
    build = (CONTAINER / "Dockerfile").read_text()
    assert "deploy/build-deb" in build and "deploy/container/build-root" in build, "the steps are the scripts that are tested"


def test_K2_nothing_but_what_is_needed(image):
    names = [str(path.relative_to(image)) for path in image.rglob("*") if path.is_file()]
    programs = [name for name in names if os.access(image / name, os.X_OK) and "/lib" not in f"/{name}"]
    assert sorted(programs) == ["usr/bin/sesverify", "usr/bin/sesverify-sandbox"], programs
    packed = subprocess.run(["tar", "-C", str(image), "-cz", "."], capture_output=True, check=True)
    print(f"{len(names)} files, {len(packed.stdout) / (1 << 20):.1f} MiB compressed")
    sbom = json.loads((image / "usr/share/doc/sesverify/sesverify.cdx.json").read_text())
    listed = {one["name"] for one in sbom["components"]}
    shipped = {path.name for path in (image / "var/lib/dpkg/status.d").iterdir()}
    assert shipped and shipped <= listed, shipped - listed
    assert len(listed) == len(sbom["dependencies"][0]["dependsOn"]) and sbom["bomFormat"] == "CycloneDX"


@pytest.mark.skipif(os.getuid() != 0, reason="mounts")
def test_K1_a_worker_lives_in_it(image):
    """As its entry point says, without a shell, a home, a writable file or a privilege; it drains when asked to stop."""
    with World(server=RedisServer(port=True)) as world:
        environment = {k: v for k, v in world.environment().items() if k.startswith(("AWS_", "SESVERIFY_"))}
        environment.update(IMAGE=str(image), PATH=os.environ["PATH"], SESVERIFY_REDIS_URL=world.redis_server.url(tcp=True))
        worker = subprocess.Popen(["unshare", "-m", "sh", "-c", START, "sh", *command_line()], env=environment,
                                  stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            world.push("register", "c", "client.example")
            records = world.wait_event("registered", "client.example")["data"]["dns_records"]
            world.publish("client.example", records)
            world.wait_event("verified", "client.example")
            told = pathlib.Path(f"/proc/{worker.pid}/status").read_text()
            assert "Uid:\t65532\t65532\t65532\t65532" in told and "CapEff:\t0000000000000000" in told
            assert os.readlink(f"/proc/{worker.pid}/root") == str(image)
        finally:
            worker.send_signal(signal.SIGTERM)
            said = worker.communicate(timeout=DEADLINE_S)[1]
            print(said[-1500:])
        assert worker.returncode == 0, said[-3000:]


# --- manifests ---

def manifests(name):
    return [one for one in yaml.safe_load_all((KUBERNETES / name).read_text()) if one]


def of_kind(kind, name="sesverify.yaml"):
    found = [one for one in manifests(name) if one["kind"] == kind]
    assert len(found) == 1, (kind, len(found))
    return found[0]


def seconds(text):
    return int(re.fullmatch(r"(\d+)s", text).group(1))


def settings():
    """Every setting with its default, section.key, as the manual lists them."""
    text = (SOURCE / "worker" / "config_table.c").read_text()
    return {f"{section}.{key}": default for section, key, default
            in re.findall(r'\{"(\w+)", "(\w+)", SV_SETTING_\w+,\s+"([^"]*)"', text)}


def test_K3_the_pod_is_held_down_and_its_probes_are_there():
    pod = of_kind("Deployment")["spec"]["template"]["spec"]
    worker, = pod["containers"]
    assert pod["automountServiceAccountToken"] is False and of_kind("ServiceAccount")["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True and pod["securityContext"]["runAsUser"] == 65532
    assert pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
    assert worker["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
                                         "capabilities": {"drop": ["ALL"]}}
    port, = worker["ports"]
    served = set(re.findall(r'\{"(/\w+)", show_', (SOURCE / "worker" / "monitor.c").read_text()))
    for probe, path in (("livenessProbe", "/livez"), ("readinessProbe", "/readyz"), ("startupProbe", "/readyz")):
        ask = worker[probe]["httpGet"]
        assert ask == {"path": path, "port": port["name"]} and path in served, probe
    startup = worker["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] >= seconds(settings()["worker.startup_timeout"])
    assert seconds(settings()["worker.drain_timeout"]) + 2 < pod["terminationGracePeriodSeconds"] == 40
    config = of_kind("ConfigMap")["data"]["sesverify.conf"]
    assert f"listen = 0.0.0.0:{port['containerPort']}" in config
    assert worker["args"][0] == "run" and worker["args"][2] == f"{worker['volumeMounts'][0]['mountPath']}/sesverify.conf"
    assert dict((one["name"], one["value"]) for one in worker["env"])["CREDENTIALS_DIRECTORY"] == worker["volumeMounts"][1]["mountPath"]
    assert pod["volumes"][1]["secret"]["defaultMode"] & 0o007 == 0, "a secret that others can read is refused"
    ports = {one["port"] for rule in of_kind("NetworkPolicy")["spec"]["egress"] for one in rule["ports"]}
    assert {53, 443, 6379} == ports
    assert of_kind("PodDisruptionBudget")["spec"]["selector"] == of_kind("Deployment")["spec"]["selector"]


def test_K3_the_settings_are_ones_that_exist(tmp_path):
    from world import worker_program
    file = tmp_path / "sesverify.conf"
    file.write_text(of_kind("ConfigMap")["data"]["sesverify.conf"])
    done = subprocess.run([worker_program(), "config", "check", "--config", str(file)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    worker = yaml.safe_load((CONTAINER / "compose.yaml").read_text())["services"]["sesverify"]
    known = {f"SESVERIFY_{name.replace('.', '_').upper()}" for name in settings()}
    used = {name for name in worker["environment"] if name.startswith("SESVERIFY_")}
    assert used <= known, used - known
    assert worker["read_only"] is True and worker["cap_drop"] == ["ALL"] and worker["stop_grace_period"] == "40s"


def test_K4_what_is_scaled_by():
    scaled = of_kind("ScaledObject", "keda.yaml")["spec"]
    trigger, = scaled["triggers"]
    assert scaled["minReplicaCount"] == 1 and trigger["type"] == "redis-streams"
    with World(server=RedisServer()) as world:
        world.start_worker()
        name = trigger["metadata"]["stream"]
        wait_for(lambda: world.redis.exists(name), "the stream")
        groups = [group["name"].decode() for group in world.redis.xinfo_groups(name)]
    assert groups == [trigger["metadata"]["consumerGroup"]]
