"""The adapter against the SES stand-in: every operation, and every fault."""

import pytest

from probe import environment, one, run
from sandbox import Sandbox

READS = {
    "identity": "GetIdentityVerificationAttributes",
    "dkim": "GetIdentityDkimAttributes",
    "mail_from": "GetIdentityMailFromDomainAttributes",
}
EVERY = [
    "CreateEmailIdentity:f.example", "GetEmailIdentity:f.example",
    "PutEmailIdentityMailFromAttributes:f.example,m.f.example", "DeleteEmailIdentity:f.example",
    "VerifyDomainIdentity:f.example", "VerifyDomainDkim:f.example",
    "GetIdentityVerificationAttributes:f.example", "GetIdentityDkimAttributes:f.example",
    "GetIdentityMailFromDomainAttributes:f.example", "ListEmailIdentities",
]


@pytest.fixture
def sb():
    with Sandbox("--speed", "1000", "--rate", "0") as sandbox:
        yield sandbox


def ask(sb, *ops, **how):
    return run(sb.ses_url, *ops, **how).calls


def result(sb, op, **how):
    call = one(sb.ses_url, op, **how)
    assert call["err"] == "ok", call
    return call["results"][0]


def test_the_life_of_a_domain(sb):
    created = result(sb, "CreateEmailIdentity:a.example")
    assert created["listed"] and created["signing_enabled"] is True
    assert len(created["tokens"]) == 3 and created["hosted_zone"]
    assert one(sb.ses_url, "CreateEmailIdentity:a.example")["err"] == "exists"
    got = result(sb, "GetEmailIdentity:a.example")
    assert got["tokens"] == created["tokens"] and got["dkim"] == "pending"
    assert got["mail_from"] == "none"
    assert result(sb, "VerifyDomainDkim:a.example")["tokens"] == created["tokens"]
    token = result(sb, "VerifyDomainIdentity:a.example")["verification_token"]
    assert token
    result(sb, "PutEmailIdentityMailFromAttributes:a.example,m.a.example,reject")
    got = result(sb, READS["mail_from"] + ":a.example")
    assert (got["mail_from"], got["mail_from_domain"]) == ("pending", "m.a.example")
    sb.publish("a.example", mail_from="m.a.example")
    sb.wait_status("a.example", dkim="Success", identity="Success", mail_from="Success")
    for axis, op in READS.items():
        got = result(sb, f"{op}:a.example")
        assert got["listed"] and got[axis] == "success", got
    assert result(sb, READS["identity"] + ":a.example")["verification_token"] == token
    got = result(sb, "GetEmailIdentity:a.example")
    assert (got["identity"], got["dkim"], got["mail_from"]) == ("success",) * 3
    assert got["last_success_at"] > 0
    result(sb, "PutEmailIdentityMailFromAttributes:a.example")
    assert result(sb, "GetEmailIdentity:a.example")["mail_from"] == "none"
    assert result(sb, READS["mail_from"] + ":a.example")["mail_from"] == "none"
    result(sb, "DeleteEmailIdentity:a.example")
    result(sb, "DeleteEmailIdentity:a.example")
    assert one(sb.ses_url, "GetEmailIdentity:a.example")["err"] == "not_found"
    assert result(sb, READS["identity"] + ":a.example")["listed"] is False


def test_a_list_is_walked_page_by_page(sb):
    names = {f"d{i}.example" for i in range(1003)}
    ask(sb, *[f"VerifyDomainDkim:{name}" for name in sorted(names)])
    first = one(sb.ses_url, "ListEmailIdentities")
    assert first["err"] == "ok" and len(first["listed"]) == 1000 and first["next_token"]
    last = one(sb.ses_url, f"ListEmailIdentities:{first['next_token']}")
    assert last["err"] == "ok" and last["next_token"] == ""
    lines = first["listed"] + last["listed"]
    assert {line["name"] for line in lines} == names and len(lines) == len(names)
    assert all(line["is_domain"] and line["identity"] == "pending" for line in lines)
    assert one(sb.ses_url, "ListEmailIdentities:nobodys-token")["err"] == "not_found"


def test_a_batch_keeps_its_order(sb):
    names = [f"d{i}.example" for i in range(100)]
    ask(sb, *[f"VerifyDomainDkim:{name}" for name in names[::3]])
    for op in READS.values():
        call = ask(sb, f"{op}:{','.join(names)}")[0]
        assert call["err"] == "ok", call
        assert [r["domain"] for r in call["results"]] == names
        if op != READS["dkim"]:  # the DKIM map may show unknown identities as not started
            assert [r["listed"] for r in call["results"]] == [i % 3 == 0 for i in range(100)]
        assert all(r["listed"] for r in call["results"][::3])


