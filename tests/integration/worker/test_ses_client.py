"""How the SES client behaves when SES fails for longer: what it repeats, what it leaves alone, what it says, and that it
heals by itself. Rows F21 to F29 of the fault matrix; single bad answers are in test_ses_faults.py."""
import gzip
import os
import pathlib
import re

import pytest

from bad_days import QUICK, STEADY, logged, register, statuses, verify, wait_logged
from sandbox import wait_for
from ses_proxy import SesProxy
from steady import STEADY_DOMAIN, no_faults_are_left, steady_world  # noqa: F401
from world import World

READ = "GetIdentityVerificationAttributes"
CREATE = "CreateEmailIdentity"


class News:
    """Log lines of the first worker that came since."""

    def __init__(self, world):
        self.worker = world.workers[0]
        self.size = len(self.worker.text())

    def text(self):
        return self.worker.text()[self.size:]

    def lines(self, event, **fields):
        return logged(self, event, **fields)

    def wait(self, event, count=1, **fields):
        return wait_logged(self, event, count, **fields)


def refuse(world, count, action, identity="*", **fault):
    """The next calls, each with a message of its own: the log folds equal warnings."""
    world.sandbox.control.post("/faults", [{"match": {"action": action, "identity": identity}, "do": "status", "count": 1,
                                            "message": f"number {i + 1}", **fault} for i in range(count)])


def gaps_ms(world, action):
    arrivals = world.sandbox.calls(action)["arrivals_ms"]
    return [later - earlier for earlier, later in zip(arrivals, arrivals[1:])]


# What is told, whether one operation or the whole account stops, and with which advice.
PAUSES = [
    ("F22_circuit", {"status": 503, "code": "ServiceUnavailable"}, "unavailable", READ, "again and again"),
    ("F23_bad_signature", {"status": 403, "code": "SignatureDoesNotMatch"}, "keys_refused", None, "keys of this account"),
    ("F28_unknown_keys", {"status": 403, "code": "InvalidClientTokenId"}, "keys_refused", None, "keys of this account"),
    ("F28_expired_keys", {"status": 403, "code": "ExpiredTokenException"}, "keys_refused", None, "keys of this account"),
    ("F29_suspended", {"status": 400, "code": "AccountSuspendedException"}, "account_held", None, "AWS holds this account"),
    ("F29_paused", {"status": 400, "code": "SendingPausedException"}, "account_held", None, "AWS holds this account"),
    ("permission", {"status": 403, "code": "AccessDeniedException"}, "permission_missing", READ, "IAM policy"),
    ("proxy", {"status": 403}, "denied", READ, "proxy"),
]


@pytest.mark.parametrize("name,fault,reason,operation,advice", PAUSES, ids=[row[0] for row in PAUSES])
def test_what_asking_again_does_not_mend_is_left_alone(name, fault, reason, operation, advice):
    """Told once, one call now and then, the rest ends unasked; when it is mended everything goes on."""
    with World(settings=QUICK, **STEADY) as world:
        world.start_worker()
        verify(world, STEADY_DOMAIN)
        leave_alone(world, name, fault, reason, operation, advice)


def leave_alone(world, name, fault, reason, operation, advice):
    pending = name.replace("_", "-").lower() + ".example"
    records = register(world, pending)
    before = [len(statuses(world, domain)) for domain in (STEADY_DOMAIN, pending)]
    news = News(world)
    do = "html" if name == "proxy" else "status"
    world.sandbox.fault(do, action=operation or "*", count=-1, **fault)
    paused = news.wait("ses_paused", reason=reason)[0]
    print(f"{name}: {paused['level']} {paused['msg']}: {paused['error']}")
    assert (paused.get("operation"), paused["account"]) == (operation, "default")
    assert advice in paused["msg"] and paused["level"] == ("warn" if reason == "unavailable" else "error")
    world.sandbox.control.delete("/calls")
    wait_for(lambda: world.sandbox.calls(READ)["faulted"] >= 6, "six trials")
    calls = world.sandbox.calls()
    trials = gaps_ms(world, READ)
    print(f"{name}: trials {trials} ms apart; calls {({name: one['count'] for name, one in calls.items()})}")
    assert min(trials[-2:]) >= 750  # fault_cap of these tests is 1 s; the sandbox sees arrivals a little late
    if operation is None:  # nobody else may ask either
        assert sum(one["count"] for one in calls.values()) - calls[READ]["count"] <= 2  # of a round under way
    assert len(news.lines("ses_paused")) == 1
    assert [len(statuses(world, domain)) for domain in (STEADY_DOMAIN, pending)] in (before, [before[0], before[1] + 1])
    world.sandbox.control.delete("/faults")
    news.wait("ses_resumed")
    world.wait_event("verified", pending)
    assert len(statuses(world, STEADY_DOMAIN)) == before[0]
    assert len(news.lines("ses_resumed")) == 1
    assert records


