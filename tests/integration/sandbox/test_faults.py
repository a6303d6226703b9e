"""Each kind of scripted fault, seen by a client that reads the bytes."""

import datetime
import http.client
import json
import socket
import threading
import time

import pytest
from botocore.exceptions import ClientError

from requests_aws import sign
from sandbox import ControlError

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
QUOTA = b"Action=GetSendQuota&Version=2010-12-01"


class Reply:
    def __init__(self, reply, body):
        self.status, self.headers, self.body = reply.status, reply.headers, body


def quota(sb, timeout_s=10):
    """One signed GetSendQuota over a connection of its own."""
    host = sb.ses_url.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=timeout_s)
    try:
        connection.request("POST", "/", QUOTA, sign(sb.ses_url + "/", "POST", QUOTA, dict(FORM)))
        reply = connection.getresponse()
        return Reply(reply, reply.read())
    finally:
        connection.close()


def code_of(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    reply = caught.value.response
    return reply["ResponseMetadata"]["HTTPStatusCode"], reply["Error"]["Code"], reply["Error"]["Message"]


def test_status(sb):
    v1, v2 = sb.client("ses"), sb.client("sesv2")
    sb.fault("status", "GetSendQuota", status=400, code="ThrottlingException", message="slow down", count=2)
    assert code_of(v1.get_send_quota) == (400, "ThrottlingException", "slow down")
    assert code_of(v1.get_send_quota) == (400, "ThrottlingException", "slow down")
    v1.get_send_quota()
    assert sb.calls("GetSendQuota")["faulted"] == 2
    for status, v1_code, v2_code in (
        (429, "Throttling", "TooManyRequestsException"),
        (500, "InternalFailure", "InternalServiceErrorException"),
        (503, "ServiceUnavailable", "ServiceUnavailable"),
        (403, "AccessDenied", "AccessDeniedException"),
    ):
        sb.fault("status", status=status, count=2)
        assert code_of(v1.get_send_quota)[:2] == (status, v1_code)
        assert code_of(v2.get_account)[:2] == (status, v2_code)



def test_any_body_with_any_status(sb):
    sb.fault("body", "GetSendQuota", status=200, body="<a>\u00fc</a>")
    sb.fault("body", "GetSendQuota", status=404, body="", retry_after="7")
    first, second, third = quota(sb), quota(sb), quota(sb)
    assert (first.status, first.headers["Content-Type"], first.body) == (200, "text/xml", "<a>\u00fc</a>".encode())
    assert (second.status, second.headers["Retry-After"], second.body) == (404, "7", b"")
    assert third.status == 200 and b"Max24HourSend" in third.body
    sb.fault("status", status=429, retry_after="3")
    assert quota(sb).headers["Retry-After"] == "3"
    for wrong in ({"do": "body"}, {"do": "body", "body": 7}, {"do": "body", "body": "", "status": 99}):
        with pytest.raises(ControlError):
            sb.control.post("/faults", wrong)

def test_a_failing_call_has_no_effect_unless_told(sb):
    v2 = sb.client("sesv2")
    sb.fault("status", "CreateEmailIdentity", status=500)
    sb.fault("status", "CreateEmailIdentity", status=500, perform=True)
    code_of(v2.create_email_identity, EmailIdentity="a.example")
    assert sb.identity("a.example") is None
    code_of(v2.create_email_identity, EmailIdentity="a.example")
    assert sb.identity("a.example")["dkim"] == "Pending"


def test_match_skip_and_count(sb):
    v1 = sb.client("ses")
    sb.fault("status", "GetIdentityDkimAttributes", "b.example", status=500, skip=1, count=-1)
    read = lambda *names: v1.get_identity_dkim_attributes(Identities=list(names))
    read("a.example", "b.example")  # skipped
    read("a.example")  # not about b.example
    for _ in range(3):
        with pytest.raises(ClientError):
            read("a.example", "B.example")
    v1.get_send_quota()
    assert sb.control.get("/faults")[0]["count"] == -1
    sb.control.delete("/faults")
    read("b.example")
    assert sb.control.get("/faults") == []


def test_faults_match_v2_names_and_regions(sb):
    sb.control.post(
        "/faults", {"match": {"identity": "a@b.example", "region": "us-east-1"}, "do": "status", "count": -1}
    )
    near, far = sb.client("sesv2"), sb.client("sesv2", region="us-east-1")
    assert code_of(near.get_email_identity, EmailIdentity="a@b.example")[1] == "NotFoundException"
    assert code_of(far.get_email_identity, EmailIdentity="a@b.example")[0] == 503
    assert code_of(far.create_email_identity, EmailIdentity="a@b.example")[0] == 503


def test_html(sb):
    sb.fault("html", status=502)
    reply = quota(sb)
    assert reply.status == 502 and reply.headers["Content-Type"] == "text/html" and b"<html>" in reply.body


def test_garbage(sb):
    sb.fault("garbage")
    reply = quota(sb)
    assert reply.status == 200 and reply.headers["Content-Type"] == "text/xml"
    with pytest.raises(UnicodeDecodeError):
        reply.body.decode()


def test_empty(sb):
    sb.fault("empty")
    reply = quota(sb)
    assert reply.status == 200 and reply.body == b"" and reply.headers["Content-Length"] == "0"


def test_cut(sb):
    whole = quota(sb).body
    sb.fault("cut")
    with pytest.raises(http.client.IncompleteRead) as caught:
        quota(sb)
    assert whole.startswith(caught.value.partial[:20]) and 0 < len(caught.value.partial) < len(whole)
    assert quota(sb).status == 200


def test_close(sb):
    sb.fault("close")
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        quota(sb)


def test_slow(sb):
    whole = len(quota(sb).body)
    sb.fault("slow", ms=2)
    begin = time.monotonic()
    reply = quota(sb)
    assert len(reply.body) == whole and time.monotonic() - begin >= whole * 0.002


def test_hang_is_late_and_takes_effect_at_once(sb):
    sb.fault("hang", "VerifyDomainDkim", ms=1000)
    ses = sb.client("ses", read_timeout=10)
    done = []
    thread = threading.Thread(target=lambda: done.append(ses.verify_domain_dkim(Domain="a.example")))
    begin = time.monotonic()
    thread.start()
    sb.wait_status("a.example", dkim="Pending")
    assert not done
    thread.join(10)
    assert len(done[0]["DkimTokens"]) == 3 and time.monotonic() - begin >= 1


def test_hang_for_ever(sb):
    sb.fault("hang", ms=-1)
    with pytest.raises((socket.timeout, TimeoutError)):
        quota(sb, timeout_s=0.3)
    assert quota(sb).status == 200  # others are served meanwhile


def test_skewed_date(sb, monkeypatch):
    sb.fault("skewed_date", ms=-3600 * 1000, count=-1)
    assert code_of(sb.client("ses").get_send_quota)[:2] == (400, "RequestExpired")
    assert code_of(sb.client("sesv2").get_account)[:2] == (403, "InvalidSignatureException")
    date = datetime.datetime.strptime(quota(sb).headers["Date"], "%a, %d %b %Y %H:%M:%S GMT")
    assert -3610 < (date - datetime.datetime.utcnow()).total_seconds() < -3590
    from test_signatures import signed_at

    signed_at(monkeypatch, -3600)
    assert quota(sb).status == 200


def test_set_status(sb):
    sb.publish("a.example")
    v1 = sb.client("ses")
    v1.verify_domain_dkim(Domain="a.example")
    sb.wait_status("a.example", dkim="Success")
    read = lambda: v1.get_identity_dkim_attributes(Identities=["a.example"])["DkimAttributes"]["a.example"]
    sb.fault("set_status", "GetIdentityDkimAttributes", "a.example", set={"dkim": "TEMPORARY_FAILURE", "pin": True})
    assert read()["DkimVerificationStatus"] == "TemporaryFailure"
    assert read()["DkimVerificationStatus"] == "TemporaryFailure"  # pinned: looks do not move it
    sb.control.post("/identities/a.example", {"pin": False})
    sb.wait_status("a.example", dkim="Success")


def test_forcing_and_deleting_by_control(sb):
    v2 = sb.client("sesv2")
    v2.create_email_identity(EmailIdentity="a.example")
    state = sb.control.post(
        "/identities/a.example",
        {"identity": "Failed", "dkim": "FAILED", "signing": False, "error_type": "SERVICE_ERROR"},
    )
    assert (state["identity"], state["dkim"], state["signing"]) == ("Failed", "Failed", False)
    assert v2.get_email_identity(EmailIdentity="a.example")["VerificationStatus"] == "FAILED"
    assert sb.identity("a.example")["error_type"] == "SERVICE_ERROR"
    sb.control.delete("/identities/a.example")
    assert sb.identity("a.example") is None
    with pytest.raises(ControlError) as caught:
        sb.control.post("/identities/a.example", {"dkim": "Success"})
    assert caught.value.status == 404
    sb.control.post("/identities/a.example", {"create": True, "dkim": "Success", "pin": True})
    sb.control.post("/identities/a.example", {"delete": True})
    assert sb.control.get("/state")["identities"] == []


@pytest.mark.parametrize(
    "path, body",
    [
        ("/faults", {"do": "explode"}),
        ("/faults", {"match": {"action": 7}, "do": "html"}),
        ("/faults", [{"do": "status", "status": 200}]),
        ("/faults", {"do": "set_status"}),
        ("/faults", {"do": "slow"}),
        ("/faults", {}),
        ("/dns-faults", {"do": "explode"}),
        ("/dns-faults", {"do": "drop", "match": {"type": "WHAT"}}),
        ("/clock", {"advance_ms": -1}),
        ("/clock", {"speed": -1}),
        ("/clock", {"speed": "fast"}),
        ("/rate", {"rate": -1}),
        ("/zone", {"add": "no list"}),
        ("/zone", {"add": ["a.example x A 192.0.2.1"]}),
        ("/identities/nodots", {"dkim": "Success"}),
        ("/identities/a.example?region=eu-west-1", {"create": True, "dkim": "Splendid"}),
    ],
)
def test_control_refuses_nonsense(sb, path, body):
    with pytest.raises(ControlError) as caught:
        sb.control.post(path, body)
    assert caught.value.status == 400 and json.loads(caught.value.body)["error"]


def test_unknown_resources(sb):
    for method, path in (("GET", "/nothing"), ("PUT", "/state"), ("GET", "/identities/none.example"), ("GET", "/")):
        with pytest.raises(ControlError) as caught:
            sb.control.call(method, path)
        assert caught.value.status == 404


def test_calls_and_reset(sb):
    v1 = sb.client("ses")
    v1.verify_domain_dkim(Domain="a.example")
    v1.get_identity_dkim_attributes(Identities=["a.example", "b.example", "c.example"])
    code_of(v1.set_identity_dkim_enabled, Identity="b.example", DkimEnabled=True)
    calls = sb.control.get("/calls?entries=1")
    assert calls["total"] == 3
    assert calls["actions"]["GetIdentityDkimAttributes"]["identities"] == 3
    assert calls["actions"]["SetIdentityDkimEnabled"]["refused"] == 1
    last = calls["entries"][-1]
    assert (last["action"], last["identity"], last["status"], last["code"], last["outcome"], last["api"]) == (
        "SetIdentityDkimEnabled", "b.example", 400, "InvalidParameterValue", "refused", "v1",
    )
    assert {one["region"] for one in calls["keys"]} == {"eu-west-1"}
    sb.fault("html", count=-1)
    sb.control.post("/reset")
    assert sb.control.get("/state")["identities"] == [] and sb.control.get("/calls")["total"] == 0
    assert sb.control.get("/requests") == []
    v1.get_send_quota()


def test_dns_fault_slow_and_skip(sb):
    sb.publish("a.example")
    sb.dns_fault("servfail", "a.example", "SOA", skip=1)
    sb.dns_fault("slow", "*.a.example", "CNAME", ms=100, count=3)
    sb.client("ses").verify_domain_dkim(Domain="a.example")
    sb.wait_status("a.example", dkim="Success")
    assert [rule["do"] for rule in sb.control.get("/dns-faults")] == ["servfail", "slow"]
