"""A stand-in for those who give temporary AWS keys: STS, the instance metadata service, a container's endpoint. Every
answer is one that botocore's own providers accept (test_credentials.py asks them)."""
import datetime
import http.server
import json
import threading
import time
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials

TOKEN = "imds-token-marker"
ROLE = "instance-role"
NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/"


def at(seconds):
    return (datetime.datetime.utcnow() + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


class KeyGivers:
    """Attributes that a test may change while it runs: `lives_s` of fresh keys, `broken` (path or action -> HTTP status,
    or "hang", or bytes of a body), `no_token` (status of the token's PUT), `tokens_bad` (how many GETs answer 401), `skew_s`
    (their clock against ours)."""

    def __init__(self):
        self.lives_s, self.broken, self.no_token, self.tokens_bad, self.skew_s = 3600, {}, None, 0, 0
        self.requests, self.given, self.known = [], 0, {"AKIDBASE": ("base-secret-marker", None)}
        self.roles, self.container_token, self.gone = {}, None, threading.Event()
        givers = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def date_time_string(self, timestamp=None):
                return super().date_time_string(time.time() + givers.skew_s)

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                status, reply = givers.reply(self.command, self.path, self.headers, body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            do_GET = do_PUT = do_POST = answer

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.gone.set()
        self.server.shutdown()
        self.server.server_close()

    def fresh(self, source):
        self.given += 1
        key, secret, token = f"ASIA{self.given}", f"{source}-secret-marker", f"{source}-token-marker/+="
        self.known[key] = (secret, token)
        return key, secret, token, at(self.lives_s + self.skew_s)

    def json_keys(self, source):
        key, secret, token, until = self.fresh(source)
        return 200, json.dumps({"Code": "Success", "LastUpdated": at(0), "Type": "AWS-HMAC", "AccessKeyId": key,
                                "SecretAccessKey": secret, "Token": token, "Expiration": until}).encode()

    def reply(self, method, path, headers, body):
        form = dict(urllib.parse.parse_qsl(body.decode())) if method == "POST" else {}
        name = form.get("Action", path.partition("?")[0])
        self.requests.append((method, name))
        trouble = self.broken.get(name)
        if trouble == "hang":
            self.gone.wait(60)
        if isinstance(trouble, int):
            return trouble, b"<ErrorResponse><Error><Code>Trouble</Code></Error></ErrorResponse>"
        if isinstance(trouble, bytes):
            return 200, trouble
        if method == "POST":
            return self.sts(path, headers, body, form)
        if path.startswith("/federation/credentials?"):
            return self.sso(path, headers)
        if path.startswith("/latest/"):
            return self.imds(method, path, headers)
        if self.container_token is not None and headers.get("Authorization") != self.container_token:
            return 403, b"{}"
        return self.json_keys("container")

    def imds(self, method, path, headers):
        if path == "/latest/api/token":
            if method != "PUT" or headers.get("X-aws-ec2-metadata-token-ttl-seconds") != "21600":
                return 400, b""
            return (self.no_token, b"") if self.no_token else (200, TOKEN.encode())
        if self.no_token is None and headers.get("X-aws-ec2-metadata-token") != TOKEN:
            return 401, b""
        if self.tokens_bad > 0:
            self.tokens_bad -= 1
            return 401, b""
        place = "/latest/meta-data/iam/security-credentials/"
        if path == place:
            return 200, ROLE.encode()
        return self.json_keys("imds") if path == place + ROLE else (404, b"")

    def sso(self, path, headers):
        if headers.get("x-amz-sso_bearer_token") != "sso-token-marker":
            return 401, b'{"message":"Session token not found or invalid"}'
        asked = dict(urllib.parse.parse_qsl(path.partition("?")[2]))
        if asked != {"account_id": "123456789012", "role_name": "Mail+Role=1"}:
            return 403, b'{"message":"No access"}'
        key, secret, token, _ = self.fresh("sso")
        until = int((time.time() + self.lives_s) * 1000)
        return 200, json.dumps({"roleCredentials": {"accessKeyId": key, "secretAccessKey": secret,
                                                    "sessionToken": token, "expiration": until}}).encode()

    def is_in_time(self, headers):
        """Five minutes are what most services allow."""
        given = datetime.datetime.strptime(headers.get("X-Amz-Date", ""), "%Y%m%dT%H%M%SZ")
        return abs((given - datetime.datetime.utcnow()).total_seconds() - self.skew_s) < 300

    def is_signed(self, path, headers, body):
        """Computes the signature again with botocore."""
        given = headers.get("Authorization", "")
        if not given.startswith("AWS4-HMAC-SHA256 Credential="):
            return False
        key, _, region, service, _ = given.split("Credential=")[1].split(",")[0].split("/")
        if key not in self.known or service != "sts":
            return False
        secret, token = self.known[key]
        if token != headers.get("X-Amz-Security-Token"):
            return False
        names = given.split("SignedHeaders=")[1].split(",")[0].split(";")
        request = botocore.awsrequest.AWSRequest("POST", f"http://{headers['Host']}{path}",
                                                 {name: headers[name] for name in names}, body)
        request.context["timestamp"] = headers["X-Amz-Date"]
        auth = botocore.auth.SigV4Auth(botocore.credentials.Credentials(key, secret, token), service, region)
        text = auth.string_to_sign(request, auth.canonical_request(request))
        return given.endswith("Signature=" + auth.signature(text, request))

    def sts(self, path, headers, body, form):
        def refuse(status, code):
            return status, (f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>Sender</Type><Code>{code}</Code><Message>no'
                            "</Message></Error><RequestId>1</RequestId></ErrorResponse>").encode()
        action = form.get("Action")
        if form.get("Version") != "2011-06-15" or "RoleSessionName" not in form:
            return refuse(400, "ValidationError")
        if action == "AssumeRole" and not self.is_in_time(headers):
            return refuse(403, "SignatureDoesNotMatch")  # "Signature expired: ..."
        if action == "AssumeRole" and not self.is_signed(path, headers, body):
            return refuse(403, "SignatureDoesNotMatch")
        if action == "AssumeRoleWithWebIdentity" and form.get("WebIdentityToken") != "web-token-marker":
            return refuse(400, "InvalidIdentityToken")
        wanted = self.roles.get(form.get("RoleArn"))
        if wanted is None or wanted.get("ExternalId") != form.get("ExternalId"):
            return refuse(403, "AccessDenied")
        wanted["session"] = form["RoleSessionName"]
        key, secret, token, until = self.fresh("role")
        return 200, (f'<{action}Response xmlns="{NAMESPACE}"><{action}Result><AssumedRoleUser><AssumedRoleId>A:b'
                     f"</AssumedRoleId><Arn>arn:aws:sts::1:assumed-role/x/y</Arn></AssumedRoleUser><Credentials>"
                     f"<AccessKeyId>{key}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey><SessionToken>{token}"
                     f"</SessionToken><Expiration>{until}</Expiration></Credentials></{action}Result><ResponseMetadata>"
                     f"<RequestId>1</RequestId></ResponseMetadata></{action}Response>").encode()


def wait_until(what, seconds=30):
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
