"""Bad days of SES: nothing is believed that SES did not say, and afterwards everything goes on."""
import random

import pytest

from bad_days import QUICK, STEADY, Load, register, statuses, verify, wait_logged
from frugal import windows_held
from sandbox import wait_for
from ses_proxy import SesProxy
from steady import STEADY_DOMAIN, no_faults_are_left, steady_world  # noqa: F401
from world import World

READ = "GetIdentityVerificationAttributes"
DKIM = "GetIdentityDkimAttributes"


def moves(world, domain):
    return len(statuses(world, domain))


ROWS = [  # name, fault, what the log says
    ("F21_throttling", {"do": "status", "status": 400, "code": "Throttling", "message": "Rate exceeded"}, "throttled"),
    ("F21_429", {"do": "status", "status": 429, "code": "TooManyRequestsException"}, "throttled"),
    ("F22_500", {"do": "status", "status": 500, "code": "InternalFailure"}, "unavailable"),
    ("F22_503_html", {"do": "html", "status": 503}, "unavailable"),
    ("F24_400", {"do": "status", "status": 400, "code": "ValidationError", "message": "no"}, "refused"),
    ("F24_404", {"do": "status", "status": 404, "code": "NotFoundException"}, "not_found"),
    ("F25_closed", {"do": "close"}, "connect"),
    ("F25_cut", {"do": "cut"}, ""),
    ("F27_html", {"do": "html", "status": 200}, ""),
    ("F27_garbage", {"do": "garbage"}, "malformed"),
    ("F27_empty", {"do": "empty"}, "malformed"),
    ("F29_suspended", {"do": "status", "status": 403, "code": "AccountSuspended"}, "denied"),
    ("access_denied", {"do": "status", "status": 403, "code": "AccessDenied", "message": "not authorized"}, "denied"),
]


def try_fault(world, name, fault, error_code, action):
    """A verified and a pending domain, reads that fail, then reads that do not."""
    pending = name.replace("_", "-").lower() + ".example"
    world.push("register", "client-1", pending)
    records = world.wait_event("registered", pending)["data"]["dns_records"]
    before = moves(world, STEADY_DOMAIN), moves(world, pending)
    size = len(world.workers[0].text())
    world.sandbox.control.delete("/calls")
    world.sandbox.fault(action=action, count=-1, **fault)
    world.publish(pending, records)  # SES finds them; we must not guess it
    wait_for(lambda: world.sandbox.calls(action)["faulted"] >= 2, "two failed reads")
    event, level = ("permission_missing", "error") if name == "access_denied" else ("ses_call_failed", "warn")
    wait_for(lambda: f'"event":"{event}"' in world.workers[0].text()[size:], event)
    warned = wait_logged(world.workers[0], event, error_code=error_code)[-1]
    print(f"{name}: {warned['error_code']}: {warned['msg']}")
    assert warned["level"] == level and warned["operation"] and warned["account"] == "default"
    assert (moves(world, STEADY_DOMAIN), moves(world, pending)) == before
    world.sandbox.control.delete("/faults")
    world.wait_event("verified", pending)
    assert moves(world, STEADY_DOMAIN) == before[0]


@pytest.mark.parametrize("name,fault,error_code", ROWS, ids=[row[0] for row in ROWS])
def test_a_read_that_fails_moves_nothing(world, name, fault, error_code):
    try_fault(world, name, fault, error_code, random.choice([READ, DKIM]))


@pytest.mark.parametrize("name,fault", [("F26_hang", {"do": "hang", "ms": -1}), ("F26_slow", {"do": "slow", "ms": 2000})])
def test_F26_slow_answers_are_ended(world, name, fault):
    try_fault(world, name, fault, "timeout", READ)


def test_F21_a_storm_never_lifts_the_rate(world):
    """Throttled or not, in no window more than 2 + rate x T calls of one action arrive."""
    rate = 5
    with World(settings={**QUICK, "SESVERIFY_ACCOUNT_DEFAULT_RATE": str(rate)}, **STEADY) as storm:
        storm.start_worker()
        load = Load(storm, 25)
        storm.sandbox.fault("status", status=429, code="TooManyRequestsException", count=2)
        load.push("register")
        wait_for(load.publish, "every domain to be registered")
        storm.sandbox.fault("status", status=400, code="Throttling", action=READ, count=2)
        load.push("recheck")
        load.wait_verified()
        actions = storm.sandbox.control.get("/calls")["actions"]
        excess = {name: round(windows_held(one["arrivals_ms"], 2, rate), 2) for name, one in actions.items()}
        print(f"calls {({name: one['count'] for name, one in actions.items()})}, excess {excess}")
        assert max(excess.values()) <= 0, excess
        load.wait_settled()
    assert world.workers[0].alive()


