"""Where the worker's AWS keys come from, through the whole program: each source with what can go wrong with it, renewal
ahead of expiry (F28), and no secret in any output. Redis is away throughout: keys come before it."""
import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
from key_givers import KeyGivers, wait_until  # noqa: E402
import redis_variant  # noqa: E402
from redis_server import free_port  # noqa: E402
from world import worker_program  # noqa: E402

ARN, OTHER = "arn:aws:iam::123456789012:role/mail", "arn:aws:iam::123456789012:role/first"
BASE = {"AWS_ACCESS_KEY_ID": "AKIDBASE", "AWS_SECRET_ACCESS_KEY": "base-secret-marker"}


class Run:
    """A worker at debug level; every line it writes is searched for secrets at the end."""

    def __init__(self, tmp, givers, sets=(), startup="200ms", **env):
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "SESVERIFY_"))}
        clean.update({"HOME": str(tmp), "AWS_REGION": "eu-west-1", "SESVERIFY_DNS_SERVERS": "127.0.0.1:1",
                      "SESVERIFY_REDIS_URL": f"redis://127.0.0.1:{free_port()}", "SESVERIFY_LOG_LEVEL": "debug",
                      "SESVERIFY_LOG_FORMAT": "json", "SESVERIFY_WORKER_STARTUP_TIMEOUT": startup,
                      "AWS_ENDPOINT_URL_STS": givers.url, "AWS_EC2_METADATA_DISABLED": "true"})
        clean.update(env)
        words = [word for item in sets for word in ("--set", item)]
        self.lines = []
        givers.runs.append(self)
        self.process = subprocess.Popen([worker_program(), "run", *words], env=clean, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=lambda: self.lines.extend(iter(self.process.stderr.readline, "")),
                                       daemon=True)
        self.reader.start()

    def events(self, name):
        return [line for line in map(json.loads, [x for x in self.lines if x.endswith("}\n")]) if line["event"] == name]

    def end(self):
        code = self.process.wait(60)
        self.reader.join()
        assert not [line for line in self.lines if "marker" in line], "a secret is told"
        return code

    def source(self):
        """The source it names once it has keys."""
        assert self.end() == 69, self.lines  # only Redis is missing
        return self.events("account_ready")[0]["source"]

    def error(self, code=77):
        assert self.end() == code, self.lines
        return self.events("credentials_missing")[0]["error"]


@pytest.fixture
def givers():
    it = KeyGivers()
    it.runs = []
    yield it
    for run in it.runs:  # those of a test that failed
        run.process.kill()
        run.process.wait()
    it.close()


def imds(givers, **more):
    return {"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": givers.url, **more}


def container(givers, **more):
    return {"AWS_CONTAINER_CREDENTIALS_FULL_URI": givers.url + "/v1/credentials", **more}


def web(tmp, arn=ARN, token="web-token-marker\n"):
    (tmp / "web").write_text(token)
    return {"AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp / "web"), "AWS_ROLE_ARN": arn}


def config(tmp, text):
    (tmp / ".aws").mkdir()
    (tmp / ".aws" / "config").write_text(text)


# --- order ---

def test_environment_comes_before_container_and_instance(tmp_path, givers):
    assert Run(tmp_path, givers, **BASE, **container(givers), **imds(givers)).source() == "environment"
    assert givers.requests == []


def test_nothing_found_tells_what_was_tried(tmp_path, givers):
    error = Run(tmp_path, givers).error()
    for place in "AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "profile default", "AWS_CONTAINER", "disabled":
        assert place in error


# --- instance metadata ---

def test_instance_metadata_version_2(tmp_path, givers):
    assert Run(tmp_path, givers, **imds(givers)).source() == "instance metadata"
    assert [m for m, _ in givers.requests] == ["PUT", "GET", "GET"]


def test_instance_metadata_401_gets_a_new_token(tmp_path, givers):
    givers.tokens_bad = 1
    assert Run(tmp_path, givers, **imds(givers)).source() == "instance metadata"
    assert [m for m, _ in givers.requests] == ["PUT", "GET", "PUT", "GET", "GET"]


def test_instance_metadata_401_twice_ends(tmp_path, givers):
    givers.tokens_bad = 9
    assert "HTTP 401" in Run(tmp_path, givers, **imds(givers)).error()


def test_instance_metadata_version_1_only_unless_disabled(tmp_path, givers):
    givers.no_token = 404
    assert Run(tmp_path, givers, **imds(givers)).source() == "instance metadata"
    error = Run(tmp_path, givers, **imds(givers, AWS_EC2_METADATA_V1_DISABLED="true")).error()
    assert "AWS_EC2_METADATA_V1_DISABLED" in error


def test_instance_metadata_that_is_silent_hints_at_the_hop_limit(tmp_path, givers):
    givers.broken["/latest/api/token"] = "hang"
    assert "hop limit" in Run(tmp_path, givers, **imds(givers)).error(69)  # somebody said that it is there


def test_instance_metadata_expired_keys_are_used(tmp_path, givers):
    givers.lives_s = -60
    assert Run(tmp_path, givers, **imds(givers)).source() == "instance metadata"


def test_instance_metadata_that_is_ill_is_worth_a_restart(tmp_path, givers):
    givers.broken["/latest/api/token"] = 503
    assert "HTTP 503" in Run(tmp_path, givers, **imds(givers)).error(69)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"Code":"Failed"}', b'{"AccessKeyId":"A b"}', b"x" * 100000])
