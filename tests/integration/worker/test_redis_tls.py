"""The worker and the commands over TLS (F16), and secrets that change while they run (F15)."""
import pytest

from bad_days import QUICK, logged, verify, wait_logged
from certificates import Authority
from redis_server import RedisServer
from sandbox import wait_for
from world import DEADLINE_S, World

ADDRESSES = ["127.0.0.1", "localhost"]


class Keys:
    def __init__(self, folder):
        self.folder = folder
        self.ours = Authority(folder, "ours")
        self.server = self.ours.issue("server", ADDRESSES)
        self.client = self.ours.issue("client", [])
        self.expired = self.ours.issue("expired", ADDRESSES, days=(-9, -1))
        self.elsewhere = self.ours.issue("elsewhere", ["redis.example"])
        self.stranger = Authority(folder, "theirs").issue("stranger", ADDRESSES)


@pytest.fixture(name="keys", scope="module")
def _keys(tmp_path_factory):
    return Keys(tmp_path_factory.mktemp("tls"))


def access(world, keys, **more):
    """What leads the worker to the server by TLS."""
    return {"SESVERIFY_REDIS_URL": world.redis_server.url(tcp="tls"), "SESVERIFY_REDIS_TLS_CA_FILE": keys.ours.pem, **more}


def command(world, settings, *words):
    sets = [f"--set=redis.{key.removeprefix('SESVERIFY_REDIS_').lower()}={value}" for key, value in settings.items()]
    return world.command(words[0], *sets, *words[1:])


def test_F16_a_domains_life_over_tls_with_a_certificate_of_our_own(keys):
    ask = {"tls-auth-clients": "yes", "tls-ca-cert-file": keys.ours.pem}
    with World(settings=QUICK, server=RedisServer(tls=keys.server, config=ask)) as world:
        settings = access(world, keys, SESVERIFY_REDIS_TLS_CERT_FILE=keys.client.cert,
                          SESVERIFY_REDIS_TLS_KEY_FILE=keys.client.key)
        worker = world.start_worker(**settings)
        verify(world, "client.example")
        done = command(world, settings, "status")
        assert done.returncode == 0 and "client.example" in done.stdout, done.stderr
        done = command(world, settings, "enqueue", "recheck", "--client", "client-1", "--domain", "client.example", "--wait")
        assert done.returncode == 0, done.stderr
        names = [entry["name"] for entry in world.redis.client_list() if entry["name"].startswith("sesverify:")]
        assert len(names) == 2, names  # commands and reads
        assert world.redis.info("clients")["connected_clients"] >= 3
        assert not world.violations(rest=True)
        # Without it the server lets nobody in, and the command says so.
        done = command(world, {k: v for k, v in settings.items() if "CERT" not in k and "KEY" not in k}, "status")
        assert done.returncode == 77 and "the server refuses us" in done.stderr, done.stderr
        assert worker.alive()


@pytest.mark.parametrize("what, said", [("expired", "certificate has expired"), ("stranger", "unable to get local issuer certificate"),
                                        ("elsewhere", "is not for 127.0.0.1")])
def test_F16_refused_at_start_and_by_commands(keys, what, said):
    with World(server=RedisServer(tls=getattr(keys, what))) as world:
        settings = access(world, keys)
        worker = world.start_worker(wait=False, **settings)
        assert worker.process.wait(DEADLINE_S) == 77
        told = logged(worker, "redis_refused")[0]
        assert said in told["msg"] and told["error_code"] == "denied"
        done = command(world, settings, "status")
        assert done.returncode == 77 and said in done.stderr, done.stderr
        world.workers.clear()


def test_F16_files_that_cannot_be_used_at_start(keys, tmp_path):
    opened = tmp_path / "open.key"
    opened.write_bytes(open(keys.client.key, "rb").read())
    opened.chmod(0o644)
    missing = str(tmp_path / "missing")
    with World(server=RedisServer(tls=keys.server)) as world:
        for more, code, said in [
                ({"SESVERIFY_REDIS_TLS_CA_FILE": missing}, 78, missing),
                ({"SESVERIFY_REDIS_TLS_CERT_FILE": keys.client.cert}, 78, "needs its private key"),
                ({"SESVERIFY_REDIS_TLS_CERT_FILE": keys.client.cert, "SESVERIFY_REDIS_TLS_KEY_FILE": str(opened)}, 77, "chmod o="),
                ({"SESVERIFY_REDIS_PASSWORD_FILE": missing}, 66, missing)]:
            settings = access(world, keys, **more)
            worker = world.start_worker(wait=False, **settings)
            assert worker.process.wait(DEADLINE_S) == code and said in worker.text(), worker.text()
            done = command(world, settings, "status")
            assert done.returncode == code and said in done.stderr, done.stderr
        world.workers.clear()


def test_F16_refused_at_run_time_and_taken_again(keys, tmp_path):
    """The server comes back with a certificate that has expired: nothing is said to it. With a right one work goes on."""
    right = keys.ours.issue("rotated", ADDRESSES)
    with World(settings=QUICK, server=RedisServer(tls=right, aof=True)) as world:
        worker = world.start_worker(**access(world, keys))
        verify(world, "before.example")
        world.redis_server.tls = keys.expired
        world.redis_server.restart()
        told = wait_logged(worker, "redis_unreachable", error_code="denied")[0]
        assert "certificate has expired" in told["msg"]
        assert worker.alive()
        ours = [c for c in world.redis.client_list() if c["name"].startswith("sesverify:")]
        assert not ours, ours
        world.redis_server.tls = right
        world.redis_server.restart()
        verify(world, "after.example")
        assert not world.violations(rest=True)


def test_F15_a_secret_that_changes(tmp_path):
    """Wrong at start: 77. Changed at run time: told, read again, and work goes on where it stopped."""
    secret = tmp_path / "password"
    secret.write_text("first\n")
    secret.chmod(0o600)
    users = ["worker on >first ~* &* +@all"]
    with World(settings=QUICK, server=RedisServer(users=users)) as world:
        as_worker = {"SESVERIFY_REDIS_USER": "worker", "SESVERIFY_REDIS_PASSWORD_FILE": str(secret)}
        worker = world.start_worker(**as_worker)
        verify(world, "before.example")
        world.redis.execute_command("ACL", "SETUSER", "worker", "resetpass", ">second")
        world.redis.execute_command("CLIENT", "KILL", "USER", "worker")
        told = wait_logged(worker, "redis_unreachable", error_code="denied")[0]
        assert "WRONGPASS" in told["msg"] and "first" not in worker.text() and "second" not in worker.text()
        late = world.start_worker(wait=False, **as_worker)
        assert late.process.wait(DEADLINE_S) == 77
        assert "WRONGPASS" in logged(late, "redis_refused")[0]["msg"]
        done = command(world, as_worker, "status")
        assert done.returncode == 77 and "WRONGPASS" in done.stderr, done.stderr
        world.workers.remove(late)
        secret.write_text("second\n")
        ready = len(logged(worker, "redis_ready"))
        wait_for(lambda: len(logged(worker, "redis_ready")) > ready, "the new secret to be used", DEADLINE_S)
        verify(world, "after.example")
        assert not world.violations(rest=True)
        secret.chmod(0o644)  # now anybody may read it, so we do not
        world.redis.execute_command("CLIENT", "KILL", "USER", "worker")
        told = wait_logged(worker, "redis_unreachable", msg="chmod o=")[0]
        assert told["error_code"] == "denied"
        secret.chmod(0o600)
        verify(world, "again.example")
