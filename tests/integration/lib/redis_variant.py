"""Which kind of Redis the tests run on: SV_TEST_REDIS = plain (default), aof, acl, tls, sentinel, cluster, valkey.

    with redis_variant.make() as server:        # as RedisServer: client(), cli(), url(), and
        env.update(server.environment())        # the settings of a worker of it

    redis_variant.py has KIND                   # ends with 0 when this machine has what it needs
    redis_variant.py run KIND -- command ...    # a small one (a single server holds the data) for a program that reads
                                                # SV_TEST_REDIS_URL, SV_TEST_REDIS_SOCKET and SV_TEST_REDIS_CA

Tests go around the worker through `client()`, which is always allowed everything.
"""
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from certificates import Authority
from redis_cluster import RedisCluster
from redis_kind import KINDS, check_made, kind
from redis_sentinels import RedisSentinels
from redis_server import RedisServer

SOURCE = pathlib.Path(os.environ.get("SV_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[3]))
USERS = SOURCE / "deploy" / "redis" / "users.acl"
PASSWORD = "kind-of-redis"
NODE_TIMEOUT_MS = 15_000  # a busy machine is no dead node: tests of fail-overs make a Cluster of their own
STEADY_MS = 60_000  # no test of the kind wants a fail-over; the CLIENT PAUSE of checker.py holds up what Sentinels say, too


def is_there(word):
    """Whether this machine has what the kind needs."""
    if word == "acl":
        return USERS.exists()
    return word != "valkey" or shutil.which("valkey-server") is not None


class TlsServer(RedisServer):
    """Its clients in the test come by the socket, the worker over TLS."""

    def __init__(self, **options):
        self.keys = tempfile.TemporaryDirectory(prefix="sv-keys-")
        self.authority = Authority(self.keys.name, "authority")
        super().__init__(tls=self.authority.issue("server", ["127.0.0.1"]), **options)

    def url(self, tcp="tls", **options):
        return super().url(tcp=tcp, **options)

    def environment(self, port=None):
        return {**super().environment(port), "SESVERIFY_REDIS_TLS_CA_FILE": self.authority.pem}

    def close(self):
        super().close()
        self.keys.cleanup()


class AclServer(RedisServer):
    """The worker is the user of deploy/redis/users.acl; the tests stay the default user."""

    def __init__(self, users=(), **options):
        line = next(line for line in USERS.read_text().splitlines() if line.startswith("user "))
        rules = line.removeprefix("user ").replace("SHA256_OF_THE_PASSWORD", hashlib.sha256(PASSWORD.encode()).hexdigest())
        self.user = rules.split()[0]
        super().__init__(users=[*users, rules], **options)

    def url(self, user=None, password=None, **options):
        return super().url(user=user or self.user, password=password or PASSWORD, **options)


class ValkeyServer(RedisServer):
    program = "valkey-server"


def make(small=False, **options):
    """A server of the kind; `options` are RedisServer's. `small`: as few processes as the kind allows."""
    check_made()
    server = unmade(small, options)
    for one in getattr(server, "servers", [server]):
        one.is_of_kind = True
    return server


def unmade(small, options):
    word = kind()
    if word == "aof":
        return RedisServer(**{"aof": True, "fsync": "everysec", **options})
    if word == "sentinel":
        few = {"replicas": 0, "sentinels": 1} if small else {}
        return RedisSentinels(down_after_ms=STEADY_MS, **few, **without_port(options))
    if word == "cluster":
        return RedisCluster(node_timeout_ms=NODE_TIMEOUT_MS, **({"primaries": 1, "replicas": 0} if small else {}),
                            **without_port(options))
    return {"plain": RedisServer, "tls": TlsServer, "acl": AclServer, "valkey": ValkeyServer}[word](**options)


def without_port(options):
    """Theirs have one anyway."""
    return {key: value for key, value in options.items() if key != "port"}


def first(server):
    """The RedisServer that holds the data of a small one."""
    return server.servers[0] if hasattr(server, "servers") else server


def run(word, command):
    os.environ["SV_TEST_REDIS"] = word
    with make(small=True) as server:
        env = {**os.environ, "SV_TEST_REDIS_URL": server.url(), "SV_TEST_REDIS_SOCKET": first(server).path,
               "SV_TEST_REDIS_CA": server.environment().get("SESVERIFY_REDIS_TLS_CA_FILE", "")}
        return subprocess.run(command, env=env, check=False).returncode


def main():
    if len(sys.argv) < 3 or sys.argv[2] not in KINDS:
        sys.exit(__doc__)
    if sys.argv[1] == "has":
        sys.exit(0 if is_there(sys.argv[2]) else 1)
    sys.exit(run(sys.argv[2], sys.argv[sys.argv.index("--") + 1:]))


if __name__ == "__main__":
    main()