def test_instance_metadata_garbage_is_refused(tmp_path, givers, body):
    givers.broken["/latest/meta-data/iam/security-credentials/instance-role"] = body
    assert "instance metadata (keys)" in Run(tmp_path, givers, **imds(givers)).error()


# --- container ---

def test_container_with_a_token(tmp_path, givers):
    givers.container_token = "container-token-marker"
    assert Run(tmp_path, givers, **container(givers, AWS_CONTAINER_AUTHORIZATION_TOKEN="container-token-marker")
               ).source() == "container"
    assert "HTTP 403" in Run(tmp_path, givers, **container(givers)).error()


def test_pod_identity_token_file_wins(tmp_path, givers):
    givers.container_token = "pod-token-marker"
    (tmp_path / "pod").write_text("pod-token-marker\n")
    env = {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(tmp_path / "pod"), "AWS_CONTAINER_AUTHORIZATION_TOKEN": "other"}
    assert Run(tmp_path, givers, **container(givers, **env)).source() == "container"
    (tmp_path / "pod").write_text("pod-marker\r\nX-Evil: 1")
    assert "holds no token of one line" in Run(tmp_path, givers, **container(givers, **env)).error()
    (tmp_path / "pod").unlink()
    assert "cannot read" in Run(tmp_path, givers, **container(givers, **env)).error()


@pytest.mark.parametrize("url", ["http://192.0.2.1/x", "http://127.0.0.1@192.0.2.1/", "http://localhost.example/",
                                 "http://127.0.0.1.example/", "ftp://127.0.0.1/"])
def test_container_elsewhere_is_refused(tmp_path, givers, url):
    assert "neither https nor loopback" in Run(tmp_path, givers, AWS_CONTAINER_CREDENTIALS_FULL_URI=url).error()


def test_container_that_is_ill_is_asked_three_times(tmp_path, givers):
    givers.broken["/v1/credentials"] = 500
    assert "container: HTTP 500" in Run(tmp_path, givers, **container(givers)).error(69)
    assert len(givers.requests) == 3


def test_container_that_is_silent_is_given_up_in_time(tmp_path, givers):
    givers.broken["/v1/credentials"] = "hang"
    assert "container: " in Run(tmp_path, givers, **container(givers)).error(69)
    assert len(givers.requests) == 3


# --- STS ---

def test_web_identity(tmp_path, givers):
    givers.roles[ARN] = {}
    assert Run(tmp_path, givers, **web(tmp_path)).source() == "web identity"
    assert "InvalidIdentityToken" in Run(tmp_path, givers, **web(tmp_path, token="stale-marker")).error()
    assert "AccessDenied" in Run(tmp_path, givers, **web(tmp_path, arn=OTHER)).error()
    assert "AWS_ROLE_ARN is not set" in Run(tmp_path, givers, **{**web(tmp_path), "AWS_ROLE_ARN": ""}).error()


