"""Starts the sandbox for a test and talks to its control port.

    with Sandbox("--speed", "1000") as sb:
        sb.publish("client.example")              # zone, DKIM aliases
        sb.client("sesv2").create_email_identity(EmailIdentity="client.example")
        sb.wait_status("client.example", dkim="Success")

When it ends, botocore judges every request that it was sent (sigv4_judge.py). `sb.ses_url`, `sb.dns_addr` ("127.0.0.1:PORT"), `sb.control.get("/state")` are what the program announced.
"""

import json
import os
import pathlib
import select
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

from sigv4_judge import Record

ACCESS_KEY = "AKIDSANDBOX"
SECRET_KEY = "sandbox-secret"
REGION = "eu-west-1"
DEADLINE_S = float(os.environ.get("SV_TEST_DEADLINE_S", "60"))


def program():
    """The built program: $SV_SANDBOX, or below the build tree that ctest names in $SV_BINARY_DIR."""
    if "SV_SANDBOX" in os.environ:
        return os.environ["SV_SANDBOX"]
    root = pathlib.Path(__file__).resolve().parents[3]
    build = pathlib.Path(os.environ.get("SV_BINARY_DIR", root / "build" / "debug"))
    return str(build / "tests" / "sandbox" / "sesverify-sandbox")


def wait_for(condition, what, deadline_s=DEADLINE_S):
    """Asks until `condition()` is true and returns its value; fails, saying `what` and the last value, if never."""
    end = time.monotonic() + deadline_s
    pause_s = 0.002
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline_s} s in vain for {what}; last value {value!r}")
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.5, 0.1)


boto3_calls = {"ses": {}, "sesv2": {}, "sts": {}}  # calls by operation, of all clients of this run


def _count_call(model, **_):
    counts = boto3_calls[model.service_model.service_name]
    counts[model.name] = counts.get(model.name, 0) + 1


class ControlError(Exception):
    def __init__(self, status, body):
        super().__init__(f"{status}: {body}")
        self.status = status
        self.body = body


class Control:
    """JSON over HTTP; raises ControlError for everything but 200."""

    def __init__(self, url):
        self.url = url

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=DEADLINE_S) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            raise ControlError(error.code, error.read().decode()) from None

    def get(self, path):
        return self.call("GET", path)

    def post(self, path, body=None):
        return self.call("POST", path, {} if body is None else body)

    def delete(self, path):
        return self.call("DELETE", path)