def test_F22_a_pause_of_one_operation_stops_no_other(world):
    news = News(world)
    world.sandbox.fault("status", action=READ, count=-1, status=403, code="AccessDenied")
    news.wait("ses_paused", reason="permission_missing")
    register(world, "meanwhile.example")
    world.sandbox.control.delete("/faults")
    world.wait_event("verified", "meanwhile.example")


def test_F22_a_call_is_made_three_times_at_most(world):
    news = News(world)
    world.sandbox.control.delete("/calls")
    refuse(world, 3, CREATE, "thrice.example", status=500, code="InternalFailure")
    register(world, "thrice.example")
    failed = news.lines("ses_call_failed", operation=CREATE)
    assert [line["attempt"] for line in failed] == [1, 2, 3]
    assert world.sandbox.calls(CREATE)["count"] == 4  # the fourth is the next look's
    world.wait_event("verified", "thrice.example")


def test_F23_refused_keys_are_renewed_and_signed_anew_once(world):
    news = News(world)
    world.sandbox.fault("status", action=CREATE, identity="renewed.example", count=1, status=403, code="ExpiredToken")
    register(world, "renewed.example")
    failed = news.lines("ses_call_failed", operation=CREATE)
    assert [(line["attempt"], line["error_code"]) for line in failed] == [(1, "denied")]
    assert not news.lines("ses_paused")
    world.wait_event("verified", "renewed.example")


def test_F24_a_used_up_quota_is_not_asked_for_at_once(world):
    """LimitExceeded is no throttle: one attempt, an answer that says so, and nothing is paused."""
    news = News(world)
    world.sandbox.fault("status", action=CREATE, identity="full.example", status=400, code="LimitExceededException", count=1)
    answer = world.wait_answer(world.push("register", "client-1", "full.example"))
    assert (answer["data"]["outcome"], answer["data"]["reason"]) == ("rejected", "ses_identity_quota")
    failed = news.lines("ses_call_failed", operation=CREATE)
    assert [(line["attempt"], line["error_code"]) for line in failed] == [(1, "quota")]
    assert not news.lines("ses_paused")
    verify(world, "full.example")  # there is room again


def test_a_concurrent_change_is_read_again_before_it_is_repeated(world):
    news = News(world)
    world.sandbox.control.delete("/calls")
    world.sandbox.fault("status", action="PutEmailIdentityMailFromAttributes", identity="shared.example", count=1, status=500,
                        code="ConcurrentModificationException")
    world.push("register", "client-1", "shared.example", mail_from="bounce.shared.example")
    world.publish("shared.example", world.wait_event("registered", "shared.example")["data"]["dns_records"])
    failed = news.lines("ses_call_failed", error_code="conflict")
    assert [line["attempt"] for line in failed] == [1]
    assert world.sandbox.calls("GetEmailIdentity")["count"] >= 1
    world.wait_event("verified", "shared.example")