def test_role_of_the_account(tmp_path, givers):
    givers.roles[ARN] = {"ExternalId": "ours=&1"}
    sets = [f"account.default.role_arn={ARN}", "account.default.external_id=ours=&1",
            "account.default.role_session_name=mailer"]
    assert Run(tmp_path, givers, sets, **BASE).source() == "environment, assumed role"
    assert givers.roles[ARN]["session"] == "mailer"
    assert ARN in Run(tmp_path, givers, sets[:1], **BASE).error()
    givers.known["AKIDBASE"] = ("another", None)
    assert "SignatureDoesNotMatch" in Run(tmp_path, givers, sets, **BASE).error()


def test_roles_in_a_chain(tmp_path, givers):
    givers.roles.update({ARN: {}, OTHER: {"ExternalId": "e"}})
    config(tmp_path, f"[profile a]\nrole_arn = {ARN}\nsource_profile = b\n[profile b]\nrole_arn = {OTHER}\n"
                     "external_id = e\nsource_profile = c\n[profile c]\naws_access_key_id = AKIDBASE\n"
                     "aws_secret_access_key = base-secret-marker\n")
    assert Run(tmp_path, givers, AWS_PROFILE="a").source() == "shared file, profile c, assumed role"
    assert [name for _, name in givers.requests] == ["AssumeRole", "AssumeRole"]


@pytest.mark.parametrize("skew_s", [-7200, 3600])
def test_role_with_a_clock_that_is_wrong(tmp_path, givers, skew_s):
    """The keys' expiry is STS's time: by our own clock they would be over at once, or live too long."""
    givers.roles[ARN] = {}
    givers.skew_s, givers.lives_s = skew_s, 8
    run = Run(tmp_path, givers, [f"account.default.role_arn={ARN}"], startup="60s", **BASE)
    wait_until(lambda: len(run.events("credentials_refreshed")) >= 2)
    run.process.terminate()
    assert run.end() == 0
    assert abs(run.events("sts_clock_skew")[0]["skew_ms"] / 1000 - skew_s) < 60
    assert len(run.events("sts_clock_skew")) == 1 and not run.events("credentials_kept")
    assert [name for _, name in givers.requests[:2]] == ["AssumeRole", "AssumeRole"]  # refused, then with their time
    assert len(givers.requests) < 10


@pytest.mark.parametrize("source", ["Environment", "EcsContainer", "Ec2InstanceMetadata"])
def test_role_on_a_place(tmp_path, givers, source):
    givers.roles[ARN] = {}
    config(tmp_path, f"[profile a]\nrole_arn = {ARN}\ncredential_source = {source}\n")
    run = Run(tmp_path, givers, ["account.default.profile=a"], **BASE, **container(givers), **imds(givers))
    assert run.source().endswith(", assumed role")


@pytest.mark.parametrize("text, told", [
    (f"[profile a]\nrole_arn = {ARN}\nsource_profile = a\nmfa_serial = x\n", "mfa_serial"),
    (f"[profile a]\nrole_arn = {ARN}\n", "needs either source_profile or credential_source"),
    (f"[profile a]\nrole_arn = {ARN}\nsource_profile = b\n[profile b]\nrole_arn = {ARN}\nsource_profile = a\n", "circle"),
    (f"[profile a]\nrole_arn = {ARN}\ncredential_source = Moon\n", "credential_source is none of"),
    (f"[profile a]\nrole_arn = {ARN}\nsource_profile = nobody\n", "profile nobody"),
    ("[profile a]\nsso_session = x\n", "there is no [sso-session x]"),
    ("[profile a]\nsso_session = x\n[sso-session x]\nsso_region = eu-west-1\n", "SSO needs sso_start_url"),
    ("[profile a]\nsso_start_url = u\nsso_region = r\nsso_account_id = 1\nsso_role_name = x\n", "not 12 digits"),
    ("[profile a]\ncredential_process = /bin/echo \"a\n", "a quote is not closed"),
])
def test_profiles_that_cannot_work_say_why(tmp_path, givers, text, told):
    config(tmp_path, text)
    assert told in Run(tmp_path, givers, ["account.default.profile=a"]).error()
    assert givers.requests == []


@pytest.mark.parametrize("body", [b"", b"<a", b"<a/>", b"<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
                                  b"<a><Credentials><AccessKeyId>A</AccessKeyId></Credentials></a>"])