class Sandbox:
    """One running sandbox. Arguments are those of the program; ports are picked by the system."""

    def __init__(self, *args):
        self.args = [str(arg) for arg in args]
        self.process = None
        self.record = None
        self.judged = 0  # requests whose signatures botocore has judged
        self.ready = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc):
        self.stop()

    def start(self):
        self.record = Record()
        self.process = subprocess.Popen(
            [program(), *self.args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, **self.record.environment}
        )
        if not select.select([self.process.stdout], [], [], DEADLINE_S)[0]:
            self.process.kill()
            raise AssertionError("the sandbox did not become ready")
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"the sandbox did not start: {self.process.communicate()[1].decode()}")
        self.ready = json.loads(line)
        self.control = Control(self.ready["control"])
        return self

    def stop(self):
        """Ends it by SIGTERM; a dirty end (a leak, an abort) is the test's failure, and so is a request that it takes
        for rightly signed and botocore does not, or the other way round."""
        if self.process is None:
            return
        process, self.process = self.process, None
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            errors = process.communicate(timeout=DEADLINE_S)[1].decode()
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise AssertionError("the sandbox did not end on SIGTERM") from None
        assert process.returncode == 0, f"the sandbox ended with {process.returncode}: {errors}"
        self.judged = self.record.close()

    @property
    def ses_url(self):
        return self.ready["ses"]

    @property
    def dns_addr(self):
        return self.ready["dns"]

    @property
    def dns_host(self):
        return self.dns_addr.rsplit(":", 1)[0]

    @property
    def dns_port(self):
        return int(self.dns_addr.rsplit(":", 1)[1])

    def environment(self, region=REGION):
        """What a program under test needs in its environment to use this sandbox as AWS."""
        return {
            "AWS_ENDPOINT_URL_SES": self.ses_url,
            "AWS_ENDPOINT_URL_SESV2": self.ses_url,
            "AWS_ENDPOINT_URL_STS": self.ses_url,
            "AWS_REGION": region,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service, region=REGION, access_key=ACCESS_KEY, secret_key=SECRET_KEY, token=None, **config):
        """A boto3 client ("ses", "sesv2", "sts") that does not retry."""
        import boto3
        import botocore.config

        config.setdefault("retries", {"max_attempts": 0})
        config.setdefault("read_timeout", 10)
        client = boto3.client(
            service,
            region_name=region,
            endpoint_url=self.ses_url,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            aws_session_token=token,
            config=botocore.config.Config(**config),
        )
        client.meta.events.register("after-call", _count_call)
        return client

    # State

    def identity(self, name, region=REGION, account=ACCESS_KEY):
        """The identity as the control port shows it; None when there is none."""
        try:
            return self.control.get(f"/identities/{name}?account={account}&region={region}")
        except ControlError as error:
            if error.status == 404:
                return None
            raise

    def wait_status(self, name, region=REGION, account=ACCESS_KEY, deadline_s=DEADLINE_S, **wanted):
        """Waits until identity=, dkim=, mail_from= (and any other key of /identities) have these values."""
        last = {}

        def there():
            last.clear()
            last.update(self.identity(name, region, account) or {})
            return all(last.get(key) == value for key, value in wanted.items())

        try:
            wait_for(there, f"{name} to be {wanted}", deadline_s)
        except AssertionError as error:
            raise AssertionError(f"{error}; it is {last}") from None
        return dict(last)

    def wait_looked(self, name, looks=1, since=None, **where):
        """Waits for that many looks of SES at the identity that end later than now; or for one that ended at the
        virtual instant `since` (as advance() and /clock tell it) or later, "" for any look at all."""
        for _ in range(looks):
            begin = self.control.get("/clock")["virtual_now"] if since is None else since

            def looked():
                last = (self.identity(name, **where) or {}).get("last_checked") or ""
                return last > begin or (since is not None and last != "" and last >= begin)

            wait_for(looked, f"a look at {name} since {begin}")

    def calls(self, action=None):
        """Counters per action, or those of one action (all 0 when it was never called)."""
        actions = self.control.get("/calls")["actions"]
        if action is None:
            return actions
        return actions.get(
            action, {"count": 0, "ok": 0, "refused": 0, "throttled": 0, "faulted": 0, "arrivals_ms": []}
        )

    def fault(self, do, action="*", identity="*", **more):
        """Adds one scripted fault of the SES port."""
        return self.control.post("/faults", [{"match": {"action": action, "identity": identity}, "do": do, **more}])

    def dns_fault(self, do, name="*", type="*", **more):
        """Adds one scripted fault of the DNS server."""
        return self.control.post("/dns-faults", [{"match": {"name": name, "type": type}, "do": do, **more}])

    def advance(self, **time_ahead):
        """Moves the virtual clock ahead, advance(hours=72), and returns the new virtual instant."""
        import datetime

        ms = int(datetime.timedelta(**time_ahead).total_seconds() * 1000)
        return self.control.post("/clock", {"advance_ms": ms})["virtual_now"]

    # Records

    def records(self, domain, mail_from=None, region=REGION, account=ACCESS_KEY):
        """Tokens and ready-made zone lines of a domain, whether it is an identity or not."""
        query = {"account": account, "region": region}
        if mail_from:
            query["mail_from"] = mail_from
        return self.control.get(f"/records/{domain}?{urllib.parse.urlencode(query)}")

    def zone_add(self, *lines):
        return self.control.post("/zone", {"add": list(lines)})

    def zone_remove(self, *lines):
        return self.control.post("/zone", {"remove": list(lines)})

    def add_zone(self, domain, minimum_s=60):
        """An empty zone for the domain."""
        return self.zone_add(
            f"{domain} 300 SOA ns1.{domain} hostmaster.{domain} 1 7200 900 1209600 {minimum_s}",
            f"{domain} 300 NS ns1.{domain}",
            f"ns1.{domain} 300 A {self.dns_host}",
        )

    def publish(self, domain, mail_from=None, ownership=False, **where):
        """Everything SES wants to see, in a zone of the domain's own; returns the records."""
        records = self.records(domain, mail_from, **where)
        lines = records["lines"]
        self.add_zone(domain)
        self.zone_add(
            *lines["dkim"], *lines["keys"], *lines.get("mail_from", []), *(lines["ownership"] if ownership else [])
        )
        return records
