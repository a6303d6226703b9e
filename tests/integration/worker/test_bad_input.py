"""Bad input from every side: the job ends with a reason, its payload is kept, and the worker lives on."""
import json

import pytest

from sandbox import wait_for
from world import DEADLINE_S, World


@pytest.fixture(name="world", scope="module")
def make_world():
    with World() as world:
        world.start_worker()
        yield world


DEAD = [
    ("F18_bad_json", '{"type": "register",', "malformed_json"),
    ("F18_not_an_object", "[1, 2]", "malformed_json"),
    ("F18_unknown_type", '{"type":"verify","client_id":"c","domain":"a.example"}', "unknown_type"),
    ("F18_a_later_version", '{"type":"register.v2","version":2,"client_id":"c","domain":"a.example"}', "unknown_type"),
    ("F18_missing_client", '{"type":"register","domain":"a.example"}', "missing_field"),
    ("F18_long_client", json.dumps({"type": "register", "client_id": "c" * 129, "domain": "a.example"}), "invalid_field"),
    ("F18_unknown_account", '{"type":"register","client_id":"c","domain":"a.example","account":"x"}', "unknown_account"),
    ("F18_bad_mail_from", '{"type":"register","client_id":"c","domain":"a.example","mail_from":"m.b.example"}',
     "invalid_mail_from"),
]


@pytest.mark.parametrize("name,payload,reason", DEAD, ids=[row[0] for row in DEAD])
def test_dead_letters_keep_reason_and_payload(world, name, payload, reason):
    entry = world.push_raw(payload)
    answer = world.wait_answer(entry)
    assert (answer["data"]["outcome"], answer["data"]["reason"]) == ("dead", reason), name
    letter = world.redis.hgetall("sv:{0}:dead:" + entry)
    assert payload.encode() in letter.values()
    assert reason.encode() in letter.values()


REJECTED = [
    ("public_suffix", "co.uk", "restricted_domain"),
    ("single_label", "intranet", "invalid_domain"),
    ("ip_literal", "192.0.2.7", "invalid_domain"),
    ("empty_label", "a..example", "invalid_domain"),
    ("not_registered", None, "not_registered"),
]


@pytest.mark.parametrize("name,domain,reason", REJECTED, ids=[row[0] for row in REJECTED])
def test_unacceptable_jobs_are_rejected(world, name, domain, reason):
    kind = "register" if domain else "recheck"
    answer = world.wait_answer(world.push(kind, "c", domain or "nobody.example"))
    assert (answer["data"]["outcome"], answer["data"]["reason"]) == ("rejected", reason), name


def test_F18_ten_megabytes_are_buried_unread(world):
    entry = world.push_raw(json.dumps({"type": "register", "client_id": "c", "domain": "a.example",
                                       "padding": "x" * 10_000_000}))
    answer = world.wait_answer(entry)
    assert (answer["data"]["outcome"], answer["data"]["reason"]) == ("dead", "too_big")
    assert world.redis.exists("sv:{0}:dead:" + entry)
    # The worker lives on and serves the next one.
    assert world.wait_answer(world.push("recheck", "c", "b.example"))["data"]["outcome"] == "rejected"


def test_an_entry_without_the_field_is_buried(world):
    entry = world.push_raw("hello", field="message")
    answer = world.wait_answer(entry)
    assert (answer["data"]["outcome"], answer["data"]["reason"]) == ("dead", "missing_job_field")


def test_the_domain_limit_is_a_rejection(world):
    answers = [world.wait_answer(world.push("register", "many", f"d{i}.example"))["data"] for i in range(11)]
    assert [a["outcome"] for a in answers] == ["done"] * 10 + ["rejected"]
    assert answers[10]["reason"] == "domain_limit"


def times_created(world):
    return world.sandbox.calls("CreateEmailIdentity")["count"]


def test_F20_the_same_job_a_thousand_times_is_done_once(world):
    before = times_created(world)
    job = json.dumps({"type": "register", "client_id": "once", "domain": "once.example", "id": "j-1"})
    pipe = world.redis.pipeline()
    for _ in range(1000):
        pipe.xadd("sv:{0}:jobs", {"job": job})
    first = pipe.execute()[0].decode()
    assert world.wait_answer(first)["data"]["outcome"] == "done"
    assert world.wait_answer(world.push("recheck", "c", "last.example"))["data"]["outcome"] == "rejected"
    answers = [e for e in world.events() if e["data"].get("job_id") == "j-1" and e["type"].endswith("finished.v1")]
    assert len(answers) == 1 and times_created(world) == before + 1
    assert len(world.domain_events("once.example")) == 1 or \
        world.domain_events("once.example")[0]["type"] == "io.sesverify.domain.registered.v1"


def test_F20_the_same_without_ids_is_one_registration(world):
    """Then each is a job of its own and gets its answer, but the domain is registered once."""
    before, job = times_created(world), json.dumps({"type": "register", "client_id": "often", "domain": "often.example"})
    pipe = world.redis.pipeline()
    for _ in range(1000):
        pipe.xadd("sv:{0}:jobs", {"job": job})
    entries = {f"job.0.{entry.decode()}" for entry in pipe.execute()}
    wait_for(lambda: entries <= {e["id"] for e in world.events()}, "a thousand answers", DEADLINE_S)
    answers = [e for e in world.events() if e["id"] in entries]
    assert len(answers) == 1000 and {e["data"]["outcome"] for e in answers} <= {"done", "coalesced"}
    done = sum(e["data"]["outcome"] == "done" for e in answers)
    print(f"{done} done, {1000 - done} coalesced")
    # A job after the first one's end asks SES, which has it already; so does the look promised to those that came during one.
    assert times_created(world) <= before + 2 * done
    kinds = [e["type"].split(".")[3] for e in world.domain_events("often.example")]
    assert kinds.count("registered") == 1
