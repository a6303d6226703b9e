"""What a worker sends to SES in a domain's whole life, judged byte for byte by botocore. Every other test's sandbox does
the same when it ends (sandbox.py); here it is shown that a single altered byte would be found."""
import base64
import json

import pytest

from sigv4_judge import recorded_is_right, scope_of, wrong_verdicts
from world import World

ACTIONS = {"CreateEmailIdentity", "DeleteEmailIdentity", "GetIdentityDkimAttributes",
           "GetIdentityMailFromDomainAttributes", "GetIdentityVerificationAttributes",
           "PutEmailIdentityMailFromAttributes", "VerifyDomainIdentity"}


@pytest.fixture(name="recorded", scope="module")
def run_a_life():
    """One domain is registered, verified and removed; the sandbox's lines, one of each kind of request."""
    with World() as world:
        world.start_worker()
        world.push("register", "c1", "client.example", mail_from="bounce", legacy_txt=True)
        records = world.wait_event("registered", "client.example")["data"]["dns_records"]
        world.publish("client.example", records)
        world.wait_event("verified", "client.example")
        answer = world.push("remove", "c1", "client.example", delete_identity=True)
        world.wait_answer(answer)
        lines = world.sandbox.record.lines()
        assert ACTIONS <= set(world.sandbox.calls()), world.sandbox.calls().keys()
    assert world.sandbox.judged >= len(lines)
    kinds = {}
    for line in lines:
        one = json.loads(line)
        action = base64.b64decode(one["body"]).split(b"&")[0] if one["path"] == "/" else one["path"]
        kinds[one["method"], action] = one
    print(f"{len(lines)} requests, {len(kinds)} kinds")
    return lines, list(kinds.values())


def test_every_request_is_right(recorded):
    lines, kinds = recorded
    assert len(kinds) >= 5 and wrong_verdicts(lines) == []
    assert all(json.loads(line)["verdict"] == "ok" for line in lines)


def altered(one):
    """Copies of the request with one bit of one byte changed, of everything that is signed; which byte it was."""
    authorization = next(value for name, value in one["headers"] if name.lower() == "authorization")
    names = authorization.split("SignedHeaders=")[1].split(",")[0].split(";")

    def flips(text):
        for at in range(len(text)):
            yield text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1:]

    for path in flips(one["path"]):
        yield "path", {**one, "path": path}
    for method in flips(one["method"]):
        yield "method", {**one, "method": method}
    body = base64.b64decode(one["body"])
    for at in range(len(body)):
        yield "body", {**one, "body": base64.b64encode(body[:at] + bytes([body[at] ^ 1]) + body[at + 1:]).decode()}
    for i, (name, value) in enumerate(one["headers"]):
        if name.lower() in names or name.lower() == "authorization":
            for text in flips(value):
                yield name, {**one, "headers": one["headers"][:i] + [[name, text]] + one["headers"][i + 1:]}


def test_a_single_altered_byte_is_found(recorded):
    tried = 0
    for one in recorded[1]:
        assert scope_of(one["headers"])[3] == "ses"
        for where, other in altered(one):
            tried += 1
            assert not recorded_is_right(other), (where, other)
            assert wrong_verdicts([json.dumps({**other, "verdict": "ok"})])
    assert tried > 2000
    print(f"{tried} altered bytes found")


def test_a_wrong_verdict_of_the_sandbox_is_found_too(recorded):
    assert wrong_verdicts([json.dumps({**recorded[1][0], "verdict": "mismatch"})])
