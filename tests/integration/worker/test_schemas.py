"""Every job of a real run and every event that comes back is valid by docs/schemas; spoiled ones are not."""
import json
import os
import random

import pytest

import cli_schemas
import contract
from mutations import additions, mutations
from world import World

CLIENT = "acme"


JOB, DOMAIN, FINISHED = (cli_schemas.load_open(name) for name in ("job", "domain-event", "job-finished"))
SEED = int(os.environ.get("SV_TEST_SEED", random.randrange(1 << 32)))
SPOILED_OF_EACH = 60


def validator_of(event):
    """As consumers have it: open for what is added later."""
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
    contract.events(told[1])


JOBS_SPOILED = [{"type": "verify"}, {"type": None}, {"client_id": ""}, {"client_id": "c" * 129}, {"client_id": "a\nb"},
                {"client_id": 7}, {"domain": ""}, {"domain": None}, {"id": "x" * 65}, {"account": "two words"},
                {"contact_email": "x" * 255}, {"legacy_txt": "yes"}, {"delete_identity": 1},
                {"behavior_on_mx_failure": "reject"}, {"traceparent": "00-1-2-3"}]


@pytest.mark.parametrize("spoil", JOBS_SPOILED, ids=[next(iter(s)) + str(i) for i, s in enumerate(JOBS_SPOILED)])
def test_spoiled_jobs_are_refused(spoil):
    good = {"type": "register", "client_id": "c", "domain": "a.example"}
    JOB.validate(good)
    assert not JOB.is_valid({**good, **spoil})


# What need not be there, and what is somebody else's text.
OPTIONAL_IN_DOMAIN = (r"traceparent|data\.(findings_omitted|cannot_tell_because|identity_existed|verification_token|job_id)|"
                      r"data\.changed\.\w+")
FREE_IN_DOMAIN = (r"subject|data\.(client_id|account|domain|contact_email|estimated_propagation|verification_token|job_id)|"
                  r"data\.dns_records\.\d+\.(name|host|value|purpose|description)|data\.changed\.dns_records\.new\.\d+|"
                  r"data\.findings\.\d+\.(owner|expected|found|other|advice)|.*\.server")
OPTIONAL_IN_ANSWER = (r"traceparent|subject|data\.(entry_id|type|client_id|account|domain|domain_id|contact_email|finished_at|error|"
                      r"identity_existed)")
FREE_IN_ANSWER = r"subject|data\.(job_id|client_id|account|domain|contact_email|error)"


def spoiled(event):
    """Some of all the ways to spoil it."""
    ways = list(mutations(event, OPTIONAL_IN_ANSWER, FREE_IN_ANSWER) if event["type"].endswith("finished.v1") else
                mutations(event, OPTIONAL_IN_DOMAIN, FREE_IN_DOMAIN))
    return ways if "SV_TEST_ALL" in os.environ else random.Random(SEED).sample(ways, min(SPOILED_OF_EACH, len(ways)))


def first_of_each(told):
    """The first event of every type, and the first answer of every kind."""
    out = {}
    for event in told[1]:
        data = event["data"]
        out.setdefault((event["type"], data.get("outcome"), data.get("reason") if "outcome" in data else None), event)
    return out


def test_spoiled_events_are_refused(told):
    """At least ten ways for each type, all drawn by lot; SV_TEST_ALL=1 tries every one there is."""
    refused = 0
    for kind, event in first_of_each(told).items():
        ways = spoiled(event)
        assert len(ways) >= 10, kind
        for path, what, message in ways:
            assert not validator_of(event).is_valid(message), f"seed {SEED}: {kind}: {path} {what} passes"
        refused += len(ways)
    print(f"{refused} spoiled events of {len(first_of_each(told))} kinds refused, seed {SEED}")


def test_what_is_added_later_passes_consumers(told):
    """And is noticed here, until the contract tells of it."""
    for event in {event["type"]: event for event in told[1]}.values():
        for path, message in additions(event):
            assert validator_of(event).is_valid(message), path
            assert contract.faults_of_event(message), path


def test_each_type_has_its_own_moves(told):
    first = {event["type"]: event for event in reversed(told[1]) if ".domain." in event["type"]}
    for kind, event in first.items():
        others = [k for k in first if k != kind]
        assert not [k for k in others if DOMAIN.is_valid({**event, "type": k})], kind
