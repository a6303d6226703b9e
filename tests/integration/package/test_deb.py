"""The Debian package (K5): what lintian says, the same bytes from another folder, and its life on a fresh machine."""
import hashlib
import json
import os
import pathlib
import shutil
import subprocess

import pytest

import made
import set_up
from machine import Machine
from made import SOURCE
from sandbox import wait_for


def test_lintian_has_no_errors(deb):
    if shutil.which("lintian") is None:
        pytest.skip("lintian is not installed")
    said = subprocess.run(["lintian", "--allow-root", str(deb)], capture_output=True, text=True, check=False).stdout
    print(said)
    assert not [line for line in said.splitlines() if line.startswith("E:")]


def test_what_is_in_it(deb):
    """Program, stand-in for SES, units, settings, and one version everywhere."""
    files = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(deb)], capture_output=True, check=True)
    names = set(subprocess.run(["tar", "-t"], input=files.stdout, capture_output=True, check=True).stdout.decode().split())
    for name in ("usr/bin/sesverify", "usr/bin/sesverify-sandbox", "usr/lib/systemd/system/sesverify.service",
                 "usr/lib/systemd/system/sesverify@.service", "usr/lib/sysusers.d/sesverify.conf", "usr/lib/tmpfiles.d/sesverify.conf",
                 "etc/sesverify/sesverify.conf", "usr/share/sesverify/prometheus/sesverify.rules.yml",
                 "usr/share/sesverify/redis/users.acl", "usr/share/bash-completion/completions/sesverify", "usr/share/man/man8/sesverify.8.gz",
                 "usr/share/doc/sesverify/running.md", "usr/share/doc/sesverify/copyright"):
        assert f"./{name}" in names, name
    version = subprocess.run(["dpkg-deb", "--field", str(deb), "Version"], capture_output=True, text=True, check=True).stdout.strip()
    first = (SOURCE / "deploy/debian/changelog").read_text().split("\n", 1)[0]
    assert first.startswith(f"sesverify ({version}) ")


def test_built_twice_in_different_folders_gives_the_same_bytes(deb, rpm, tmp_path):
    """The second build is of a copy elsewhere."""
    copy = tmp_path / "somewhere" / "else" / "of-another-length"
    listed = subprocess.run(["git", "-C", str(SOURCE), "ls-files", "-co", "--exclude-standard", "-z"], capture_output=True, check=True)
    for name in listed.stdout.decode().split("\0"):
        if name and (SOURCE / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(SOURCE / name, copy / name)
    (copy / ".git").symlink_to(SOURCE / ".git")
    made.build(copy, tmp_path / "out", TZ="Pacific/Apia", LC_ALL="C.UTF-8", HOME=str(tmp_path))
    for first in (deb, rpm):
        sums = [hashlib.sha256(one.read_bytes()).hexdigest() for one in (first, tmp_path / "out" / first.name)]
        print(first.name, first.stat().st_size, "bytes, sha256", *sums)
        assert sums[0] == sums[1], first.name


def newer(deb, folder):
    """The same package, of a later version."""
    tree = folder / "newer"
    subprocess.run(["dpkg-deb", "--raw-extract", str(deb), str(tree)], check=True)
    control = tree / "DEBIAN" / "control"
    control.write_text(control.read_text().replace("Version: 0.1.0", "Version: 0.1.1"))
    out = folder / "newer.deb"
    subprocess.run(["dpkg-deb", "--root-owner-group", "--build", str(tree), str(out)], check=True, capture_output=True)
    return out


def journal(machine, event):
    lines = machine.run("journalctl", "-u", "sesverify", "-o", "cat", "--no-pager").stdout.splitlines()
    return [json.loads(line[line.index("{"):]) for line in lines if f'"event":"{event}"' in line]


def main_pid(machine):
    return int(machine.run("systemctl", "show", "-p", "MainPID", "--value", "sesverify").stdout)


def install_and_start(machine, deb):
    shutil.copy(deb, machine.root / "root/one.deb")
    machine.inside("apt-get", "install", "-y", "-qq", "--no-install-recommends", "/root/one.deb")
    enabled = [str(path) for path in (machine.root / "etc/systemd/system").glob("*.wants/sesverify*")]
    assert not enabled, "installing enables nothing"
    for path, text, mode in set_up.FILES:
        machine.put(path, text, mode)
    set_up.redis_and_drop_in(machine)
    machine.boot()
    assert machine.run("systemctl", "is-active", "sesverify", check=False).stdout.strip() == "inactive"
    machine.run("systemctl", "start", "ses", "sesverify")


def do_some_work(machine):
    environment = {"SESVERIFY_REDIS_PASSWORD": set_up.PASSWORD}
    machine.run("sesverify", "enqueue", "register", "--client", "acme", "--domain", set_up.DOMAIN, "--wait", environment=environment)
    told = machine.run("sesverify", "events", "tail", "--from", "0", "--no-follow", environment=environment).stdout
    assert "domain.registered" in told, told
    assert "[+] redis answers" in machine.fetch("http://127.0.0.1:9425/readyz")
    machine.run("sesverify", "health")
    assert "sesverify_build_info" in machine.fetch("http://127.0.0.1:9425/metrics")
    started = journal(machine, "sandboxed")[0]
    assert started["calls"] == "of_a_worker" and started["files"] == "read_only", started
    user = machine.run("stat", "-c", "%U", f"/proc/{main_pid(machine)}").stdout.strip()
    assert user == "sesverify", user


def upgrade(machine, deb, folder):
    shutil.copy(newer(deb, folder), machine.root / "root/two.deb")
    before = main_pid(machine)
    machine.run("dpkg", "-i", "/root/two.deb")
    wait_for(lambda: main_pid(machine) not in (0, before), "the new worker")
    assert [line["left"] for line in journal(machine, "drained")] == [0]
    assert [line["exit_code"] for line in journal(machine, "stopped")] == [0]
    assert machine.run("systemctl", "is-active", "sesverify").stdout.strip() == "active"


def remove_and_purge(machine):
    machine.run("dpkg", "-r", "sesverify")
    assert machine.run("systemctl", "is-active", "sesverify", check=False).stdout.strip() != "active"
    assert [line["exit_code"] for line in journal(machine, "stopped")] == [0, 0]
    assert (machine.root / "etc/sesverify/sesverify.conf").exists(), "settings stay until the purge"
    machine.run("dpkg", "-P", "sesverify")
    left = machine.run("find", "/etc", "/usr", "/var", "/run", "/opt", "/home", "-xdev", "-iname", "*sesverify*").stdout.split()
    assert not left, left
    assert machine.run("getent", "passwd", "sesverify", check=False).returncode != 0


def test_a_fresh_machine_from_installation_to_purge(deb, tmp_path):
    """apt finds what it needs; nothing runs by itself; systemctl start with secrets from credstore, under the unit's limits and
    the worker's own sandbox; a job, the status port, the demonstration; an upgrade that drains; remove; purge."""
    reason = made.why_no_debian()
    if reason:
        pytest.skip(reason)
    with Machine(tmp_path) as machine:
        install_and_start(machine, deb)
        do_some_work(machine)
        print(machine.run("runuser", "-u", "nobody", "--", "sesverify", "demo", environment={"HOME": "/tmp"}).stdout[-700:])
        upgrade(machine, deb, tmp_path)
        remove_and_purge(machine)
