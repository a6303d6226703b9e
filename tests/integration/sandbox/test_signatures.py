"""What is signed right is accepted, whatever it looks like; what is altered by one byte is not."""

import base64
import datetime
import json
import re

import botocore.auth
import pytest

from requests_aws import send, sign
from sandbox import ACCESS_KEY

QUOTA = b"Action=GetSendQuota&Version=2010-12-01"
FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}


def post(sb, body=QUOTA, change=lambda headers: None, path="/", headers=FORM, **how):
    """(status, code) of a signed v1 request whose headers were changed after signing."""
    signed = sign(sb.ses_url + path, "POST", body, dict(headers), **how)
    change(signed)
    status, _, reply = send(sb.ses_url + path, "POST", body, signed)
    code = re.search(rb"<Code>(\w+)</Code>", reply)
    return status, code.group(1).decode() if code else None


def get(sb, path, change=lambda headers: None, **how):
    """(status, code) of a signed v2 request whose headers were changed after signing."""
    signed = sign(sb.ses_url + path, "GET", b"", {}, **how)
    change(signed)
    status, headers, _ = send(sb.ses_url + path, "GET", b"", signed)
    return status, headers.get("x-amzn-ErrorType")


def test_right_signatures(sb):
    assert post(sb) == (200, None)
    assert get(sb, "/v2/email/account") == (200, None)
    assert post(sb, b"Action=GetCallerIdentity&Version=2011-06-15", service="sts") == (200, None)


@pytest.mark.parametrize(
    "path",
    [
        "/v2/email/identities?PageSize=7",
        "/v2/email/identities?z=1&a=2&PageSize=3",
        "/v2/email/identities?a=%2B%2F%3D&A=1&a2=2",
        "/v2/email/identities?empty",
        "/v2/email/identities?a=b%20c&a0=1&a-=2",
    ],
)
def test_any_form_of_the_query_can_be_signed(sb, path):
    known = path.endswith("?PageSize=7")  # the signature was right; a parameter may be unknown
    assert get(sb, path) == ((200, None) if known else (400, "SerializationException"))


@pytest.mark.parametrize(
    "path",
    ["/v2/email/identities/a%40b.example", "/v2/email/identities/a@b.example", "/v2/email/identities/%61.example"],
)
def test_paths_are_encoded_once_more(sb, path):
    assert get(sb, path) == (404, "NotFoundException")  # the signature was right, the identity is unknown


def test_headers_are_trimmed_and_folded(sb):
    signed = sign(sb.ses_url + "/", "POST", QUOTA, {**FORM, "X-Extra": "  a   b  "})
    assert "x-extra" in signed["Authorization"]
    assert send(sb.ses_url + "/", "POST", QUOTA, signed)[0] == 200


def test_altered_body(sb):
    signed = sign(sb.ses_url + "/", "POST", QUOTA, dict(FORM))
    status, _, reply = send(sb.ses_url + "/", "POST", QUOTA.replace(b"GetSendQuota", b"ListIdentities"), signed)
    assert status == 403 and b"SignatureDoesNotMatch" in reply


def test_every_altered_byte_of_the_signature_is_noticed(sb):
    for place in range(-64, 0, 7):

        def change(headers):
            text = headers["Authorization"]
            other = "0" if text[place] != "0" else "1"
            headers["Authorization"] = text[:place] + other + (text[place + 1 :] if place != -1 else "")

        assert post(sb, change=change) == (403, "SignatureDoesNotMatch")
        assert get(sb, "/v2/email/account", change) == (403, "SignatureDoesNotMatch")


def test_altered_query_and_header(sb):
    signed = sign(sb.ses_url + "/v2/email/identities?PageSize=7", "GET", b"", {"X-Extra": "a"})
    assert send(sb.ses_url + "/v2/email/identities?PageSize=8", "GET", b"", signed)[0] == 403
    assert send(sb.ses_url + "/v2/email/identities?PageSize=7", "GET", b"", {**signed, "X-Extra": "b"})[0] == 403
    assert send(sb.ses_url + "/v2/email/identities?PageSize=7", "GET", b"", signed)[0] == 200


