"""Judges signatures of captured requests with botocore's own signer: what SES does with a request is to sign it again and
to compare. Nothing of ours is asked."""
import base64
import json
import pathlib
import re
import tempfile

import botocore.auth
import botocore.awsrequest
import botocore.credentials

AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/(aws4_request), ?"
    r"SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})")


def scope_of(headers):
    """(key, day, region, service) of the Authorization header among (name, value) pairs; None without a proper one."""
    named = {name.lower(): value for name, value in headers}
    match = AUTHORIZATION.fullmatch(named.get("authorization", ""))
    return match and match.groups()[:4]


def signature_is_right(method, target, headers, body, key, secret):
    """True when `headers`, (name, value) pairs as they came, hold the signature of the request by that key."""
    named = {name.lower(): value for name, value in headers}
    match = AUTHORIZATION.fullmatch(named.get("authorization", ""))
    if match is None or match[1] != key:
        return False
    _, day, region, service, _, names, signature = match.groups()
    signed, date = names.split(";"), named.get("x-amz-date", "")
    if not target.startswith("/") or not set(signed) <= set(named):
        return False
    if not {"host", "x-amz-date"} <= set(signed) or not date.startswith(day):
        return False
    request = botocore.awsrequest.AWSRequest(method, f"http://{named['host']}{target}", {}, body)
    for name, value in headers:
        if name.lower() in signed:
            request.headers.add_header(name, value)
    request.context["timestamp"] = date
    auth = botocore.auth.SigV4Auth(botocore.credentials.Credentials(key, secret), service, region)
    try:
        text = auth.string_to_sign(request, auth.canonical_request(request))
    except UnicodeError:
        return False
    return auth.signature(text, request) == signature


def canonical_query(query):
    """botocore signs a query as it stands; a client may send it in any order and spelling."""
    import urllib.parse

    def again(text):
        return urllib.parse.quote(urllib.parse.unquote_to_bytes(text.encode("latin-1")), safe="-_.~")

    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    return "&".join(f"{name}={value}" for name, value in sorted((again(n), again(v)) for n, _, v in pairs))


def recorded_is_right(one):
    """The same for one line of a sandbox's record."""
    target = one["path"] + ("?" + canonical_query(one["query"]) if one["query"] else "")
    return signature_is_right(one["method"], target, one["headers"], base64.b64decode(one["body"]), one["key"],
                              one["secret"])


def wrong_verdicts(lines):
    """The recorded requests on whose signature sandbox and botocore do not agree."""
    wrong = []
    for one in map(json.loads, lines):
        if one["verdict"] == "ok" and not recorded_is_right(one):
            wrong.append(one)
        elif one["verdict"] == "mismatch" and one["key"]:
            scope = scope_of(one["headers"])
            if scope and scope[3] == one["service"] and recorded_is_right(one):
                wrong.append(one)
    return wrong


class Record:
    """A folder in which sandboxes record what they are sent; `environment` tells them. close() judges it all."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="sv-record-")
        self.environment = {"SV_SANDBOX_RECORD": self.folder.name}

    def lines(self):
        return [line for file in sorted(pathlib.Path(self.folder.name).glob("*.jsonl"))
                for line in file.read_text().splitlines()]

    def close(self):
        """How many requests were judged; fails when botocore says otherwise of any."""
        try:
            lines = self.lines()
            wrong = wrong_verdicts(lines)
            assert not wrong, f"botocore judges {len(wrong)} of {len(lines)} requests otherwise, first {wrong[0]}"
            return len(lines)
        finally:
            self.folder.cleanup()