def test_sts_garbage_is_refused(tmp_path, givers, body):
    givers.broken["AssumeRole"] = body
    assert "STS AssumeRole" in Run(tmp_path, givers, [f"account.default.role_arn={ARN}"], **BASE).error()


# --- credential_process ---

def program(tmp, body):
    """A program that counts its runs in the file `runs`; the command has words that only quoting holds together."""
    path = tmp / "key giver"
    path.write_text(f"#!/usr/bin/python3\nimport os, sys, time, json, datetime\n"
                    f"open({str(tmp / 'runs')!r}, 'a').write(repr(sys.argv[1:]) + chr(10))\n{body}\n")
    path.chmod(0o755)
    config(tmp, f"[profile a]\ncredential_process = \"{path}\" --for 'two words' $HOME;\n")
    return {"AWS_PROFILE": "a"}


def prints(**more):
    keys = {"Version": 1, "AccessKeyId": "AKIDPROCESS", "SecretAccessKey": "process-secret-marker", **more}
    return f"print(json.dumps({keys!r}))"


def runs(tmp):
    return (tmp / "runs").read_text().splitlines()


def test_process_without_a_shell_and_without_an_expiry(tmp_path, givers):
    run = Run(tmp_path, givers, **program(tmp_path, "assert sys.stdin.read() == ''; " + prints()))
    assert run.source() == "credential_process, profile a"
    assert runs(tmp_path) == ["['--for', 'two words', '$HOME;']"]


def test_process_below_a_role(tmp_path, givers):
    givers.roles[ARN] = {}
    givers.known["AKIDPROCESS"] = ("process-secret-marker", "process-token-marker")
    env = program(tmp_path, prints(SessionToken="process-token-marker", Expiration="2999-01-01T00:00:00Z"))
    with open(tmp_path / ".aws" / "config", "a") as file:
        file.write(f"[profile b]\nrole_arn = {ARN}\nsource_profile = a\n")
    run = Run(tmp_path, givers, **{**env, "AWS_PROFILE": "b"})
    assert run.source() == "credential_process, profile a, assumed role"


@pytest.mark.parametrize("body, told", [
    ("sys.exit('no vault: token=process-secret-marker0 here')", "exit code 1: no vault: token=... here"),
    ("sys.exit(3)", "credential_process: exit code 3"),
    ("os.kill(os.getpid(), 9)", "credential_process: ended by signal 9"),
    ("print('{')", "the answer's body is no JSON object"),
    ("print('{}')", "the answer's Version is not 1"),
    (prints(Version=2), "the answer's Version is not 1"),
    (prints(Expiration="soon"), "the answer's Expiration is missing or no time"),
    (prints(Expiration="2020-01-01T00:00:00Z"), "the keys have expired already"),
    (prints(SecretAccessKey=""), "the answer's SecretAccessKey is missing"),
    ("print('x' * 100000)", "it prints more than 64 KiB"),
    ("print('marker' * 100000, file=sys.stderr); sys.exit(4)", "credential_process: exit code 4: ..."),
])
def test_process_that_fails_says_why(tmp_path, givers, body, told):
    assert told in Run(tmp_path, givers, **program(tmp_path, body)).error()
    assert len(runs(tmp_path)) == 1


def test_process_that_is_not_there(tmp_path, givers):
    config(tmp_path, "[profile a]\ncredential_process = /no/such/program x\n")
    assert "cannot be started: no such file" in Run(tmp_path, givers, AWS_PROFILE="a").error()


def test_F28_process_is_run_again_ahead_of_time(tmp_path, givers):
    env = program(tmp_path, "until = datetime.datetime.utcnow() + datetime.timedelta(seconds=4);"
                  + prints(Expiration="UNTIL").replace("'UNTIL'", "until.isoformat() + 'Z'"))
    run = Run(tmp_path, givers, startup="60s", **env)
    wait_until(lambda: len(run.events("credentials_refreshed")) >= 2)
    run.process.terminate()
    assert run.end() == 0
    assert not run.events("credentials_kept")


# --- SSO ---