def test_wrong_method(sb):
    signed = sign(sb.ses_url + "/v2/email/identities/a.example", "GET", b"", {})
    assert send(sb.ses_url + "/v2/email/identities/a.example", "DELETE", b"", signed)[0] == 403


def test_wrong_secret_service_region_and_scope(sb):
    assert post(sb, secret="sandbox-secreT") == (403, "SignatureDoesNotMatch")
    assert post(sb, service="email") == (403, "SignatureDoesNotMatch")
    assert post(sb, service="sts") == (403, "SignatureDoesNotMatch")
    assert post(sb, b"Action=GetCallerIdentity&Version=2011-06-15") == (403, "SignatureDoesNotMatch")

    def other_region(headers):
        headers["Authorization"] = headers["Authorization"].replace("eu-west-1", "eu-west-2")

    assert post(sb, change=other_region) == (403, "SignatureDoesNotMatch")


def test_unknown_key(sb):
    assert post(sb, key="AKIDNOBODY") == (403, "InvalidClientTokenId")
    assert get(sb, "/v2/email/account", key="AKIDNOBODY") == (403, "UnrecognizedClientException")


def test_missing_and_incomplete(sb):
    without = lambda headers: headers.pop("Authorization")
    assert post(sb, change=without) == (403, "MissingAuthenticationToken")
    assert get(sb, "/v2/email/account", without) == (403, "MissingAuthenticationTokenException")
    for part in ("Credential", "SignedHeaders", "Signature", "AWS4-HMAC-SHA256"):

        def change(headers):
            headers["Authorization"] = headers["Authorization"].replace(part, "Else")

        assert post(sb, change=change) == (400, "IncompleteSignature")
    assert post(sb, change=lambda headers: headers.pop("X-Amz-Date")) == (400, "IncompleteSignature")
    for unsigned in ("host", "x-amz-date"):

        def change(headers):
            names = re.search(r"SignedHeaders=([^,]+)", headers["Authorization"]).group(1)
            fewer = ";".join(name for name in names.split(";") if name != unsigned)
            headers["Authorization"] = headers["Authorization"].replace(names, fewer)

        assert post(sb, change=change) == (400, "IncompleteSignature")
    assert post(sb, change=lambda headers: headers.update({"X-Amz-Extra": "1"})) == (400, "IncompleteSignature")


def test_session_token(start):
    sb = start("--access-key", "ASIATEMP", "--secret-key", "temp", "--session-token", "to/ken+=")
    assert post(sb, key="ASIATEMP", secret="temp", token="to/ken+=") == (200, None)
    assert post(sb, key="ASIATEMP", secret="temp", token="other") == (403, "InvalidClientTokenId")
    assert post(sb, key="ASIATEMP", secret="temp") == (403, "InvalidClientTokenId")


def signed_at(monkeypatch, offset_s):
    """Makes botocore's clock wrong by that much."""

    class Wrong(datetime.datetime):
        @classmethod
        def utcnow(cls):
            return datetime.datetime.utcnow() + datetime.timedelta(seconds=offset_s)

    class Module:
        datetime = Wrong

        def __getattr__(self, name):
            return getattr(datetime, name)

    monkeypatch.setattr(botocore.auth, "datetime", Module())


@pytest.mark.parametrize("offset_s, accepted", [(-290, True), (290, True), (-310, False), (310, False)])
def test_clock_may_be_five_minutes_off(sb, monkeypatch, offset_s, accepted):
    signed_at(monkeypatch, offset_s)
    assert post(sb) == ((200, None) if accepted else (400, "RequestExpired"))
    assert get(sb, "/v2/email/account") == ((200, None) if accepted else (403, "InvalidSignatureException"))