@pytest.mark.parametrize("code,status", [("TooManyRequestsException", 429), ("ServiceUnavailable", 503)])
def test_F21_retry_after_is_obeyed(world, code, status):
    domain = f"retry-after-{status}.example"
    world.sandbox.control.delete("/calls")
    world.sandbox.fault("status", action=CREATE, identity=domain, count=1, status=status, code=code, retry_after="3")
    register(world, domain)
    waited = gaps_ms(world, CREATE)
    print(f"asked again {waited} ms later")
    assert len(waited) == 1 and waited[0] >= 2950
    world.wait_event("verified", domain)


def test_F21_throttles_slow_the_shared_rate():
    """At two calls a second, a throttle doubles the distance for everybody."""
    with World(settings={**QUICK, "SESVERIFY_ACCOUNT_DEFAULT_RATE": "2"}, **STEADY) as world:
        world.start_worker()
        world.sandbox.fault("status", action=CREATE, count=1, status=400, code="Throttling")
        for i in range(4):
            world.push("register", "client-1", f"slow{i}.example")
        for i in range(4):
            world.wait_event("registered", f"slow{i}.example")
        waited = gaps_ms(world, CREATE)
        print(f"calls {waited} ms apart")
        assert len(waited) == 4 and waited[0] >= 950 and min(waited) >= 480
        assert waited[1] >= 900  # still slow: it speeds up little by little


def test_attempts_are_as_many_as_AWS_MAX_ATTEMPTS_says():
    with World(settings=QUICK, **STEADY) as world:
        world.start_worker(AWS_MAX_ATTEMPTS="1")
        refuse(world, 2, CREATE, status=500, code="InternalFailure")
        register(world, "single.example")
        failed = logged(world.workers[0], "ses_call_failed", operation=CREATE)
        assert [line["attempt"] for line in failed] == [1, 1]


@pytest.mark.parametrize("name,value,without,told", [
    ("AWS_MAX_ATTEMPTS", "never", (), "AWS_MAX_ATTEMPTS"),
    ("AWS_USE_FIPS_ENDPOINT", "yes", (), "AWS_USE_FIPS_ENDPOINT"),
    ("AWS_USE_FIPS_ENDPOINT", "true", ("AWS_ENDPOINT_URL_SES", "AWS_ENDPOINT_URL_SESV2", "AWS_ENDPOINT_URL"), "no FIPS endpoint"),
])
def test_settings_that_cannot_work_end_the_start(name, value, without, told):
    with World(settings=QUICK, **STEADY) as world:
        worker = world.start_worker(wait=False, **{name: value, "AWS_REGION": "eu-west-1", **{key: None for key in without}})
        wait_for(lambda: not worker.alive(), "the worker to give up")
        assert worker.process.wait() == 78
        assert told in worker.text()


SHAPES = [  # v1 and v2 replies that say less, or something else, than documented
    ("unknown_words", lambda body: body.replace(b"Status>Success<", b"Status>Splendid<").replace(b"Status>Pending<", b"Status>Odd<")),
    ("no_status", lambda body: body.replace(b"VerificationStatus>", b"Novelty>")),
    ("empty_status", lambda body: body.replace(b"Status>Success<", b"Status><").replace(b"Status>Pending<", b"Status><")),
]


@pytest.mark.parametrize("name,rewrite", SHAPES, ids=[row[0] for row in SHAPES])
def test_F27_replies_that_say_nothing_verify_nothing(name, rewrite):
    with World(settings=QUICK, **STEADY) as world, SesProxy(world.sandbox.ses_url) as proxy:
        worker = world.start_worker(AWS_ENDPOINT_URL_SES=proxy.url)
        verify(world, STEADY_DOMAIN)
        world.push("register", "client-1", "pending.example")
        records = world.wait_event("registered", "pending.example")["data"]["dns_records"]
        proxy.rewrite = rewrite
        world.publish("pending.example", records)
        wait_for(lambda: world.sandbox.identity("pending.example")["dkim"] == "Success", "SES to verify it")
        before = [len(statuses(world, domain)) for domain in (STEADY_DOMAIN, "pending.example")]
        seen = proxy.rewritten
        wait_for(lambda: proxy.rewritten >= seen + 12, f"four looks at {name}")
        assert [len(statuses(world, domain)) for domain in (STEADY_DOMAIN, "pending.example")] == before
        assert worker.alive()
        proxy.rewrite = None
        world.wait_event("verified", "pending.example")
        assert len(statuses(world, STEADY_DOMAIN)) == before[0]