def test_F22_a_third_of_all_answers_are_errors(world):
    seed = random.randrange(1 << 32)
    dice = random.Random(seed)
    print(f"seed {seed}")
    rules = [{"match": {"action": "*", "identity": "*"}, "do": "status", "skip": skip, "count": 1,
              "status": dice.choice([500, 502, 503, 504]), "code": "ServiceUnavailable"}
             for skip in sorted(dice.sample(range(30), 9))]
    before = moves(world, STEADY_DOMAIN)
    world.sandbox.control.post("/faults", rules)
    for i in range(3):
        register(world, f"third{i}.example")
    for i in range(3):
        world.wait_event("verified", f"third{i}.example")
    assert moves(world, STEADY_DOMAIN) == before


@pytest.mark.parametrize("hours", [-1, 2])
def test_F23_a_skewed_clock_is_learned(world, hours):
    domain = f"skew{hours + 5}.example"
    world.sandbox.control.delete("/calls")
    world.sandbox.control.post("/clock", {"skew_ms": hours * 3600 * 1000})
    try:
        verify(world, domain)
        refused = sum(one["refused"] for one in world.sandbox.calls().values())
        print(f"{hours:+} h: {refused} calls refused until it was learned")
        assert 1 <= refused <= 6
    finally:
        world.sandbox.control.post("/clock", {"skew_ms": 0})
    verify(world, domain.replace("skew", "back"))


def test_F24_a_refused_create_ends_the_job(world):
    world.sandbox.control.delete("/calls")
    world.sandbox.fault("status", action="CreateEmailIdentity", identity="bad.example", status=400,
                        code="BadRequestException", message="no", count=-1)
    answer = world.wait_answer(world.push("register", "client-1", "bad.example"))
    assert (answer["data"]["outcome"], answer["data"]["reason"]) == ("dead", "ses_refused")
    assert world.sandbox.calls("CreateEmailIdentity")["count"] == 1
    world.sandbox.control.delete("/faults")
    verify(world, "bad.example")  # nothing of it stays behind


@pytest.mark.parametrize("status,code", [(403, "AccessDeniedException"), (503, "ServiceUnavailableException")])
def test_a_create_that_may_work_later_keeps_the_job_open(world, status, code):
    domain = code.lower() + ".example"
    world.sandbox.control.delete("/calls")
    world.sandbox.fault("status", action="CreateEmailIdentity", identity=domain, status=status, code=code, count=-1)
    entry = world.push("register", "client-1", domain)
    wait_for(lambda: world.sandbox.calls("CreateEmailIdentity")["faulted"] >= 2, "two refusals")
    assert not [e for e in world.events() if e["id"] == f"job.0.{entry}"]
    assert not world.domain_events(domain)
    world.sandbox.control.delete("/faults")
    assert world.wait_answer(entry)["data"]["outcome"] == "done"
    world.wait_event("registered", domain)


def test_F25_a_create_whose_answer_was_lost_is_found_again(world):
    world.sandbox.fault("cut", action="CreateEmailIdentity", count=1)
    verify(world, "lost-answer.example")


def test_F27_unknown_words_are_no_verdict():
    """SES grows a status that nobody has heard of: neither good nor bad news."""
    with World(settings=QUICK, **STEADY) as world, SesProxy(world.sandbox.ses_url) as proxy:
        worker = world.start_worker(AWS_ENDPOINT_URL_SES=proxy.url)
        verify(world, STEADY_DOMAIN)
        records = register(world, "pending.example")
        proxy.rewrite = lambda body: body.replace(b"Status>Success<", b"Status>Splendid<").replace(
            b"Status>Pending<", b"Status>Brooding<")
        before = moves(world, STEADY_DOMAIN), moves(world, "pending.example")
        if before[1] == 1:
            world.publish("pending.example", records)
        seen = proxy.rewritten
        wait_for(lambda: proxy.rewritten >= seen + 12, "four looks at unknown words")
        assert (moves(world, STEADY_DOMAIN), moves(world, "pending.example")) == before
        assert worker.alive()
        proxy.rewrite = None
        world.wait_event("verified", "pending.example")
        assert moves(world, STEADY_DOMAIN) == before[0]
