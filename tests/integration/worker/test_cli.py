"""The commands as people and scripts meet them: help, exit codes, hints, colour, JSON. No SES account, and Redis only
where a test says so."""
import json
import os
import pathlib
import pty
import re
import socket
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import contract  # noqa: E402
from bad_days import run_timed  # noqa: E402
import redis_variant  # noqa: E402
from redis_server import RedisServer, free_port  # noqa: E402
from sandbox import Sandbox  # noqa: E402
from world import worker_program  # noqa: E402

COMMANDS = ["run", "check", "enqueue", "records", "explain", "status", "top", "stats", "health", "events tail", "import",
            "config check", "config show", "config defaults", "completion"]
WITH_JSON = ["check", "enqueue", "records", "explain", "status", "top", "stats", "health", "events tail", "import",
             "config check", "config show"]
DEADLINE_S = 60


def environment(**more):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "SESVERIFY_", "NO_COLOR"))}
    return {**clean, **more}


def run(*words, **more):
    done = subprocess.run([worker_program(), *map(str, words)], env=environment(**more), stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    if "--json" in words and words[:2] != ("events", "tail"):  # those events are the test's own
        contract.outputs(done.stdout)
    return done


def on_terminal(*words, **more):
    """Output of a command whose standard output is a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([worker_program(), *map(str, words)], env=environment(TERM="xterm", **more),
                               stdin=subprocess.DEVNULL, stdout=theirs, stderr=subprocess.DEVNULL)
    os.close(theirs)
    text = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # the other side is closed
            break
        if not piece:
            break
        text += piece
    os.close(ours)
    assert process.wait(DEADLINE_S) is not None
    return text.decode()


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    zone = tmp_path_factory.mktemp("zone") / "zone"
    zone.write_text("amazonses.com. 1 SOA ns.amazonses.com. h.amazonses.com. 1 3600 600 86400 1\n"
                    'amazonses.com. 1 TXT "v=spf1 ip4:199.255.192.0/22 -all"\n')
    with Sandbox("--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--dns-listen", "127.0.0.1:0", "--zone",
                 zone) as running:
        yield running


# --- help, versions, mistakes (C1, E4) ---

@pytest.mark.parametrize("command", COMMANDS)
def test_C1_help(command):
    done = run(*command.split(), "--help")
    assert done.returncode == 0 and done.stderr == ""
    assert f"Usage: sesverify {command}" in done.stdout
    examples = done.stdout.split("Examples:\n")[1].strip().splitlines()
    assert len(examples) == 2 and all(f"sesverify {command}" in line for line in examples)
    assert ("--json" in done.stdout) == (command in WITH_JSON)


def test_C1_overview_names_every_command():
    done = run("--help")
    assert done.returncode == 0
    for command in COMMANDS:
        assert re.search(rf"^  {command} ", done.stdout, re.M)


def test_C1_version():
    done = run("--version")
    assert done.returncode == 0
    lines = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    assert re.fullmatch(r"\d+\.\d+\.\d+", lines["sesverify"])
    assert re.fullmatch(r"[0-9a-f]{7,40}|unknown", lines["commit"])
    for library in ["libuv", "libcurl", "OpenSSL", "jansson", "hiredis", "ldns", "libidn2", "libpsl"]:
        assert re.match(r"v?\d+\.\d+", lines[library]), library


@pytest.mark.parametrize("words, said", [
    ([], "Usage:"),
    (["chekc"], "unknown command 'chekc' (did you mean 'check'?)"),
    (["config", "shwo"], "(did you mean 'config show'?)"),
    (["event", "tail"], "(did you mean 'events tail'?)"),
    (["qqqqqqqq"], "see sesverify --help"),
    (["--verison"], "(did you mean '--version'?)"),
    (["config"], "config defaults"),
    (["check"], "DOMAIN is missing"),
    (["check", "a.example", "b.example"], "unexpected 'b.example'"),
    (["check", "a.example", "--regoin", "x"], "(did you mean '--region'?)"),
    (["check", "a.example", "--region"], "needs a value"),
    (["check", "a.example", "--json=1"], "takes no value"),
    (["check", "a.example", "--timeout", "5"], "--timeout is a duration"),
    (["check", "a.example", "--server", "dns.example"], "--server"),
    (["check", "a.example", "--token", "abc"], "--region, or --zone"),
    (["check", "a.example", "--mail-from", "m"], "--region is needed"),
    (["check", "a.example", "--selector", "s"], "go together"),
    (["check", "a.example", "--selector", "s", "--public-key", "AAAA", "--token", "x", "--region", "eu-west-1"], "not both"),
    (["records", "a.example"], "--client is missing"),
    (["enqueue", "regsiter", "--client", "c", "--domain", "a.example"], "is no job type"),
    (["enqueue", "register", "--client", "c"], "--client and --domain"),
    (["events", "tail", "--from", "yesterday"], "--from is 0, $"),
    (["events", "tail", "--count", "0"], "--count is a number"),
    (["events", "tail", "--follow", "--no-follow"], "exclude each other"),
    (["top", "--interval", "0"], "--interval is a number from 1 to 3600"),
    (["health", "--port", "9425"], "neither ADDR:PORT nor [ADDR]:PORT"),
    (["status", "--limit", "x"], "--limit is a number"),
])
def test_E4_usage_is_64(words, said):
    done = run(*words)
    assert (done.returncode, done.stdout) == (64, "")
    assert said in done.stderr


@pytest.mark.parametrize("words", [
    ["check", "-- -x-.example"], ["check", "a..example"], ["check", "x" * 70 + ".example"],
    ["check", "a.example", "--region", "eu-west-1", "--mail-from", "other..example"],
    ["check", "a.example", "--region", "eu-west-1", "--token", "not/a/token"],
    ["check", "a.example", "--selector", "-s", "--public-key", "AAAA"],
    ["check", "a.example", "--selector", "s", "--public-key", "A A"],
    ["explain", "a..b"], ["records", "a b", "--client", "c"], ["status", "a..b"],
    ["enqueue", "register", "--client", "c", "--domain", "a..example"],
    ["enqueue", "register", "--client", "x" * 200, "--domain", "a.com"],
])
def test_E4_bad_data_is_65(words):
    done = run(*[part for word in words for part in (word.split(" ", 1) if word.startswith("-- ") else [word])])
    assert (done.returncode, done.stdout) == (65, "")
    assert done.stderr.startswith("sesverify ")


# --- configuration (L1-L3) ---

def test_L4_defaults_are_a_valid_file(tmp_path):
    file = tmp_path / "sesverify.conf"
    file.write_text(run("config", "defaults").stdout)
    done = run("config", "check", "--config", file, AWS_REGION="eu-west-1")
    assert (done.returncode, done.stderr) == (0, "")
    shown = json.loads(run("config", "show", "--json", "--config", file).stdout)
    built_in = json.loads(run("config", "show", "--json").stdout)
    assert [s["value"] for s in shown["settings"]] == [s["value"] for s in built_in["settings"]]


def test_sample_file_is_valid():
    sample = pathlib.Path(__file__).resolve().parents[3] / "deploy" / "sesverify.conf"
    done = run("config", "check", "--config", sample, AWS_REGION="eu-west-1")
    assert (done.returncode, done.stderr) == (0, "")


def test_L2_all_mistakes_in_one_run(tmp_path):
    file = tmp_path / "sesverify.conf"
    file.write_text("[redis]\nulr = x\n[log]\nlevel = loud\n[schedule]\nfloor = 10\n")
    done = run("config", "check", "--config", file, SESVERIFY_WORKER_POLL="soon")
    assert done.returncode == 78
    for said in [f"{file}:2: error: unknown key 'ulr'", "(did you mean 'url'?)", f"{file}:4: error: log.level",
                 f"{file}:6: error: schedule.floor", "environment SESVERIFY_WORKER_POLL: error"]:
        assert said in done.stderr
    as_json = run("config", "check", "--config", file, "--json")
    body = json.loads(as_json.stdout)
    assert as_json.returncode == 78 and body["schema"] == "sesverify.config_check.v1" and not body["valid"]
    assert len(body["problems"]) == 3
    for command in (["status"], ["run"]):
        assert run(*command, "--config", file).returncode == 78


def test_E4_missing_file_is_66():
    for command in (["config", "check"], ["run"], ["status"]):
        done = run(*command, "--config", "/nonexistent/x")
        assert done.returncode == 66 and "/nonexistent/x" in done.stderr


def test_L1_precedence_and_origin(tmp_path):
    file = tmp_path / "sesverify.conf"
    file.write_text("[redis]\nprefix = file\nshards = 2\n[log]\nlevel = warn\n")
    done = run("config", "show", "--json", "--config", file, "--set", "redis.prefix=flag",
               SESVERIFY_REDIS_SHARDS="4", SESVERIFY_REDIS_PREFIX="env")
    settings = {(s["section"], s["key"]): (s["value"], s["origin"]) for s in json.loads(done.stdout)["settings"]}
    assert settings["redis", "prefix"] == ("flag", "flag")
    assert settings["redis", "shards"] == ("4", "environment")
    assert settings["log", "level"] == ("warn", f"{file}:5")
    assert settings["log", "format"] == ("auto", "built-in")


def test_L3_secrets_are_masked_and_guarded(tmp_path):
    secret = "open-sesame-7"
    for words in (["config", "show"], ["config", "show", "--json"], ["config", "show", "--origin"]):
        done = run(*words, SESVERIFY_REDIS_PASSWORD=secret)
        assert done.returncode == 0 and secret not in done.stdout + done.stderr and "****" in done.stdout
        for url in (f"redis://u:{secret}@h:1/0", f"unix://:{secret}@x@/p/s", f"rediss+cluster://u:{secret}@h:1,[::1]:2"):
            done = run(*words, SESVERIFY_REDIS_URL=url)
            assert done.returncode == 0 and secret not in done.stdout + done.stderr
            assert url.replace(secret, "********").replace("@x", "") in done.stdout
    assert "redis://u@h:1/0" in run("config", "show", SESVERIFY_REDIS_URL="redis://u@h:1/0").stdout
    done = run("status", "--set", f"redis.password={secret}")
    assert done.returncode == 78 and secret not in done.stdout + done.stderr
    file = tmp_path / "password"
    file.write_text(secret + "\n")
    file.chmod(0o644)
    done = run("status", "--set", f"redis.password_file={file}")
    assert done.returncode == 77 and str(file) in done.stderr
    file.chmod(0o600)
    file.write_text("\n")
    assert run("status", "--set", f"redis.password_file={file}").returncode == 77
    assert run("status", "--set", "redis.password_file=/nonexistent").returncode == 66


def test_L3_password_sources(tmp_path):
    with RedisServer(password="open-sesame-7") as server:
        url = f"unix://{server.path}"
        (tmp_path / "redis_password").write_text("open-sesame-7\n")
        (tmp_path / "redis_password").chmod(0o400)
        (tmp_path / "wrong").write_text("something else")
        (tmp_path / "wrong").chmod(0o400)
        wrong = {"SESVERIFY_REDIS_PASSWORD_FILE": str(tmp_path / "wrong")}
        right = {"SESVERIFY_REDIS_PASSWORD_FILE": str(tmp_path / "redis_password")}
        directory = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
        for settings, code in [({}, 77), (wrong, 77), (right, 0), ({**wrong, **directory}, 0),
                               ({"SESVERIFY_REDIS_PASSWORD": "open-sesame-7"}, 0),
                               ({**wrong, "SESVERIFY_REDIS_PASSWORD": "open-sesame-7"}, 77)]:
            done = run("status", SESVERIFY_REDIS_URL=url, **settings)
            assert done.returncode == code, (settings, done.stderr)
            assert "open-sesame-7" not in done.stdout + done.stderr


# --- Redis away or empty ---

@pytest.mark.parametrize("words", [["status"], ["records", "a.example", "--client", "c"], ["events", "tail"],
                                   ["enqueue", "recheck", "--client", "c", "--domain", "a.com"]])
def test_E4_no_redis_is_69(words):
    port = free_port()
    done = run(*words, SESVERIFY_REDIS_URL=f"redis://127.0.0.1:{port}")
    assert (done.returncode, done.stdout) == (69, "")
    assert f"127.0.0.1:{port}" in done.stderr


def test_E4_silent_redis_is_69():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = "127.0.0.1:%d" % listener.getsockname()[1]
        done = run("status", "--set", "redis.connect_timeout=200ms", SESVERIFY_REDIS_URL=f"redis://{address}")
        assert done.returncode == 69 and address in done.stderr


def test_commands_on_an_empty_redis():
    with redis_variant.make() as server:
        settings = server.environment()
        done = run("status", **settings)
        assert (done.returncode, done.stderr) == (0, "") and done.stdout.startswith("CLIENT  DOMAIN")
        assert run("status", "--json", **settings).stdout == ""
        assert run("status", "a.example", **settings).returncode == 1
        assert run("records", "a.example", "--client", "c", **settings).returncode == 1
        done = run("events", "tail", "--no-follow", **settings)
        assert (done.returncode, done.stdout) == (0, "")
        done = run("enqueue", "register", "--client", "c", "--domain", "B\u00fccher.com", "--id", "j1", "--json", **settings)
        body = json.loads(done.stdout)
        assert body["schema"] == "sesverify.enqueue.v1" and body["shard"] == 0 and body["finished"] is None
        ((entry, fields),) = server.client().xrange("sv:{0}:jobs")
        assert entry == body["entry_id"]
        assert json.loads(fields["job"]) == {"type": "register", "client_id": "c", "domain": "B\u00fccher.com", "id": "j1"}
        done = run("enqueue", "recheck", "--client", "c", "--domain", "a.com", "--wait", "--timeout", "300ms", **settings)
        assert done.returncode == 75 and "has no answer yet" in done.stderr


def test_events_of_every_shard():
    with redis_variant.make() as server:
        settings, redis = {**server.environment(), "SESVERIFY_REDIS_SHARDS": "4"}, server.client()
        for shard in range(4):
            for number in range(130):  # more than a page
                event = {"type": "io.sesverify.domain.updated.v1", "data": {"domain": f"{number}.example"}}
                redis.xadd("sv:{%d}:events" % shard, {"event": json.dumps(event)})
        done = run("events", "tail", "--no-follow", "--json", **settings)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert done.returncode == 0 and len(lines) == 4 * 130
        assert {line["schema"] for line in lines} == {"sesverify.event.v1"}
        for shard in range(4):
            seen = [line["event"]["data"]["domain"] for line in lines if line["shard"] == shard]
            assert seen == [f"{number}.example" for number in range(130)]
        done = run("events", "tail", "--from", "0", "--count", "3", **settings)  # follows, and leaves by itself
        assert done.returncode == 0 and len(done.stdout.splitlines()) == 3 and "domain.updated" in done.stdout


# --- check ---

def check(sandbox, domain, *words, **more):
    return run("check", domain, "--server", sandbox.dns_addr, "--region", "eu-west-1", *words, **more)


def tokens(records):
    return [word for line in records["lines"]["dkim"]
            for word in ("--token", line.split("._domainkey", 1)[0])]


def publish_all(sandbox, domain):
    """Everything right: DKIM, MAIL FROM, SPF, DMARC; the options that tell `check` about it."""
    records = sandbox.publish(domain, mail_from=f"bounce.{domain}")
    sandbox.zone_add(f'{domain} 300 TXT "v=spf1 include:amazonses.com ~all"',
                     f'_dmarc.{domain} 300 TXT "v=DMARC1; p=quarantine; rua=mailto:dmarc-reports@{domain}"')
    return [*tokens(records), "--mail-from", "bounce"]


def test_check_right(sandbox):
    words = publish_all(sandbox, "right.example")
    done = check(sandbox, "right.example", *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith("right.example: right\nDNS as it was on ") and "not checked: ownership" in done.stdout
    assert "not checked: DKIM" not in done.stdout and sandbox.dns_addr in done.stdout
    body = json.loads(check(sandbox, "RIGHT.example.", *words, "--json").stdout)
    assert body["schema"] == "sesverify.check.v1" and body["verdict"] == "right" and body["domain"] == "right.example"
    assert {record["status"] for record in body["records"]} == {"ok"}
    assert {record["seen_by"] for record in body["records"]} == {sandbox.dns_addr}
    assert [record["type"] for record in body["records"]].count("CNAME") == 3
    assert body["not_checked"] == ["ownership"]


def test_check_of_a_healthy_domain_takes_less_than_two_seconds(sandbox):
    """Also where every answer takes 200 ms: what is independent is asked at once."""
    words = publish_all(sandbox, "far.example")
    for name in ("*.far.example", "far.example", "amazonses.com", "*.amazonses.com"):
        sandbox.dns_fault("slow", name=name, ms=200, count=-1)
    command = [worker_program(), "check", "far.example", "--server", sandbox.dns_addr, "--region", "eu-west-1", *words]
    done, seconds = run_timed(command, sandbox.process.pid, env=environment())
    sandbox.control.call("DELETE", "/dns-faults")
    assert done.returncode == 0 and 0.2 < seconds < 2, (seconds, done.stdout)


def test_check_not_told_is_not_wrong(sandbox):
    publish_all(sandbox, "untold.example")
    done = check(sandbox, "untold.example")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("not checked: ") == 3


def test_check_discovers_what_it_was_not_told(sandbox):
    publish_all(sandbox, "found.example")
    told = json.loads(run("check", "found.example", "--server", sandbox.dns_addr, "--json").stdout)["discovered"]
    assert told["mail_from"] == "bounce.found.example" and told["region"] == "eu-west-1" and told["dkim_names"] is True
    text = run("check", "found.example", "--server", sandbox.dns_addr).stdout
    assert "\nDiscovered\n" in text and "bounce.found.example, towards SES in eu-west-1" in text
    words = publish_all(sandbox, "told.example")
    assert json.loads(check(sandbox, "told.example", *words, "--json").stdout)["discovered"] is None


def test_check_compares_names_as_they_were_entered(sandbox):
    words = publish_all(sandbox, "typo.example")
    line = sandbox.records("typo.example")["lines"]["dkim"][0]
    sandbox.zone_remove(line)
    right = line.split()[0].rstrip(".")
    wrong = ("b" if right[0] == "a" else "a") + right[1:]
    sandbox.zone_add(" ".join([wrong, *line.split()[1:]]))
    done = check(sandbox, "typo.example", *words, "--entered", wrong)
    assert done.returncode == 1 and "dkim_cname_owner_typo" in done.stdout, done.stdout


def test_check_wrong(sandbox):
    words = publish_all(sandbox, "wrong.example")
    records = sandbox.records("wrong.example")
    sandbox.zone_remove(records["lines"]["dkim"][1])
    done = check(sandbox, "wrong.example", *words)
    assert done.returncode == 1 and done.stdout.startswith("wrong.example: wrong (dkim_cname_partial)\n")
    body = json.loads(check(sandbox, "wrong.example", *words, "--json").stdout)
    assert body["verdict"] == "wrong"
    missing = records["lines"]["dkim"][1].split()[0].rstrip(".")
    assert [record["name"] for record in body["records"] if record["status"] == "wrong"] == [missing]
    assert any(finding["owner"] == missing and finding["advice"] for finding in body["findings"])
    assert body["primary"] == body["findings"][0]["code"] == "dkim_cname_partial"
    assert body["findings"][0]["evidence"]["outcome"] == "nxdomain"
    assert [item["what"] for item in body["forecast"]] == ["wrong_cached"]
    host = missing.removesuffix(".wrong.example")
    assert "error dkim_cname_partial  <- repair this first\n    about     " + missing in done.stdout
    assert f"{missing}. 1800 IN CNAME {host.split('.')[0]}.dkim.amazonses.com.\n" in done.stdout
    assert f"as host   {host} (where the panel adds the domain)\n" in done.stdout
    assert re.search(r"\(in \d+ (s|min)\)\s+until then resolvers may remember what is wrong now", done.stdout)
    assert [line for line in done.stdout.splitlines() if len(line) > 100 and " IN CNAME " not in line] == []


def test_check_passing_servfail(sandbox):
    """One SERVFAIL that is gone when the resolver is asked again says nothing, not even about DNSSEC."""
    words = publish_all(sandbox, "dusk.example")
    sandbox.dns_fault("servfail", name="*.dusk.example")
    done = check(sandbox, "dusk.example", *words)
    assert done.returncode == 0, done.stdout


def test_check_undecidable(sandbox):
    words = publish_all(sandbox, "dark.example")
    sandbox.dns_fault("servfail", name="*.dark.example", count=-1)
    done = check(sandbox, "dark.example", *words)
    assert done.returncode == 75, done.stdout
    assert done.stdout.startswith("dark.example: undecidable (dns_failure)\n")
    body = json.loads(check(sandbox, "dark.example", *words, "--json").stdout)
    assert (body["verdict"], body["untold"]) == ("undecidable", "dns_failure")


def test_check_wrong_wins_over_undecidable(sandbox):
    sandbox.add_zone("half.example")
    words = tokens(sandbox.records("half.example"))
    sandbox.dns_fault("servfail", name="_dmarc.half.example", count=-1)
    assert check(sandbox, "half.example", *words).returncode == 1


def test_check_nobody_answers():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        server = "127.0.0.1:%d" % silent.getsockname()[1]
        done = run("check", "a.example", "--server", server, "--timeout", "500ms", "--json")
        assert done.returncode == 75 and json.loads(done.stdout)["verdict"] == "undecidable"


OWN_KEY = ("MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7"
           "od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB")  # of RFC 6376, C


@pytest.mark.parametrize("key, code", [(OWN_KEY, 0), (OWN_KEY.replace("IRP", "IRQ"), 1)])
def test_check_own_key(sandbox, key, code):
    publish_all(sandbox, "byo.example")
    sandbox.zone_add(f'brisbane._domainkey.byo.example 300 TXT "v=DKIM1; p={OWN_KEY[:120]}" "{OWN_KEY[120:]}"')
    words = ["--mail-from", "bounce", "--selector", "brisbane", "--public-key", key]
    done = check(sandbox, "byo.example", *words)
    assert done.returncode == code, done.stdout
    assert ("dkim_key_mismatch" in done.stdout) == (code == 1)
    assert "not checked: DKIM" not in done.stdout


# --- colour (C2) ---

def test_C2_colour_only_on_a_terminal(sandbox):
    publish_all(sandbox, "colour.example")
    words = ["check", "colour.example", "--server", sandbox.dns_addr, "--region", "eu-west-1"]
    assert "\x1b[32m" in on_terminal(*words)
    assert "\x1b" not in on_terminal(*words, NO_COLOR="1")
    assert "\x1b" not in on_terminal(*words, "--json")
    assert "\x1b" not in run(*words).stdout


# --- output that cannot be written ---

def test_closed_output_is_74():
    with open("/dev/full", "w") as full:
        done = subprocess.run([worker_program(), "config", "defaults"], env=environment(), stdout=full,
                              stderr=subprocess.PIPE, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 74 and "cannot be written" in done.stderr


def test_reader_that_leaves_is_no_news():
    with redis_variant.make() as server:
        redis = server.client()
        for number in range(2000):
            event = {"type": "io.sesverify.domain.updated.v1", "data": {"domain": f"{number}.example", "pad": "x" * 200}}
            redis.xadd("sv:{0}:events", {"event": json.dumps(event)})
        process = subprocess.Popen([worker_program(), "events", "tail", "--no-follow", "--json"],
                                   env=environment(**server.environment()), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == "" and process.wait(DEADLINE_S) == 74
        process.stderr.close()


# --- run that cannot start (E4, F01, F15) ---

KEYS = {"AWS_ACCESS_KEY_ID": "AKIDX", "AWS_SECRET_ACCESS_KEY": "marker-secret-4711", "AWS_REGION": "eu-west-1",
        "SESVERIFY_DNS_SERVERS": "127.0.0.1:1"}
NO_FILES = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent", "AWS_CONFIG_FILE": "/nonexistent"}


def test_run_without_region_is_78():
    done = run("run")
    assert done.returncode == 78 and "no region" in done.stderr


def test_run_with_a_role_that_is_no_arn_is_78():
    done = run("run", "--set", "account.default.role_arn=some-role", **KEYS)
    assert done.returncode == 78 and "role_arn is no ARN" in done.stderr


def test_run_without_credentials_is_77():
    done = run("run", AWS_REGION="eu-west-1", SESVERIFY_DNS_SERVERS="127.0.0.1:1", **NO_FILES)
    assert done.returncode == 77 and "credentials" in done.stderr


def test_F01_run_without_redis_is_69():
    port = free_port()
    done = run("run", "--set", "worker.startup_timeout=300ms", SESVERIFY_REDIS_URL=f"redis://127.0.0.1:{port}", **KEYS)
    assert done.returncode == 69 and f"127.0.0.1:{port}" in done.stderr
    assert "marker-secret-4711" not in done.stderr


def test_F15_run_with_wrong_password_is_77():
    with RedisServer(password="right") as server:
        done = run("run", SESVERIFY_REDIS_URL=f"unix://{server.path}", SESVERIFY_REDIS_PASSWORD="marker-wrong-0815",
                   **KEYS)
        assert done.returncode == 77
        assert "marker-wrong-0815" not in done.stderr


def test_run_with_bad_endpoint_is_78():
    done = run("run", AWS_ENDPOINT_URL="nonsense", **KEYS)
    assert done.returncode == 78 and "ses_endpoint_invalid" in done.stderr
