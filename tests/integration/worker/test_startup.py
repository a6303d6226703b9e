"""What the worker says of its accounts when it starts: who it is at AWS, what the account may do, and which permissions it
lacks, by IAM action. Nothing waits for it, and it keeps to the rate."""
import hashlib
import json

import pytest

from sandbox import wait_for
from world import World

PROBES = ["GetAccount", "GetIdentityVerificationAttributes", "GetIdentityDkimAttributes",
          "GetIdentityMailFromDomainAttributes", "GetEmailIdentity"]


def lines(worker, event):
    return [line for line in map(json.loads, [x for x in worker.text().splitlines() if x.startswith("{")])
            if line["event"] == event]


def wait_lines(worker, event, count=1):
    return wait_for(lambda: len(lines(worker, event)) >= count and lines(worker, event), event, 60)


def asked(world):
    return [entry["action"] for entry in world.sandbox.control.get("/calls?entries=1")["entries"]]


def deny(world, action, count=-1):
    world.sandbox.control.post("/faults", {"match": {"action": action}, "do": "status", "status": 403, "count": count,
                                           "code": "AccessDeniedException", "message": "User: x is not authorized"})


@pytest.fixture(name="world")
def make_world():
    with World(settings={"SESVERIFY_WORKER_PROBE": "true"}) as world:
        world.settings["AWS_ENDPOINT_URL_STS"] = world.sandbox.ses_url
        yield world


def test_start_says_who_it_is_and_what_the_account_may_do(world):
    worker = world.start_worker()
    who = wait_lines(worker, "account_identity")[0]
    assert len(who["aws_account"]) == 12 and who["principal"] == f"arn:aws:iam::{who['aws_account']}:user/sandbox"
    state = wait_lines(worker, "account_state")[0]
    assert state["level"] == "info" and state["account"] == "default"
    assert (state["production"], state["sending"], state["enforcement"]) == ("yes", "yes", "HEALTHY")
    assert (state["mails_per_day_max"], state["mails_last_day"], state["mails_per_second_max"]) == (50000, 127, "14.000")
    wait_for(lambda: "GetEmailIdentity" in asked(world), "the last probe", 60)
    assert [name for name in asked(world) if name != "GetCallerIdentity"] == PROBES
    assert not lines(worker, "permission_missing") and not lines(worker, "ses_call_failed")


@pytest.mark.parametrize("action", PROBES)
def test_missing_read_permission_is_named_by_its_action_once(world, action):
    deny(world, action)
    worker = world.start_worker()
    arn = wait_lines(worker, "account_identity")[0]["principal"]
    told = wait_lines(worker, "permission_missing")[0]
    assert told["level"] == "error"
    assert told["msg"] in (f"ses:{action} is not allowed for {arn}", f"ses:{action} is not allowed for these credentials")
    wait_for(lambda: asked(world).count(PROBES[-1]) >= 1, "the last probe", 60)
    assert len(lines(worker, "permission_missing")) == 1
    assert lines(worker, "account_state") or action == "GetAccount"


def test_missing_write_permission_is_named_when_first_refused(world):
    deny(world, "CreateEmailIdentity")
    worker = world.start_worker()
    arn = wait_lines(worker, "account_identity")[0]["principal"]
    world.push("register", "client-1", "refused.example")
    assert wait_lines(worker, "permission_missing")[0]["msg"] == f"ses:CreateEmailIdentity is not allowed for {arn}"


@pytest.mark.parametrize("account, words", [
    ({"production": False, "max_24_hours": 200, "max_rate": 1}, "SES's sandbox"), ({"sending": False}, "paused"),
    ({"enforcement": "PROBATION"}, "restricts"),
])
def test_account_that_cannot_send_to_everybody_is_a_warning(world, account, words):
    world.sandbox.control.post("/account", account)
    state = wait_lines(world.start_worker(), "account_state")[0]
    assert state["level"] == "warn" and words in state["msg"]


