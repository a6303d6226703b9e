"""Runs ses_probe, the test's own driver of the SES adapter."""

import json
import os
import pathlib
import subprocess

KEY, SECRET = "AKIDSANDBOX", "sandbox-secret"


def program():
    root = pathlib.Path(__file__).resolve().parents[3]
    build = pathlib.Path(os.environ.get("SV_BINARY_DIR", root / "build" / "debug"))
    return str(build / "tests" / "integration" / "ses" / "ses_probe")


def environment(key=KEY, secret=SECRET, token=None, **more):
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "AWS_ACCESS_KEY_ID": key,
           "AWS_SECRET_ACCESS_KEY": secret, **more}
    if token:
        env["AWS_SESSION_TOKEN"] = token
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
        if name in os.environ:
            env[name] = os.environ[name]
    return env


class Ran:
    """What one run printed: `calls` are the JSON objects, `log` is stderr."""

    def __init__(self, process):
        self.code = process.returncode
        self.log = process.stderr
        self.calls = [json.loads(line) for line in process.stdout.splitlines()]


def run(url, *ops, region="eu-west-1", total_ms=None, ca_file=None, env=None, url_v2=None):
    """Performs the operations against `url`; the program must end well."""
    args = [program(), "--region", region, "--v1", url, "--v2", url_v2 or url]
    if total_ms is not None:
        args += ["--total-ms", str(total_ms)]
    if ca_file is not None:
        args += ["--ca-file", str(ca_file)]
    process = subprocess.run(args + list(ops), capture_output=True, encoding="utf-8", timeout=60,
                             env=env or environment(), check=False)
    ran = Ran(process)
    assert ran.code == 0, ran.log
    assert len(ran.calls) == len(ops)
    return ran


def one(url, op, **how):
    """The single call's object."""
    return run(url, op, **how).calls[0]
