#!/usr/bin/python3
"""What the tests of packages share, made once and kept in build/: the packages of this source, and a fresh Debian.

    made.package("deb")       # the file; "rpm" for the other one
    made.fresh_debian()       # a tar file: systemd and Redis, nothing of ours

As a program it makes all of them, packages anew; ctest runs it before those tests."""
import os
import pathlib
import shutil
import subprocess
import time
import urllib.request

SOURCE = pathlib.Path(os.environ.get("SV_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[3]))
PACKAGES, DEBIAN = SOURCE / "build" / "package", SOURCE / "build" / "bookworm.tar"
MIRROR = "http://deb.debian.org/debian"
WEEK_S = 7 * 24 * 3600
INCLUDED = "systemd,systemd-sysv,dbus,ca-certificates,redis-server,redis-tools"
CLEAN = {"DEBIAN_FRONTEND": "noninteractive", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "HOME": "/root"}


def build(source, out, **variables):
    """Builds both packages of that source into a folder."""
    done = subprocess.run([str(source / "deploy" / "build-rpm"), str(out)], env={**os.environ, **variables},
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def package(kind):
    """The file, built before: by this program, or now."""
    if not list(PACKAGES.glob(f"*.{kind}")):
        build(SOURCE, PACKAGES)
    return next(PACKAGES.glob(f"*.{kind}"))


def why_no_debian():
    """Why this machine cannot make and use one; None when it can."""
    if os.getuid() != 0:
        return "needs root"
    for program in ("mmdebstrap", "systemd-nspawn", "nsenter", "unshare"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    tried = subprocess.run(["unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--fork", "true"],
                           capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        return f"no namespaces: {tried.stderr.strip()}"
    if is_fresh():
        return None
    try:
        urllib.request.urlopen(f"{MIRROR}/dists/bookworm/Release", timeout=20).close()
    except OSError as error:
        return f"no Debian mirror: {error}"
    return None


def is_fresh():
    """One that was made, and not so long ago that the mirror no longer has what its lists of packages name."""
    return DEBIAN.exists() and time.time() - DEBIAN.stat().st_mtime < WEEK_S


def fresh_debian():
    if not is_fresh():
        DEBIAN.parent.mkdir(exist_ok=True)
        half = DEBIAN.with_suffix(".half.tar")
        done = subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", f"--include={INCLUDED}", "--skip=cleanup/apt/lists",
                               "--dpkgopt=force-unsafe-io", '--aptopt=Acquire::Retries "5"', "bookworm", str(half),
                               f"deb {MIRROR} bookworm main"],
                              env=CLEAN, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        half.rename(DEBIAN)
    return DEBIAN


def main():
    begin = time.monotonic()
    build(SOURCE, PACKAGES)
    print(f"packages: {time.monotonic() - begin:.0f} s")
    begin, reason = time.monotonic(), why_no_debian()
    if reason is None:
        fresh_debian()
    print(f"a fresh Debian: {reason or f'{time.monotonic() - begin:.0f} s'}")


if __name__ == "__main__":
    main()