def signed_in(tmp, givers, key="corp", token="sso-token-marker", until="2999-01-01T00:00:00Z"):
    name = hashlib.sha1(key.encode()).hexdigest()
    (tmp / ".aws" / "sso" / "cache").mkdir(parents=True, exist_ok=True)
    (tmp / ".aws" / "sso" / "cache" / f"{name}.json").write_text(
        json.dumps({"startUrl": "https://corp.example/start", "region": "eu-west-1", "accessToken": token, "expiresAt": until}))
    (tmp / ".aws" / "config").write_text(
        "[profile a]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = Mail+Role=1\n"
        "[sso-session corp]\nsso_region = eu-west-1\nsso_start_url = https://corp.example/start\n"
        "sso_registration_scopes = sso:account:access\n"
        "[profile old]\nsso_start_url = https://corp.example/start\nsso_region = eu-west-1\n"
        "sso_account_id = 123456789012\nsso_role_name = Mail+Role=1\n")
    return {"AWS_PROFILE": "a", "AWS_ENDPOINT_URL_SSO": givers.url}


def test_sso_session(tmp_path, givers):
    assert Run(tmp_path, givers, **signed_in(tmp_path, givers)).source() == "SSO, profile a"


def test_sso_start_url_with_the_older_form_of_time(tmp_path, givers):
    env = signed_in(tmp_path, givers, key="https://corp.example/start", until="2999-01-01T00:00:00UTC")
    assert Run(tmp_path, givers, **{**env, "AWS_PROFILE": "old"}).source() == "SSO, profile old"


@pytest.mark.parametrize("change, told", [
    (dict(until="2020-01-01T00:00:00Z"), "SSO: the sign-in has expired; run: aws sso login"),
    (dict(token="stale-marker"), "SSO: the sign-in was refused (HTTP 401); run: aws sso login"),
    (dict(key="elsewhere"), "SSO: nobody has signed in here; run: aws sso login"),
    (dict(token=""), "the SSO cache file holds no accessToken"),
    (dict(until="soon"), "the SSO cache file holds no expiresAt"),
    (dict(token="a marker"), "the SSO cache file holds an accessToken with odd characters"),
])
def test_sso_sign_in_that_is_no_good(tmp_path, givers, change, told):
    assert told in Run(tmp_path, givers, **signed_in(tmp_path, givers, **change)).error()


@pytest.mark.parametrize("trouble, told, code", [
    (403, "SSO: HTTP 403", 77), (500, "SSO: HTTP 500", 69), (429, "SSO: HTTP 429", 69), (b"{", "is no JSON object", 77),
    (b"[]", "is no JSON object", 77), (b"{}", "accessKeyId is missing", 77),
    (b'{"roleCredentials":{"accessKeyId":"A","secretAccessKey":"s","sessionToken":"t","expiration":"1"}}', "no time", 77),
    (b'{"roleCredentials":{"accessKeyId":"A","secretAccessKey":"s","sessionToken":"t","expiration":1}}', "expired", 77),
])
def test_sso_portal_that_fails(tmp_path, givers, trouble, told, code):
    givers.broken["/federation/credentials"] = trouble
    assert told in Run(tmp_path, givers, **signed_in(tmp_path, givers)).error(code)


def test_F28_sso_keys_are_renewed_and_kept_when_the_sign_in_ends(tmp_path, givers):
    givers.lives_s = 4
    run = Run(tmp_path, givers, startup="60s", **signed_in(tmp_path, givers))
    wait_until(lambda: run.events("credentials_refreshed"))
    signed_in(tmp_path, givers, until="2020-01-01T00:00:00Z")
    wait_until(lambda: run.events("credentials_kept"))
    assert "run: aws sso login" in run.events("credentials_kept")[0]["error"]
    signed_in(tmp_path, givers)
    before = len(run.events("credentials_refreshed"))
    wait_until(lambda: len(run.events("credentials_refreshed")) > before)
    run.process.terminate()
    assert run.end() == 0


# --- renewal ---

def test_F28_keys_are_renewed_ahead_of_time(tmp_path, givers):
    givers.lives_s = 4
    run = Run(tmp_path, givers, startup="20s", **container(givers))
    wait_until(lambda: len(run.events("credentials_refreshed")) >= 2)
    run.process.terminate()
    assert run.end() == 0
    assert not run.events("credentials_kept") and not run.events("credentials_expired")