def reply(body, **head):
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in head.items())
    return f"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n{lines}\r\n".encode() + body


BOMB = gzip.compress(bytes(256 << 20), 9)  # a quarter of a megabyte that would be 256
BODIES = [
    ("too_short", lambda body: reply(body, Content_Length=len(body) + 100)),
    ("too_long", lambda body: reply(body, Content_Length=len(body) // 2)),
    ("chunk_error", lambda body: reply(b"zz\r\n" + body, Transfer_Encoding="chunked")),
    ("chunks_cut", lambda body: reply(f"{len(body):x}\r\n".encode() + body, Transfer_Encoding="chunked")),
    ("gzip_bomb", lambda body: reply(BOMB, Content_Encoding="gzip", Content_Length=len(BOMB))),
    ("flood", lambda body: reply(bytes(64 << 20), Content_Length=64 << 20)),
]


def peak_kib(worker):
    return int(re.search(r"VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{worker.pid}/status").read_text()).group(1))


@pytest.mark.parametrize("name,raw", BODIES, ids=[row[0] for row in BODIES])
def test_F25_a_spoiled_body_is_an_error_and_takes_no_memory(name, raw):
    with World(settings=QUICK, **STEADY) as world, SesProxy(world.sandbox.ses_url) as proxy:
        worker = world.start_worker(AWS_ENDPOINT_URL_SES=proxy.url)
        verify(world, STEADY_DOMAIN)
        wait_for(lambda: world.sandbox.calls(READ)["ok"] >= 6, "some looks")
        before, events = peak_kib(worker), len(statuses(world, STEADY_DOMAIN))
        proxy.raw = raw
        wait_logged(worker, "ses_call_failed")
        wait_for(lambda: proxy.rewritten >= 6, "six spoiled answers")
        grown = peak_kib(worker) - before
        print(f"{name}: peak grown by {grown} KiB")
        proxy.raw = None
        reads = world.sandbox.calls(READ)["ok"]
        wait_for(lambda: world.sandbox.calls(READ)["ok"] > reads + 1, "looks again")
        if pathlib.Path(os.environ.get("SV_BINARY_DIR", "")).name != "san":  # a sanitizer keeps what is freed
            assert grown <= 1024
        assert len(statuses(world, STEADY_DOMAIN)) == events and worker.alive()


@pytest.mark.parametrize("trouble", [{"do": "status", "status": 401}, {"do": "hang", "ms": 3000}], ids=["401", "slow"])
def test_F28_the_metadata_service_is_ill_while_keys_run_out(trouble):
    """Old keys work until they expire, fresh ones follow, and no call at SES ever goes out with dead ones."""
    with World(settings=QUICK, **STEADY) as world:
        world.sandbox.control.post("/givers", {"lives_ms": 20000})
        worker = world.start_worker(
            AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None, AWS_EC2_METADATA_DISABLED="false",
            AWS_EC2_METADATA_SERVICE_ENDPOINT=world.sandbox.ses_url)
        verify(world, "keys.example")
        world.sandbox.fault(action="ImdsToken", count=-1, **trouble)
        wait_logged(worker, "credentials_kept")
        reads = world.sandbox.calls(READ)["ok"]
        wait_for(lambda: world.sandbox.calls(READ)["ok"] > reads, "a read with the old keys")
        world.sandbox.control.delete("/faults")
        wait_logged(worker, "credentials_refreshed")
        wait_logged(worker, "credentials_refreshed", 2)  # the first keys have expired by now
        reads = world.sandbox.calls(READ)["ok"]
        wait_for(lambda: world.sandbox.calls(READ)["ok"] > reads, "a read with fresh keys")
        assert world.sandbox.calls(READ)["refused"] == 0
        assert not logged(worker, "ses_call_failed") and not logged(worker, "ses_paused")
        assert statuses(world, "keys.example")[-1] == "verified"
