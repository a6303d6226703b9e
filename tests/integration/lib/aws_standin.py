"""A stand-in for SNS, SQS and EventBridge on loopback: it judges every signature with botocore, keeps what it took, and
answers as a script says. boto3 is content with it, so it speaks the real wire format.

    with AwsStandin() as aws:
        aws.script.append(("error", 400, "Throttling", "Rate exceeded"))   # the next request; then all is well again
        ...
        aws.taken[0].fields["Message"]
"""
import email.utils
import hashlib
import http.server
import json
import threading
import urllib.parse
import uuid

import sigv4_judge

KEY, SECRET, REGION = "AKIDSANDBOX", "sandbox-secret", "eu-west-1"
TOPIC = "arn:aws:sns:eu-west-1:123456789012:domains"
QUEUE_PATH = "/123456789012/domains"
BUS = "arn:aws:events:eu-west-1:123456789012:event-bus/domains"
VERSIONS = {"sns": "2010-03-31", "sqs": "2012-11-05"}
ACTIONS = {"sns": "Publish", "sqs": "SendMessage", "events": "PutEvents"}


class Taken:
    """One request: `service` by its signature, `fields` of the form or the JSON, `message` the event in it."""

    def __init__(self, handler, body):
        self.method, self.path, self.headers, self.body = handler.command, handler.path, dict(handler.headers), body
        self.pairs = list(handler.headers.items())
        scope = sigv4_judge.scope_of(self.pairs)
        self.key, _, self.region, self.service = scope or (None, None, None, None)
        self.signed = sigv4_judge.signature_is_right(self.method, self.path, self.pairs, body, KEY, SECRET)
        if self.service == "events":
            self.fields = json.loads(body)
            self.message = self.fields["Entries"][0].get("Detail")
        else:
            self.fields = dict(urllib.parse.parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=True))
            self.message = self.fields.get("Message") or self.fields.get("MessageBody")

    def attributes(self):
        """The message attributes, name to value."""
        start = "MessageAttributes.entry" if self.service == "sns" else "MessageAttribute"
        found, number = {}, 1
        while f"{start}.{number}.Name" in self.fields:
            assert self.fields[f"{start}.{number}.Value.DataType"] == "String"
            found[self.fields[f"{start}.{number}.Name"]] = self.fields[f"{start}.{number}.Value.StringValue"]
            number += 1
        return found


def xml_success(taken):
    action, service = ACTIONS[taken.service], taken.service
    digest = hashlib.md5(taken.message.encode()).hexdigest() if taken.message else ""
    inner = f"<MessageId>{uuid.uuid4()}</MessageId>"
    if service == "sqs":
        inner = f"<MD5OfMessageBody>{digest}</MD5OfMessageBody>" + inner
    host = "sns.amazonaws.com" if service == "sns" else "queue.amazonaws.com"
    return (f'<?xml version="1.0"?><{action}Response xmlns="http://{host}/doc/{VERSIONS[service]}/"><{action}Result>{inner}'
            f"</{action}Result><ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></{action}Response>")


def xml_error(status, code, message):
    side = "Sender" if status < 500 else "Receiver"
    return (f'<ErrorResponse xmlns="http://x/"><Error><Type>{side}</Type><Code>{code}</Code><Message>{message}</Message>'
            "<Detail/></Error><RequestId>r-2</RequestId></ErrorResponse>")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body, headers=()):
        data = body.encode()
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_POST(self):
        standin = self.server.standin
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        taken = Taken(self, body)
        with standin.lock:
            standin.asked.append(taken)
            step = standin.script.pop(0) if standin.script else standin.otherwise
        self.answer(taken, step)

    def answer(self, taken, step):
        what, date = step[0], ("Date", email.utils.formatdate(usegmt=True))
        is_json = taken.service == "events"
        if what == "ok" and not taken.signed:
            step, what = ("error", 403, "SignatureDoesNotMatch", "not signed right"), "error"
        if what == "close":
            self.close_connection = True
        elif what == "raw":
            self.reply(step[1], step[2], [date, *step[3:]])
        elif what == "error" and is_json:
            text = json.dumps({"__type": f"{step[2]}Exception", "message": step[3]})
            self.reply(step[1], text, [date, ("Content-Type", "application/x-amz-json-1.1"), *step[4:]])
        elif what == "error":
            self.reply(step[1], xml_error(*step[1:4]), [date, ("Content-Type", "text/xml"), *step[4:]])
        elif what == "entry":
            text = json.dumps({"FailedEntryCount": 1, "Entries": [{"ErrorCode": step[1], "ErrorMessage": step[2]}]})
            self.reply(200, text, [date, ("Content-Type", "application/x-amz-json-1.1")])
        else:
            with self.server.standin.lock:
                self.server.standin.taken.append(taken)
            ids = json.dumps({"FailedEntryCount": 0, "Entries": [{"EventId": str(uuid.uuid4())}]}) if is_json else None
            self.reply(200, ids or xml_success(taken), [date])


class AwsStandin:
    """`asked`: all requests; `taken`: those answered with success; `script`: answers for the next ones; `otherwise`: for
    all behind them."""

    def __init__(self):
        self.lock = threading.Lock()
        self.asked, self.taken, self.script, self.otherwise = [], [], [], ("ok",)
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.standin = self
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)

    def environment(self):
        """For a client: keys, and where the three services are."""
        return {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": REGION,
                **{f"AWS_ENDPOINT_URL_{name}": self.url for name in ("SNS", "SQS", "EVENTBRIDGE")}}