def test_skew_of_the_server_shows_in_its_date(sb, monkeypatch):
    sb.control.post("/clock", {"skew_ms": 3600 * 1000})
    assert post(sb) == (400, "RequestExpired")
    _, headers, _ = send(sb.ses_url + "/", "POST", QUOTA, sign(sb.ses_url + "/", "POST", QUOTA, dict(FORM)))
    date = datetime.datetime.strptime(headers["Date"], "%a, %d %b %Y %H:%M:%S GMT")
    assert 3590 < (date - datetime.datetime.utcnow()).total_seconds() < 3610
    signed_at(monkeypatch, 3600)
    assert post(sb) == (200, None)


@pytest.mark.parametrize(
    "body, code",
    [
        (b"Action=GetSendQuota&Version=2010-12-01&x=a@b", "MalformedQueryString"),
        (b"Action=GetSendQuota&Version=2010-12-01&x=%4", "MalformedQueryString"),
        (b"Action=GetSendQuota&Version=2010-12-01&x=%zz", "MalformedQueryString"),
        (b"Action=GetSendQuota&Version=2010-12-01&x=%00", "MalformedQueryString"),
        (b"Action=GetSendQuota&Version=2010-12-01&Action=ListIdentities", "MalformedQueryString"),
        (b"Action=GetIdentityDkimAttributes&Version=2010-12-01&Identities.member.2=a.example", "MalformedQueryString"),
        (b"Action=GetIdentityDkimAttributes&Version=2010-12-01&Identities.member.0=a.example", "MalformedQueryString"),
        (b"Version=2010-12-01", "MissingAction"),
        (b"", "MissingAction"),
        (b"Action=GetSendQuota", "InvalidAction"),
        (b"Action=GetSendQuota&Version=2011-12-01", "InvalidAction"),
        (b"Action=Frobnicate&Version=2010-12-01", "InvalidAction"),
        (b"Action=VerifyDomainDkim&Version=2010-12-01", "ValidationError"),
        (b"Action=SetIdentityDkimEnabled&Version=2010-12-01&Identity=a.example&DkimEnabled=True", "MalformedInput"),
    ],
)
def test_malformed_forms_are_refused(sb, body, code):
    assert post(sb, body) == (400, code)


def test_unknown_parameters_are_refused_and_blanks_are_fine(sb):
    assert post(sb, QUOTA + b"&Unknown=1") == (400, "InvalidQueryParameter")
    topic = b"Action=DeleteIdentity&Version=2010-12-01&Identity=a+b%20c"
    assert post(sb, topic) == (200, None)


def test_form_content_type_is_required(sb):
    assert post(sb, headers={"Content-Type": "text/plain"}) == (400, "MalformedQueryString")


def test_malformed_json_is_refused(sb):
    url = sb.ses_url + "/v2/email/identities"
    for body, kind, want in (
        (b"{", "application/json", (400, "SerializationException")),
        (b"[]", "application/json", (400, "SerializationException")),
        (b'{"EmailIdentity": 7}', "application/json", (400, "SerializationException")),
        (b'{"EmailIdentity": "a.example"}', "text/plain", (415, "UnsupportedMediaTypeException")),
        (b"{}", "application/json", (400, "BadRequestException")),
    ):
        headers = sign(url, "POST", body, {"Content-Type": kind})
        status, reply_headers, reply = send(url, "POST", body, headers)
        assert (status, reply_headers["x-amzn-ErrorType"]) == want
        assert json.loads(reply)["message"]


def test_captured_requests_can_be_verified_by_others(sb):
    """An independent verifier needs the bytes as they came."""
    body = b"Action=DeleteIdentity&Version=2010-12-01&Identity=a%2Bb"
    post(sb, body)
    captured = sb.control.get("/requests?raw=1")[-1]
    assert captured["method"] == "POST" and captured["path"] == "/" and captured["status"] == 200
    assert base64.b64decode(captured["body"]) == body
    headers = {name.lower(): value for name, value in captured["headers"]}
    assert headers["authorization"].startswith(f"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/")
    assert captured["truncated"] is False and captured["query"] is None
