"""The program itself: its options, its beginning and its end."""

import json
import signal
import socket
import subprocess

import dns.message
import pytest

from sandbox import DEADLINE_S, Sandbox, program


def run(*args, **more):
    return subprocess.run([program(), *args], capture_output=True, text=True, timeout=DEADLINE_S, **more)


def test_help_and_version():
    result = run("--help")
    assert result.returncode == 0 and result.stdout.startswith("usage: sesverify-sandbox") and not result.stderr
    assert all(len(line) <= 110 for line in result.stdout.splitlines())
    assert run("--version").stdout.startswith("sesverify-sandbox ")


@pytest.mark.parametrize(
    "args",
    [
        ["--listen", "nowhere"],
        ["--listen", "127.0.0.1:70000"],
        ["--control", "localhost:1"],
        ["--dns", "127.0.0.1"],
        ["--speed", "fast"],
        ["--speed", "-1"],
        ["--rate", "nan"],
        ["--look-every", "60"],
        ["--look-every", "0s"],
        ["--secret-key", "x"],
        ["--account", "x"],
        ["--access-key", "A", "--secret-key", "B", "--account", "x/y"],
        ["--access-key", "A"],
        ["--access-key", "A", "--access-key", "B"],
        ["--region", ""],
        ["--frobnicate"],
        ["stray"],
        ["--dns", "127.0.0.1:53", "--zone", "x"],
    ],
)
def test_bad_options_are_named(args):
    result = run(*args)
    assert result.returncode == 64 and not result.stdout
    assert any(word.lstrip("-") in result.stderr for word in args)


def test_start_failures(tmp_path):
    missing = run("--zone", str(tmp_path / "none"))
    assert missing.returncode == 1 and "none" in missing.stderr
    zone = tmp_path / "zone"
    zone.write_text("a.example 300 A 192.0.2.1\na.example 300 WHAT x\n")
    broken = run("--zone", str(zone))
    assert broken.returncode == 1 and f"{zone}:2: " in broken.stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for option in ("--listen", "--control", "--dns-listen"):
            busy = run(option, f"127.0.0.1:{port}")
            assert busy.returncode == 1 and str(port) in busy.stderr


def test_ready_line():
    with Sandbox() as sb:
        assert set(sb.ready) == {"schema", "ses", "dns", "control", "pid"}
        assert sb.ready["schema"] == "sesverify.sandbox.ready.v1"
        assert sb.ready["pid"] == sb.process.pid
        assert sb.ready["ses"].startswith("http://127.0.0.1:")


def test_ipv6():
    with Sandbox("--listen", "[::1]:0", "--control", "[::1]:0", "--dns-listen", "[::1]:0", "--speed", "1000") as sb:
        assert sb.ses_url.startswith("http://[::1]:") and sb.dns_addr.startswith("[::1]:")
        sb.control.post("/zone", {"add": ["a.example 60 SOA n.a.example h.a.example 1 2 3 4 5"]})
        lines = sb.records("a.example")["lines"]
        sb.zone_add(*lines["dkim"])
        sb.client("ses").verify_domain_dkim(Domain="a.example")
        sb.wait_status("a.example", dkim="Success")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_cleanly(number):
    sb = Sandbox().start()
    sb.client("ses").get_send_quota()
    sb.process.send_signal(number)
    assert sb.process.wait(DEADLINE_S) == 0
    sb.stop()


def test_ends_cleanly_in_the_middle_of_everything():
    sb = Sandbox("--dns", "127.0.0.1:9", "--dns-listen", "127.0.0.1:0", "--speed", "1000").start()
    sb.client("ses").verify_domain_dkim(Domain="a.example")  # a look that nobody answers
    sb.fault("hang", ms=-1)
    sb.dns_fault("slow", ms=60000)
    host, port = sb.ses_url.removeprefix("http://").split(":")
    from test_faults import quota

    with pytest.raises(TimeoutError):
        quota(sb, timeout_s=0.2)
    with socket.create_connection((host, int(port))), socket.create_connection((sb.dns_host, sb.dns_port)):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            question = dns.message.make_query("a", "A").to_wire()
            sock.sendto(question, (sb.dns_host, sb.dns_port))
        sb.stop()


def test_exit_with_stdin():
    process = subprocess.Popen(
        [program(), "--exit-with-stdin"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert json.loads(process.stdout.readline())["pid"] == process.pid
    assert process.poll() is None
    process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0


def test_thousands_of_identities(start):
    sb = start("--speed", "1000", "--look-every", "1h")
    names = [f"d{i:04}.example" for i in range(10000)]
    sb.control.post("/identities", {"names": names, "create": True, "dkim": "Pending", "identity": "Pending"})
    ses, seen, more = sb.client("sesv2"), 0, {}
    while more is not None:
        page = ses.list_email_identities(PageSize=1000, **more)
        seen += len(page["EmailIdentities"])
        more = {"NextToken": page["NextToken"]} if page.get("NextToken") else None
    assert seen == 10000
    with pytest.raises(ses.exceptions.LimitExceededException):
        ses.create_email_identity(EmailIdentity="one.too.many.example")
    sb.control.post("/identities", {"names": names[1000:], "delete": True})
    sb.publish("d0777.example")
    sb.wait_status("d0777.example", dkim="Success")