def test_policy_that_forgets_an_action_is_told_with_the_words_of_iam(world):
    world.sandbox.control.post("/permissions", {"deny": ["ses:GetIdentityDkimAttributes"]})
    told = wait_lines(world.start_worker(), "permission_missing")[0]
    assert told["operation"] == "GetIdentityDkimAttributes" and "is not authorized to perform" in told["error"]


@pytest.mark.parametrize("giver", ["role", "imds", "container", "sso"])
def test_keys_that_were_given_work_at_ses(world, giver):
    """Through the whole worker: the sandbox gives the keys and takes them."""
    sandbox, home = world.sandbox, world.folder
    sandbox.control.post("/givers", {"roles": {"arn:aws:iam::123456789012:role/mail": None}, "container_token": "t",
                                     "sso": {"token": "t", "account_id": "123456789012", "role_name": "r"}})
    none = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
    if giver == "role":
        settings = {"SESVERIFY_ACCOUNT_DEFAULT_ROLE_ARN": "arn:aws:iam::123456789012:role/mail"}
    elif giver == "imds":
        settings = {**none, "AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": sandbox.ses_url}
    elif giver == "container":
        settings = {**none, "AWS_CONTAINER_CREDENTIALS_FULL_URI": sandbox.ses_url + "/v1/credentials",
                    "AWS_CONTAINER_AUTHORIZATION_TOKEN": "t"}
    else:
        cache = home / ".aws" / "sso" / "cache"
        cache.mkdir(parents=True)
        (cache / (hashlib.sha1(b"u").hexdigest() + ".json")).write_text(
            '{"accessToken": "t", "expiresAt": "2999-01-01T00:00:00Z"}')
        (home / ".aws" / "config").write_text("[default]\nsso_start_url = u\nsso_region = eu-west-1\n"
                                              "sso_account_id = 123456789012\nsso_role_name = r\n")
        settings = {**none, "AWS_ENDPOINT_URL_SSO": sandbox.ses_url}
    worker = world.start_worker(**{"HOME": str(home), **settings})
    assert wait_lines(worker, "account_state")[0]["level"] == "info"
    world.push("register", "client-1", "given.example")
    world.wait_event("registered", "given.example")
    assert "given-secret" not in worker.text() and "given-token" not in worker.text()


def test_start_does_not_wait_for_a_service_that_is_away(world):
    world.sandbox.control.post("/faults", {"do": "status", "status": 503, "count": -1})
    worker = world.start_worker()
    wait_lines(worker, "account_identity_unknown")
    wait_lines(worker, "ses_call_failed", 2)
    assert not lines(worker, "account_state")
    assert worker.stop() == 0


def test_probes_keep_to_the_rate_also_when_three_workers_start(world):
    world.settings["SESVERIFY_ACCOUNT_DEFAULT_RATE"] = "2"
    workers = [world.start_worker() for _ in range(3)]
    for worker in workers:
        wait_lines(worker, "account_state")
    wait_for(lambda: asked(world).count(PROBES[-1]) >= 3, "all probes", 60)
    for action in PROBES:
        times = sorted(entry["at_ms"] for entry in world.sandbox.control.get("/calls?entries=1")["entries"]
                       if entry["action"] == action)
        assert len(times) == 3 and min(b - a for a, b in zip(times, times[1:])) >= 450, (action, times)


def test_probe_can_be_switched_off(world):
    world.settings["SESVERIFY_WORKER_PROBE"] = "false"
    worker = world.start_worker()
    assert worker.stop() == 0
    assert asked(world) == []


def test_keys_of_a_stand_in_are_not_shown_to_the_real_sts(world):
    worker = world.start_worker(AWS_ENDPOINT_URL_STS=None, AWS_ENDPOINT_URL=None)
    wait_lines(worker, "account_state")
    assert worker.stop() == 0
    assert not lines(worker, "account_identity") and not lines(worker, "account_identity_unknown")