@pytest.mark.parametrize("trouble", [500, 401, "hang", b"{"])
def test_F28_old_keys_stay_until_they_expire_and_fresh_ones_follow(tmp_path, givers, trouble):
    givers.lives_s = 4
    run = Run(tmp_path, givers, startup="60s", **imds(givers))
    wait_until(lambda: run.events("account_ready"))
    givers.broken["/latest/meta-data/iam/security-credentials/instance-role"] = trouble
    wait_until(lambda: run.events("credentials_kept"))
    givers.gone.set()
    givers.broken.clear()
    wait_until(lambda: run.events("credentials_refreshed"))
    run.process.terminate()
    assert run.end() == 0
    assert len(run.events("credentials_kept")) == 1


def test_F28_a_role_is_assumed_anew_with_the_token_of_the_day(tmp_path, givers):
    givers.roles[ARN] = {}
    givers.lives_s = 4
    run = Run(tmp_path, givers, startup="60s", **web(tmp_path))
    wait_until(lambda: run.events("account_ready"))
    (tmp_path / "web").write_text("stale-marker")
    wait_until(lambda: run.events("credentials_kept"))
    (tmp_path / "web").write_text("web-token-marker")
    wait_until(lambda: run.events("credentials_refreshed"))
    run.process.terminate()
    assert run.end() == 0


def test_F28_expired_keys_are_told_once(tmp_path, givers):
    givers.lives_s = 3
    run = Run(tmp_path, givers, startup="60s", **imds(givers))
    wait_until(lambda: run.events("account_ready"))
    givers.broken["/latest/api/token"] = 500
    wait_until(lambda: run.events("credentials_expired"), 50)
    run.process.terminate()
    assert run.end() == 0
    assert len(run.events("credentials_expired")) == 1


# --- SIGHUP: needs a worker that works ---

def test_sighup_searches_the_keys_again(tmp_path, givers):
    with redis_variant.make() as redis:
        run = Run(tmp_path, givers, startup="60s", SESVERIFY_WORKER_PROBE="false", **redis.environment(), **container(givers))
        wait_until(lambda: run.events("ready"))
        before = len(givers.requests)
        run.process.send_signal(signal.SIGHUP)
        wait_until(lambda: run.events("credentials_refreshed"))
        assert len(givers.requests) == before + 1
        givers.broken["/v1/credentials"] = 500  # the old ones stay
        run.process.send_signal(signal.SIGHUP)
        wait_until(lambda: run.events("credentials_kept"))
        givers.broken.clear()
        run.process.send_signal(signal.SIGHUP)
        wait_until(lambda: len(run.events("credentials_refreshed")) >= 2)
        run.process.terminate()
        assert run.end() == 0


# --- the stand-in, judged by botocore ---

def test_botocore_takes_its_keys_from_the_stand_in(tmp_path, givers):
    givers.roles[ARN] = {}
    config(tmp_path, f"[profile a]\nrole_arn = {ARN}\ncredential_source = Environment\nregion = eu-west-1\n")
    code = ("import boto3, os; s = boto3.Session(profile_name=os.environ.get('P'));"
            "k = s.get_credentials().get_frozen_credentials(); print(k.access_key, k.token)")
    clean = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_DEFAULT_REGION": "eu-west-1"}
    for env, word in ((imds(givers), "imds-"), (container(givers), "container-")):
        done = subprocess.run(["/usr/bin/python3", "-c", code], env={**clean, **env}, capture_output=True, text=True,
                              timeout=60, check=True)
        assert done.stdout.startswith("ASIA") and word in done.stdout
    code = ("import boto3, sys; c = boto3.client('sts', endpoint_url=sys.argv[1]);"
            f"print(c.assume_role(RoleArn='{ARN}', RoleSessionName='xy')['Credentials']['SessionToken']);"
            f"print(c.assume_role_with_web_identity(RoleArn='{ARN}', RoleSessionName='xy',"
            "WebIdentityToken='web-token-marker')['Credentials']['Expiration'].year)")
    done = subprocess.run(["/usr/bin/python3", "-c", code, givers.url], env={**clean, **BASE}, capture_output=True,
                          text=True, timeout=60, check=True)
    assert done.stdout.startswith("role-token-marker/+=\n20")
