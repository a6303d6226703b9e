"""Every job of a real run and every event that comes back is valid by docs/schemas; spoiled ones are not."""
import copy
import json
import pathlib

import jsonschema
import pytest

from world import World

SCHEMAS = pathlib.Path(__file__).resolve().parents[3] / "docs" / "schemas"
CLIENT = "acme"


def load(name):
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


JOB, DOMAIN, FINISHED = load("job"), load("domain-event"), load("job-finished")


def validator_of(event):
    return FINISHED if event["type"] == "io.sesverify.job.finished.v1" else DOMAIN


class Run:
    """Pushes jobs and remembers them."""

    def __init__(self, world):
        self.world = world
        self.jobs = []

    def push(self, kind, domain, client=CLIENT, **fields):
        self.jobs.append({"type": kind, "client_id": client, "domain": domain, **fields})
        return self.world.push(kind, client, domain, **fields)

    def answer(self, kind, domain, **fields):
        return self.world.wait_answer(self.push(kind, domain, **fields))["data"]


def live(run):
    """One domain through every event there is, and a job of every outcome."""
    world = run.world
    run.push("register", "client.example", mail_from="bounce", contact_email="dns@client.example", legacy_txt=True,
             id="signup-17", traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    records = world.wait_event("registered", "client.example")["data"]["dns_records"]
    world.publish("client.example", records)
    verified = world.wait_event("verified", "client.example")
    assert run.answer("recheck", "client.example")["outcome"] in ("done", "coalesced")
    world.publish("client.example", records, without=(1,))
    risk = world.wait_event("at_risk", "client.example", int(verified["sequence"]))
    world.publish("client.example", records)
    back = world.wait_event("restored", "client.example", int(risk["sequence"]))
    world.publish("client.example", [])
    world.wait_event("failed", "client.example", int(back["sequence"]))
    run.push("remove", "client.example", delete_identity=True)
    world.wait_event("removed", "client.example")
    refuse(run)


def refuse(run):
    world = run.world
    assert run.answer("register", "one.example")["outcome"] == "done"
    assert run.answer("register", "one.example", client="other")["reason"] == "claimed_by_another_client"
    assert run.answer("recheck", "nobody.example")["reason"] == "not_registered"
    assert run.answer("register", "co.uk")["reason"] == "restricted_domain"
    assert run.answer("register", "a..example")["reason"] == "invalid_domain"
    assert run.answer("adopt", "unknown-to-ses.example")["reason"] == "identity_not_found"
    world.sandbox.fault("status", action="CreateEmailIdentity", identity="refused.example", status=400,
                        code="BadRequestException")
    assert run.answer("register", "refused.example")["reason"] == "ses_refused"
    assert world.wait_answer(run.push("register", "ok.example", client="a|b 数据"))["data"]["outcome"] == "done"
    for _ in range(30):
        answer = run.answer("recheck", "one.example")
        if answer["outcome"] == "rejected":
            break
    assert answer["reason"] == "cooldown" and answer["retry_at"]
    for payload in ('{"type":', "[]", '{"type":"register","client_id":"c"}', '{"type":"x","client_id":"c","domain":"a.example"}',
                    '{"type":"register","client_id":"c","domain":"a.example","account":"x"}',
                    '{"type":"register","client_id":"c","domain":"a.example","mail_from":"b.c.d"}', '"' + "x" * 70000 + '"'):
        world.wait_answer(world.push_raw(payload))
    world.wait_answer(world.push_raw("hello", field="message"))


@pytest.fixture(name="told", scope="module")
def make_told():
    with World(settings={"SESVERIFY_LIMITS_MAX_VERIFICATION_ATTEMPTS": "2"}) as world:
        world.publish("one.example", [])
        world.start_worker()
        run = Run(world)
        live(run)
        return run.jobs, list(world.events())


def test_every_job_is_valid(told):
    for job in told[0]:
        JOB.validate(job)


def test_every_event_is_valid(told):
    kinds = {event["type"].split(".", 2)[2] for event in told[1]}
    assert kinds == {f"domain.{k}.v1" for k in ("registered", "verified", "at_risk", "restored", "failed", "removed",
                                                "updated")} | {"job.finished.v1"}
    for event in told[1]:
        faults = [f"{list(e.path)}: {e.message}" for e in validator_of(event).iter_errors(event)]
        assert not faults, f"{json.dumps(event)}\n{faults}"


JOBS_SPOILED = [{"type": "verify"}, {"type": None}, {"client_id": ""}, {"client_id": "c" * 129}, {"client_id": "a\nb"},
                {"client_id": 7}, {"domain": ""}, {"domain": None}, {"id": "x" * 65}, {"account": "two words"},
                {"contact_email": "x" * 255}, {"legacy_txt": "yes"}, {"delete_identity": 1},
                {"behavior_on_mx_failure": "reject"}, {"traceparent": "00-1-2-3"}]


@pytest.mark.parametrize("spoil", JOBS_SPOILED, ids=[next(iter(s)) + str(i) for i, s in enumerate(JOBS_SPOILED)])
def test_spoiled_jobs_are_refused(spoil):
    good = {"type": "register", "client_id": "c", "domain": "a.example"}
    JOB.validate(good)
    assert not JOB.is_valid({**good, **spoil})


MISSING = object()
# Where, and what stands there instead.
DOMAIN_SPOILED = [("specversion", "0.3"), ("source", "/sesverify/default/xyz"), ("id", "1"), ("sequence", "1"), ("sequence", MISSING),
                  ("time", "yesterday"), ("subject", ""), ("data.domain_id", "ABC"), ("data.to", "new"), ("data.reason", "none"),
                  ("data.dkim_verified", "yes"), ("data.sending_enabled", MISSING), ("data.axes.dkim", "ok"),
                  ("data.axes.identity", MISSING), ("data.changed", {}), ("data.changed", {"ttl": {"old": 1, "new": 2}}),
                  ("data.conclusion", "fine"), ("data.findings", [{"code": "x"}]), ("data.next_check_at", 12),
                  ("data.contact_email", MISSING), ("data.observed_at", None)]
FINISHED_SPOILED = [("specversion", MISSING), ("type", "io.sesverify.job.v1"), ("source", "/sesverify/jobs/x"), ("id", "job.0"),
                    ("time", MISSING), ("data.outcome", "failed"), ("data.outcome", MISSING), ("data.job_id", 7),
                    ("data.job_id", MISSING), ("data.reason", "bad_luck"), ("data.definitive", "yes"), ("data.retry_at", "soon"),
                    ("data.type", "verify"), ("data.domain_id", "xyz"), ("sequence", "0000000001")]


def spoiled(event, where, value):
    out = copy.deepcopy(event)
    *path, last = where.split(".")
    place = out
    for step in path:
        place = place[step]
    if value is MISSING:
        del place[last]
    else:
        place[last] = value
    return out


def test_spoiled_events_are_refused(told):
    """The first event of every type, spoiled in more than ten ways each."""
    first = {event["type"]: event for event in reversed(told[1])}
    for kind, event in first.items():
        for where, value in FINISHED_SPOILED if kind.endswith("finished.v1") else DOMAIN_SPOILED:
            assert not validator_of(event).is_valid(spoiled(event, where, value)), (kind, where)


def test_each_type_has_its_own_moves(told):
    first = {event["type"]: event for event in reversed(told[1]) if ".domain." in event["type"]}
    for kind, event in first.items():
        others = [k for k in first if k != kind]
        assert not [k for k in others if DOMAIN.is_valid({**event, "type": k})], kind
    registered = first["io.sesverify.domain.registered.v1"]
    assert not DOMAIN.is_valid(spoiled(registered, "data.dns_records", MISSING))
