"""The RPM (K5): it holds what the Debian package holds, and rpm installs, keeps and removes it as the manual says."""
import os
import pathlib
import subprocess

import pytest

import made

CONFIGURATION = "etc/sesverify/sesverify.conf"
DATABASE = "var/lib/rpm"


def ask(*words):
    done = subprocess.run(["rpm", "--dbpath", f"/{DATABASE}", *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def tree(root):
    """path: (mode, bytes or where a link leads) of every file, without rpm's own database."""
    found = {}
    for path in sorted(pathlib.Path(root).rglob("*")):
        name = str(path.relative_to(root))
        if (path.is_symlink() or path.is_file()) and not name.startswith(DATABASE):
            found[name] = (path.lstat().st_mode, os.readlink(path) if path.is_symlink() else path.read_bytes())
    return found


@pytest.fixture(name="unpacked", scope="module")
def _unpacked(deb, tmp_path_factory):
    """What is in the Debian package."""
    folder = tmp_path_factory.mktemp("deb")
    subprocess.run(["dpkg-deb", "--extract", str(deb), str(folder)], check=True)
    return tree(folder)


def test_K5_what_the_rpm_tells_of_itself(deb, rpm, unpacked):
    version = subprocess.run(["dpkg-deb", "--field", str(deb), "Version"], capture_output=True, text=True, check=True).stdout.strip()
    told = ask("-qp", "--queryformat", "%{NAME} %{VERSION} %{LICENSE} %{BUILDHOST}\n%{SUMMARY}\n%{DESCRIPTION}", rpm)
    assert told.startswith(f"sesverify {version} Apache-2.0 localhost\nverifies and guards"), told
    assert {line for line in ask("-qpl", rpm).split() if line[1:] in unpacked} == {f"/{name}" for name in unpacked}
    owners = set(ask("-qp", "--queryformat", "[%{FILEUSERNAME}:%{FILEGROUPNAME}\n]", rpm).split())
    assert owners == {"root:root"}
    # Folders that belong to the system are not ours.
    ours = {line for line in ask("-qp", "--queryformat", "[%{FILEMODES:perms} %{FILENAMES}\n]", rpm).splitlines() if line[0] == "d"}
    assert ours and all("sesverify" in line for line in ours), ours
    assert ask("-qpc", rpm).split() == [f"/{CONFIGURATION}"]
    needed = ask("-qpR", rpm)
    for name in ("ca-certificates", "libcurl.so.4", "libhiredis.so", "libuv.so.1", "/bin/sh"):
        assert name in needed, needed
    assert str(made.SOURCE) not in needed + ask("-qp", "--scripts", rpm)


def test_K5_an_empty_root_holds_the_same_as_by_the_deb(rpm, unpacked, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    ask("--root", root, "--initdb")
    ask("--root", root, "-i", "--nodeps", "--noscripts", rpm)
    got = tree(root)
    assert set(got) == set(unpacked)
    assert not [name for name in unpacked if got[name] != unpacked[name]]
    assert ask("--root", root, "-V", "--nodeps", "--noscripts", "sesverify") == ""
    settings = root / CONFIGURATION
    settings.write_text("# ours\n")
    ask("--root", root, "-U", "--force", "--nodeps", "--noscripts", rpm)
    assert settings.read_text() == "# ours\n", "an upgrade leaves settings alone"
    ask("--root", root, "-e", "--nodeps", "--noscripts", "sesverify")
    assert list(tree(root)) == [f"{CONFIGURATION}.rpmsave"]
    print(f"{rpm.name}: {len(unpacked)} files, {rpm.stat().st_size} bytes")


@pytest.mark.parametrize("script, words, does", [
    ("postinst", ["1"], ["systemd-sysusers sesverify.conf", "systemd-tmpfiles --create sesverify.conf", "systemctl --system daemon-reload"]),
    ("postinst", ["2"], ["systemd-sysusers sesverify.conf", "systemd-tmpfiles --create sesverify.conf", "systemctl --system daemon-reload",
                         "systemctl try-restart sesverify.service sesverify@*.service"]),
    ("prerm", ["1"], []),
    ("prerm", ["0"], ["systemctl stop sesverify.service sesverify@*.service", "systemctl --quiet disable sesverify.service"]),
    ("postrm", ["0"], ["systemctl --system daemon-reload"]),
])
def test_K5_what_is_done_when_rpm_runs_a_script(script, words, does, tmp_path):
    """The scripts are dpkg's, whose way test_deb.py goes; here with rpm's words, and programs that only write down what they hear."""
    log = tmp_path / "log"
    log.write_text("")
    for name in ("systemctl", "systemd-sysusers", "systemd-tmpfiles"):
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >>{log}\n')
        program.chmod(0o755)
    text = (made.SOURCE / "deploy/debian" / script).read_text().replace("/run/systemd/system", str(tmp_path))
    subprocess.run(["sh", "-c", text, script, *words], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=True)
    assert log.read_text().splitlines() == does
