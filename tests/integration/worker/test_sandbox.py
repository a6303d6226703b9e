"""The worker's own sandbox (S3, F58). `sesverify-strict` is the worker, except that a refused system call ends it: what works
with it was refused nothing."""
import json
import os
import pathlib
import signal
import subprocess
import urllib.request

import pytest

from bad_days import logged, register, wait_logged
from redis_variant import TlsServer
from sandbox import wait_for
from world import DEADLINE_S, World, worker_program

pytestmark = pytest.mark.skipif(bool(os.environ.get("SV_SANITIZE")), reason="sanitizers need files and calls of their own")
DOMAIN = "client.example"
ON = {"SESVERIFY_WORKER_SANDBOX": "on"}
KEYS = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}


def status(pid):
    return dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)


def aws_file(folder, text):
    file = folder / "aws"
    file.write_text(text)
    file.chmod(0o600)
    return {**KEYS, "AWS_SHARED_CREDENTIALS_FILE": str(file), "AWS_CONFIG_FILE": str(file)}


def get(worker, path):
    address = wait_logged(worker, "status_port")[0]["address"]
    with urllib.request.urlopen(f"http://{address}{path}", timeout=DEADLINE_S) as answer:
        return answer.read().decode()


def test_F58_every_feature_once_and_nothing_is_refused(tmp_path):
    """Redis over TLS, keys from a file, a domain's whole life, the status port, a dump, more and less log, reloads with settings
    and keys read anew, a lost connection made again, a host name looked up, a drain."""
    file = tmp_path / "live.conf"
    file.write_text("[log]\nlevel = info\n")
    keys = aws_file(tmp_path, "[default]\naws_access_key_id = AKIDONE\naws_secret_access_key = akidone\n")
    both = [f"--{what}={value}" for key in ("AKIDONE", "AKIDTWO") for what, value in (("access-key", key), ("secret-key", key.lower()))]
    with World(server=TlsServer(), variant="sesverify-strict", sandbox_args=both,
               settings={**ON, "SESVERIFY_LOG_LEVEL": None}) as world:
        endpoint = world.sandbox.environment()["AWS_ENDPOINT_URL_SES"].replace("127.0.0.1", "localhost")
        worker = world.start_worker(args=["--config", file], SESVERIFY_ACCOUNT_DEFAULT_ENDPOINT_URL=endpoint, **keys,
                                    SESVERIFY_WORKER_PROBE="true", SESVERIFY_WORKER_PLAN_TRACE=str(tmp_path / "trace"))
        told = wait_logged(worker, "sandboxed")[0]
        assert (told["files"], told["calls"]) == ("read_only", "of_a_worker")
        filters = {pathlib.Path(task).joinpath("status").read_text().split("Seccomp:\t")[1][0]
                   for task in pathlib.Path(f"/proc/{worker.pid}/task").iterdir()}
        assert filters == {"2"} and status(worker.pid)["NoNewPrivs"] == "1"
        registered = register(world, DOMAIN)
        verified = world.wait_event("verified", DOMAIN)
        for path in ("/livez", "/readyz", "/status", "/metrics", "/"):
            assert get(worker, path)
        assert 'process_open_fds' in get(worker, "/metrics")
        worker.signal(signal.SIGUSR1)
        wait_logged(worker, "state")
        worker.signal(signal.SIGUSR2)
        wait_logged(worker, "debug_on")
        entry = world.push("remove", "client-1", DOMAIN, delete_identity=True)
        world.wait_answer(entry)
        aws_file(tmp_path, "[default]\naws_access_key_id = AKIDTWO\naws_secret_access_key = akidtwo\n")
        file.write_text("[log]\nlevel = debug\n")
        worker.signal(signal.SIGHUP)
        wait_logged(worker, "reloaded")
        wait_logged(worker, "credentials_refreshed")
        world.redis.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        register(world, "second.example")
        world.wait_event("verified", "second.example")
        worker.signal(signal.SIGTERM)
        assert worker.process.wait(DEADLINE_S) == 0, worker.text()[-3000:]
        assert registered is not None and verified is not None and (tmp_path / "trace").read_text()


def test_a_sandbox_that_is_off_is_none():
    with World(settings={"SESVERIFY_WORKER_SANDBOX": "off"}) as world:
        worker = world.start_worker()
        assert status(worker.pid)["Seccomp"] == "0" and not logged(worker, "sandboxed")


def test_keys_of_a_program_leave_room_for_programs(tmp_path):
    program = tmp_path / "keys"
    program.write_text('#!/bin/sh\ntouch "$0.ran"\necho \'{"Version": 1, "AccessKeyId": "AKIDSANDBOX", "SecretAccessKey": "sandbox-secret"}\'\n')
    program.chmod(0o755)
    keys = aws_file(tmp_path, f"[default]\ncredential_process = {program}\n")
    with World(variant="sesverify-strict", settings=ON) as world:
        worker = world.start_worker(**keys)
        told = wait_logged(worker, "sandboxed")[0]
        assert (told["files"], told["calls"]) == ("all", "of_programs")
        ran = pathlib.Path(f"{program}.ran")
        ran.unlink()
        worker.signal(signal.SIGHUP)
        wait_for(ran.exists, "the program to be run again")
        register(world, DOMAIN)
        world.wait_event("verified", DOMAIN)


def test_a_sink_that_starts_programs_may_do_so(tmp_path):
    got, program, file = tmp_path / "got", tmp_path / "take", tmp_path / "sinks.conf"
    program.write_text(f"""#!/bin/sh
while read -r event; do
    printf '%s\\n' "$event" >>{got}
    printf '%s\\n' "$event" | sed 's/.*"id":"\\([^"]*\\)".*/ok \\1/'
done
""")
    program.chmod(0o755)
    file.write_text(f"[sink pipe]\nkind = exec\ncommand = {program}\n")
    with World(variant="sesverify-strict", settings=ON) as world:
        worker = world.start_worker(args=["--config", file])
        assert wait_logged(worker, "sandboxed")[0]["calls"] == "of_programs"
        register(world, DOMAIN)
        wait_for(lambda: got.exists() and "domain.registered" in got.read_text(), "the event in the program's file")


@pytest.mark.parametrize("call, files, calls", [("landlock_create_ruleset", "all", "of_a_worker"), ("seccomp", "read_only", "all")])
def test_a_kernel_that_lacks_something(call, files, calls):
    """auto takes what there is and says so; on refuses to start."""
    lacking = worker_program("lacking")
    with World() as world:
        environment = {**world.environment(), "SESVERIFY_WORKER_SANDBOX": "on"}
        done = subprocess.run([lacking, call, worker_program(), "run"], env=environment, capture_output=True, text=True,
                              timeout=DEADLINE_S, check=False)
        assert done.returncode == 78 and '"event":"sandbox_refused"' in done.stderr, done.stderr[-2000:]
        with subprocess.Popen([lacking, call, worker_program(), "run"], env={**environment, "SESVERIFY_WORKER_SANDBOX": "auto"},
                              stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as worker:
            register(world, DOMAIN)
            world.wait_event("verified", DOMAIN)
            worker.terminate()
            said = [json.loads(line) for line in worker.stderr.read().splitlines()]
            assert worker.wait(DEADLINE_S) == 0
        told = next(line for line in said if line["event"] == "sandboxed")
        assert (told["files"], told["calls"]) == (files, calls)
        assert any(line["event"] == "sandbox_partial" for line in said)