def test_odd_names_arrive_as_they_were_sent(sb):
    for name in ("user+tag@a.example", "xn--bcher-kva.example"):
        ask(sb, f"CreateEmailIdentity:{name}")
        assert sb.identity(name) is not None
        assert result(sb, f"GetEmailIdentity:{name}")["listed"]


FAULTS = [
    ({"do": "status", "status": 429, "code": "TooManyRequestsException"}, "throttled"),
    ({"do": "status", "status": 400, "code": "ThrottlingException"}, "throttled"),
    ({"do": "status", "status": 500}, "unavailable"),
    ({"do": "status", "status": 503}, "unavailable"),
    ({"do": "status", "status": 403, "code": "AccessDeniedException"}, "denied"),
    ({"do": "status", "status": 403, "code": "ExpiredTokenException"}, "denied"),
    ({"do": "status", "status": 400, "code": "AccountSuspendedException"}, "denied"),
    ({"do": "status", "status": 400, "code": "LimitExceededException"}, "quota"),
    ({"do": "status", "status": 400, "code": "BadRequestException"}, "refused"),
    ({"do": "html", "status": 502}, "unavailable"),
    ({"do": "html", "status": 200}, "malformed"),
    ({"do": "garbage"}, "malformed"),
    ({"do": "close"}, "connect"),
    ({"do": "hang", "ms": -1}, "timeout"),
]


IDS = [f"{fault['do']}-{i}" for i, (fault, _) in enumerate(FAULTS)]


@pytest.mark.parametrize("fault,err", FAULTS, ids=IDS)
def test_every_operation_under_every_fault(sb, fault, err):
    sb.fault(**{"count": -1, **fault})
    total_ms = 200 if err == "timeout" else 20000
    for call in ask(sb, *EVERY, total_ms=total_ms):
        assert call["err"] == err, call
        assert call["text"] and not any(r["listed"] for r in call["results"])
    for op in EVERY:  # one request each: nothing is tried again behind the caller's back
        assert sb.calls(op.split(":")[0])["count"] <= 1


def test_replies_that_are_cut_or_slow(sb):
    names = ["CreateEmailIdentity:c.example", "GetEmailIdentity:c.example",
             "VerifyDomainDkim:c.example", "GetIdentityDkimAttributes:c.example"]
    sb.fault("cut", count=len(names))
    assert [call["err"] for call in ask(sb, *names)] == ["connect"] * len(names)
    ask(sb, names[2])
    sb.fault("slow", ms=1, count=-1)
    assert [call["err"] for call in ask(sb, *names[1:])] == ["ok"] * 3
    sb.control.delete("/faults")
    sb.fault("slow", ms=50, count=-1)
    assert one(sb.ses_url, names[3], total_ms=200)["err"] == "timeout"


def test_an_empty_200_is_success_only_where_nothing_is_said(sb):
    ask(sb, "CreateEmailIdentity:e.example")
    sb.fault("empty", count=-1)
    for op, err in (("GetEmailIdentity:e.example", "malformed"),
                    ("GetIdentityDkimAttributes:e.example", "malformed"),
                    ("PutEmailIdentityMailFromAttributes:e.example", "ok"),
                    ("DeleteEmailIdentity:e.example", "ok")):
        assert one(sb.ses_url, op)["err"] == err


@pytest.mark.parametrize("op", ["GetIdentityDkimAttributes:s.example",
                                "GetEmailIdentity:s.example"])
@pytest.mark.parametrize("ahead_s", [3600, -3600])
def test_a_wrong_clock_is_learned_from_the_reply(sb, op, ahead_s):
    ask(sb, "CreateEmailIdentity:s.example")
    sb.fault("skewed_date", ms=ahead_s * 1000, count=-1)
    first, second, third = ask(sb, op, op, op)
    assert first["err"] == "clock", first
    assert (second["err"], third["err"]) == ("ok", "ok"), second
    assert second["results"][0]["listed"]


def test_wrong_keys_are_not_the_clocks_fault(sb):
    for op in ("GetIdentityDkimAttributes:k.example", "GetEmailIdentity:k.example"):
        assert one(sb.ses_url, op, env=environment(secret="wrong"))["err"] == "denied"


def test_throttling_by_the_rate():
    with Sandbox("--rate", "1") as sandbox:
        calls = ask(sandbox, *["GetIdentityDkimAttributes:a.example"] * 3)
        assert [call["err"] for call in calls] == ["ok", "throttled", "throttled"]
        assert "Throttling" in calls[1]["text"] and calls[1]["native"] == 400
