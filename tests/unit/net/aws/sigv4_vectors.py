#!/usr/bin/python3
"""Writes sigv4_vectors.inc: what botocore's SigV4Auth signs for the behaviours of AWS's vectors.

botocore signs a query as it stands; where a case sends an unusual spelling, `signed_query` is the
canonical one that the published algorithm demands, and that is what botocore is given.
`--check FILE` compares instead of writing.
"""
import datetime
import sys
from unittest import mock

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

NOW = datetime.datetime(2015, 8, 30, 12, 36, 0)
NOW_MS = 1440938160000
KEY, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
HOST = ("Host", "example.amazonaws.com")
FORM = ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
TOKEN = (
    "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwA"
    "eMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8p"
    "hUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT"
    "38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabI"
    "Qwj2ICCR/oLxBA=="
)


def case(name, method="GET", path="/", query="", headers=(HOST,), body="", **more):
    return dict(name=name, method=method, path=path, query=query, headers=headers, body=body, **more)


CASES = [
    case("get-vanilla"),
    case("get-vanilla-query", query="Param1=value1"),
    case("get-vanilla-empty-query-key", query="Param1=", signed_query="Param1="),
    case("get-query-without-value", query="Param1", signed_query="Param1="),
    case("get-vanilla-query-order-key", query="Param1=value2&Param1=Value1"),
    case("get-vanilla-query-order-key-case", query="Param2=value2&Param1=value1"),
    case("get-vanilla-query-order-value", query="Param1=value2&Param1=value1"),
    case("get-vanilla-query-order-encoded",
         query="Param-3=Value3&Param=Value2&%E1%88%B4=Value1"),
    case("get-vanilla-query-order-prefix", query="ab=1&a=2&a-b=3"),
    case("get-vanilla-query-unreserved",
         query="-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz="
               "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
    case("get-vanilla-utf8-query", query="\u1234=bar", signed_query="%E1%88%B4=bar"),
    case("get-query-lower-case-escapes", query="a=%2f%3d&%62=%7e", signed_query="a=%2F%3D&b=~"),
    case("get-query-raw-reserved", query="a=x/y:z+1=2", signed_query="a=x%2Fy%3Az%2B1%3D2"),
    case("get-query-empty-pairs", query="&a=1&&b=2&", signed_query="a=1&b=2"),
    case("get-query-broken-escape", query="a=%zz&b=%", signed_query="a=%25zz&b=%25"),
    case("get-unreserved",
         path="/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"),
    case("get-utf8", path="/\u1234"),
    case("get-space", path="/example%20space/"),
    case("get-encoded-at", path="/v2/email/identities/user%40example.com"),
    case("get-encoded-slash", path="/v2/email/identities/a%2Fb"),
    case("get-lower-case-escape", path="/a%2fb"),
    case("get-raw-at", path="/a@b:c"),
    case("normalize-path-relative", path="/example/.."),
    case("normalize-path-relative-relative", path="/example1/example2/../.."),
    case("normalize-path-dot-slash", path="/./"),
    case("normalize-path-pointless-dot", path="/./example"),
    case("normalize-path-slash", path="//"),
    case("normalize-path-slashes", path="//example//"),
    case("normalize-path-above-root", path="/../../a"),
    case("normalize-path-final-dot-dot", path="/a/b/../"),
    case("get-header-key-duplicate",
         headers=(HOST, ("My-Header1", "value2"), ("My-Header1", "value2"),
                  ("My-Header1", "value1"))),
    case("get-header-value-order",
         headers=(HOST, ("My-Header1", "value4"), ("My-Header1", "value1"),
                  ("My-Header1", "value3"))),
    case("get-header-value-trim",
         headers=(HOST, ("My-Header1", " value1"), ("My-Header2", ' "a   b   c" \t '))),
    case("get-header-value-multiline",
         headers=(HOST, ("My-Header1", "value1\r\n  value2\r\n     value3"))),
    case("get-header-value-empty", headers=(HOST, ("My-Header1", ""))),
    case("get-header-name-prefix", headers=(HOST, ("X-Abc-D", "1"), ("X-Abc", "2"))),
    case("host-with-port", headers=(("Host", "127.0.0.1:8080"),)),
    case("get-vanilla-with-session-token", token=TOKEN),
    case("get-header-value-tabs", headers=(HOST, ("My-Header1", "\ta \t b\t"))),
    case("post-vanilla", method="POST"),
    case("post-vanilla-query", method="POST", query="Param1=value1"),
    case("post-vanilla-empty-query-value", method="POST", query="Param1=",
         signed_query="Param1="),
    case("post-header-key-sort", method="POST", headers=(HOST, ("My-Header1", "value1"))),
    case("post-header-value-case", method="POST", headers=(HOST, ("My-Header1", "VALUE1"))),
    case("post-header-key-case", method="POST", headers=(HOST, ("MY-HEADER1", "VALUE1"))),
    case("post-x-www-form-urlencoded", method="POST", headers=(HOST, FORM), body="Param1=value1"),
    case("post-x-www-form-urlencoded-parameters", method="POST",
         headers=(HOST, ("Content-Type", "application/x-www-form-urlencoded; charset=utf8")),
         body="Param1=value1"),
    case("double-encode-path", path="/example%20space/a%2540b"),
    case("post-sts-token", method="POST", token=TOKEN),
    case("put-json", method="PUT", path="/v2/email/identities/a.example/mail-from",
         headers=(HOST, ("Content-Type", "application/json")),
         body='{"MailFromDomain":"m.a.example"}'),
    case("delete", method="DELETE", path="/v2/email/identities/a.example"),
    case("other-scope", method="POST", region="eu-central-1", service="ses", headers=(HOST, FORM),
         body="Action=GetIdentityDkimAttributes&Version=2010-12-01&Identities.member.1=a.example"),
]


def expected(entry):
    """The canonical request and the Authorization value, from botocore."""
    class Frozen(datetime.datetime):
        @classmethod
        def utcnow(cls):
            return NOW

    url = "https://" + entry["headers"][0][1] + entry["path"]
    if entry["query"]:
        url += "?" + entry.get("signed_query", entry["query"])
    request = AWSRequest(method=entry["method"], url=url, data=entry["body"].encode())
    for name, value in entry["headers"]:
        request.headers.add_header(name, value)
    credentials = Credentials(KEY, SECRET, entry.get("token"))
    auth = botocore.auth.SigV4Auth(credentials, entry.get("service", "service"),
                                   entry.get("region", "us-east-1"))
    seen = []
    original = auth.canonical_request
    auth.canonical_request = lambda r: seen.append(original(r)) or seen[-1]
    with mock.patch.object(botocore.auth.datetime, "datetime", Frozen):
        auth.add_auth(request)
    return seen[0], request.headers["Authorization"]


def quoted(text):
    out = []
    for byte in text.encode():
        char = chr(byte)
        if char in '"\\':
            out.append("\\" + char)
        elif char == "\n":
            out.append("\\n")
        elif 32 <= byte < 127:
            out.append(char)
        else:
            out.append("\\%03o" % byte)
    return '"' + "".join(out) + '"'


def folded(text, indent):
    """The same as several literals, none of them long."""
    parts = [line[at:at + 72] for line in text.splitlines(keepends=True)
             for at in range(0, len(line), 72)]
    return "".join("\n" + " " * indent + quoted(part) for part in parts or [""])


def render():
    lines = ["/* Written by sigv4_vectors.py with botocore's SigV4Auth; do not edit. */",
             "#define VECTORS_NOW_MS %dll" % NOW_MS,
             "static const struct vector vectors[] = {"]
    for entry in CASES:
        canonical, authorization = expected(entry)
        lines.append("    {.name = %s," % quoted(entry["name"]))
        lines.append("     .method = %s," % quoted(entry["method"]))
        lines.append("     .path =%s," % folded(entry["path"], 9))
        lines.append("     .query =%s," % folded(entry["query"], 9))
        lines.append("     .headers = {")
        lines += ["         {%s, %s}," % (quoted(n), quoted(v)) for n, v in entry["headers"]]
        lines.append("     },")
        lines.append("     .body =%s," % folded(entry["body"], 9))
        lines.append("     .token =%s," % folded(entry.get("token", ""), 9))
        lines.append("     .region = %s," % quoted(entry.get("region", "us-east-1")))
        lines.append("     .service = %s," % quoted(entry.get("service", "service")))
        lines.append("     .canonical =%s," % folded(canonical, 9))
        lines.append("     .authorization =%s}," % folded(authorization, 9))
    lines.append("};")
    return "\n".join(lines) + "\n"


def main():
    if len(sys.argv) == 3 and sys.argv[1] == "--check":
        with open(sys.argv[2], encoding="ascii") as file:
            if file.read() != render():
                sys.exit("the table differs from what botocore says now")
        return
    sys.stdout.write(render())


if __name__ == "__main__":
    main()
