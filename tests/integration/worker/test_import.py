"""`sesverify import`: what an SES account holds becomes clients' domains, once, and nothing else is touched."""
import json
import os
import pty
import signal
import subprocess

import pytest

import contract
from sandbox import wait_for
from world import DEADLINE_S, World, worker_program

MANY = 60


def create(world, name, **tags):
    world.sandbox.client("sesv2").create_email_identity(
        EmailIdentity=name, Tags=[{"Key": key, "Value": value} for key, value in tags.items()])


def run_import(world, *words, code=0, **settings):
    done = subprocess.run([worker_program(), "import", *map(str, words), "--json"],
                          env={**world.environment(), **settings}, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == code, done.stderr
    return json.loads(contract.outputs(done.stdout))


def left(report):
    return {one["identity"]: one["reason"] for one in report["left_out"]}


def jobs(world):
    return [json.loads(fields[b"job"]) for _, fields in world.redis.xrange("sv:{0}:jobs")]


@pytest.fixture(name="map_file")
def make_map(tmp_path):
    def write(text):
        path = tmp_path / "map.csv"
        path.write_text(text)
        return path
    return write


def test_a_map_says_whose_the_domains_are(map_file):
    with World() as world:
        for name in ("one.example", "two.example", "nobody.example"):
            create(world, name)
        create(world, "someone@one.example")
        clients = map_file("# whose is what\n\none.example, acme ,ops@acme.example\r\n"
                           'TWO.example.,"b ""quoted"", ltd"\nlost.example,acme\n')
        dry = run_import(world, "--map", clients, "--dry-run", code=1)
        assert (dry["dry_run"], dry["listed"], dry["adopted"], dry["map_lines_unused"]) == (True, 4, 2, 1)
        assert left(dry) == {"nobody.example": "unmapped", "someone@one.example": "email_address"}
        assert jobs(world) == []
        told = run_import(world, "--map", clients, code=1)
        assert (told["adopted"], told["already_here"], told["calls"]) == (
            2, 0, {"ListEmailIdentities": 1, "GetEmailIdentity": 0})
        pushed = {job["domain"]: job for job in jobs(world)}
        assert pushed["one.example"]["client_id"] == "acme"
        assert pushed["one.example"]["contact_email"] == "ops@acme.example"
        assert pushed["two.example"]["client_id"] == 'b "quoted", ltd'
        world.start_worker()
        for name in pushed:
            world.wait_event("registered", name)
        again = run_import(world, "--map", clients, code=1)
        assert (again["adopted"], again["already_here"]) == (0, 2)
        # Nothing was written at SES.
        written = {action: told["count"] for action, told in world.sandbox.calls().items()
                   if not action.startswith(("Get", "List")) and told["count"]}
        assert written == {"CreateEmailIdentity": 4}


def test_a_tag_says_whose_the_domain_is():
    with World() as world:
        create(world, "tagged.example", client_id="acme-7", team="x")
        create(world, "plain.example")
        create(world, "odd.example", client_id="two words")
        report = run_import(world, "--client-tag", "client_id", code=1)
        assert report["adopted"] == 1 and report["calls"]["GetEmailIdentity"] == 3
        assert left(report) == {"plain.example": "unmapped", "odd.example": "unmapped"}
        assert [(job["domain"], job["client_id"]) for job in jobs(world)] == [("tagged.example", "acme-7")]
        world.start_worker()
        world.wait_event("registered", "tagged.example")
        # What is here costs no call of its own any more.
        assert run_import(world, "--client-tag", "client_id", code=1)["calls"]["GetEmailIdentity"] == 2


def test_one_client_has_all_up_to_the_limit():
    with World() as world:
        for i in range(5):
            create(world, f"d{i}.example")
        create(world, "co.uk")
        world.start_worker(SESVERIFY_LIMITS_MAX_DOMAINS_PER_CLIENT="4")
        answer = world.push("register", "acme", "first.example")
        world.wait_answer(answer)
        limit = {"SESVERIFY_LIMITS_MAX_DOMAINS_PER_CLIENT": "4"}
        report = run_import(world, "--client", "acme", code=1, **limit)
        assert report["adopted"] == 3 and report["already_here"] == 1
        assert sorted(left(report).values()) == ["domain_limit", "domain_limit", "restricted_domain"]
        assert any("acme has 4 of 4" in (one["detail"] or "") for one in report["left_out"])
        for job in range(3):
            wait_for(lambda: sum(".registered." in e["type"] for e in world.events()) == 4, "all adopted", DEADLINE_S)
        rejected = [e for e in world.events() if e["data"].get("outcome") == "rejected"]
        assert rejected == []
        other = run_import(world, "--client", "somebody-else", code=1, **limit)
        assert other["adopted"] == 2 and sorted(left(other).values()) == ["claimed_by_another_client"] * 4 + [
            "restricted_domain"]


def test_killed_on_the_way_and_run_again():
    with World(settings={"SESVERIFY_ACCOUNT_DEFAULT_RATE": "50"}) as world:
        names = [f"d{i:03}.example" for i in range(MANY)]
        for name in names:
            create(world, name, client_id=f"c{name[1:4]}")
        process = subprocess.Popen([worker_program(), "import", "--client-tag", "client_id"], env=world.environment(),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for(lambda: len(jobs(world)) >= MANY // 4, "some jobs", DEADLINE_S)
        process.send_signal(signal.SIGKILL)
        process.wait()
        before = len(jobs(world))
        assert before < MANY
        report = run_import(world, "--client-tag", "client_id")
        assert report["adopted"] == MANY and len(jobs(world)) == before + MANY
        world.start_worker()
        for name in names:
            world.wait_event("registered", name)
        wait_for(lambda: world.redis.xlen("sv:{0}:jobs") == 0, "every job settled", DEADLINE_S)
        assert sum(".registered." in e["type"] for e in world.events()) == MANY
        assert world.redis.hget("sv:{0}:n", "duplicate") == str(before).encode()
        assert run_import(world, "--client-tag", "client_id")["already_here"] == MANY


def test_a_flaky_SES_is_asked_again_and_the_rate_kept():
    with World(sandbox_args=["--rate", "5", "--burst", "1"],
               settings={"SESVERIFY_ACCOUNT_DEFAULT_RATE": "4"}) as world:
        for i in range(8):
            wait_for(lambda i=i: created(world, f"d{i}.example"), "an identity", DEADLINE_S)
        world.sandbox.fault("status", action="ListEmailIdentities", status=500, code="InternalFailure", count=2)
        report = run_import(world, "--client-tag", "client_id", code=1)
        assert report["complete"] and report["calls"] == {"ListEmailIdentities": 3, "GetEmailIdentity": 8}
        assert world.sandbox.calls("GetEmailIdentity")["throttled"] == 0


def created(world, name):
    client = world.sandbox.client("sesv2")
    try:
        client.create_email_identity(EmailIdentity=name)
    except client.exceptions.TooManyRequestsException:
        return False
    return True


def test_SES_that_stays_away_is_told():
    with World() as world:
        create(world, "a.example")
        world.sandbox.fault("status", action="ListEmailIdentities", status=403, code="AccessDeniedException")
        done = world.command("import", "--client", "acme")
        assert done.returncode == 77 and "AccessDenied" in done.stderr and "account default" in done.stderr
        assert "0 identities" in done.stdout


@pytest.mark.parametrize("text, line, says", [
    ("a.example,acme\nb.example\n", 2, "not domain,client_id"),
    ("a.example,\n", 1, "1 to 128"),
    ("-bad-.example,acme\n", 1, "bad"),
    ("a.example,acme\n#\nA.EXAMPLE,other\n", 3, "earlier line"),
    ('a.example,"acme\n', 1, "not domain,client_id"),
    ("a.example,acme,x@y.example,more\n", 1, "not domain,client_id"),
    ("a.example," + "x" * 3000 + "\n", 1, "too long"),
])
def test_a_bad_map_names_the_line(map_file, text, line, says):
    done = subprocess.run([worker_program(), "import", "--map", map_file(text)], env=dict(os.environ),
                          capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert done.returncode == 65 and f"line {line}: " in done.stderr and says in done.stderr, done.stderr


def test_how_it_is_used(tmp_path):
    def run(*words):
        return subprocess.run([worker_program(), "import", *words], env=dict(os.environ), capture_output=True,
                              text=True, timeout=DEADLINE_S, check=False)
    assert run().returncode == 64 and run("--client", "a", "--map", "b").returncode == 64
    missing = run("--map", str(tmp_path / "none"))
    assert missing.returncode == 66 and "No such file" in missing.stderr
    with World() as world:
        unknown = world.command("import", "--client", "a", "--account", "nope")
        assert unknown.returncode == 78 and "nope" in unknown.stderr


def test_progress_is_for_terminals():
    with World() as world:
        create(world, "a.example")
        assert world.command("import", "--client", "acme").stderr == ""
        ours, theirs = pty.openpty()
        done = subprocess.run([worker_program(), "import", "--client", "acme", "--dry-run"], env=world.environment(),
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs, timeout=DEADLINE_S,
                              check=True)
        os.close(theirs)
        shown = os.read(ours, 4096).decode()
        os.close(ours)
        assert "1 identities seen, 1 to adopt" in shown and "would be adopted (dry run)" in done.stdout.decode()
