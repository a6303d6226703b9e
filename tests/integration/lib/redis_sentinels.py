"""A primary with replicas and the Sentinels that watch over them, for one test.

    with RedisSentinels() as group:
        group.client().ping()      # the present primary, over TCP
        group.primary.kill()
        group.wait_primary_other_than(group.primary)

Every server is a RedisServer with a port; Sentinels are processes of their own, ended by process id.
"""
import os
import shutil
import signal
import subprocess
import tempfile
import time

import redis
import redis.sentinel

from child import die_with_parent
from redis_server import RedisServer, Servers, free_port
from sandbox import wait_for

NAME = "main"
DOWN_AFTER_MS = 1000


class Sentinel:
    def __init__(self, folder, number, primary_port, quorum, password=None, login=(), down_after_ms=DOWN_AFTER_MS):
        self.folder, self.number = folder, number
        self.primary_port, self.quorum = primary_port, quorum
        self.password, self.login, self.down_after_ms = password, login, down_after_ms
        self.port = 0
        self.process = None

    def start(self):
        for _ in range(10):
            if self.port == 0:
                self.port = free_port()
            self._spawn()
            try:
                wait_for(lambda: self.answers() or self.process.poll() is not None, "a sentinel to answer", 20)
            except AssertionError:
                break
            if self.process.poll() is None:
                return self
            self.process, self.port = None, 0
        raise RuntimeError("no sentinel")

    def _spawn(self):
        name = os.path.join(self.folder, f"sentinel-{self.number}.conf")
        if not os.path.exists(name):  # Sentinel writes its state into it
            lines = [f"port {self.port}", "bind 127.0.0.1", f"dir {self.folder}", "protected-mode no",
                     f"logfile {self.folder}/sentinel-{self.number}.log",
                     f"sentinel monitor {NAME} 127.0.0.1 {self.primary_port} {self.quorum}",
                     f"sentinel down-after-milliseconds {NAME} {self.down_after_ms}",
                     f"sentinel failover-timeout {NAME} 3000", f"sentinel parallel-syncs {NAME} 2"]
            if self.password is not None:
                lines += [f"requirepass {self.password}", f"sentinel sentinel-pass {self.password}"]
            lines += [f"sentinel auth-{word} {NAME} {value}" for word, value in self.login]
            with open(name, "w", encoding="utf-8") as out:
                out.write("\n".join(lines) + "\n")
        self.process = subprocess.Popen(["redis-server", name, "--sentinel"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, preexec_fn=die_with_parent)

    def client(self):
        return redis.Redis(port=self.port, decode_responses=True, socket_timeout=2, password=self.password)

    def answers(self):
        try:
            return self.client().ping()
        except redis.exceptions.RedisError:
            return False

    def told(self):
        """(host, port) of the primary as this one sees it; None when it does not answer."""
        try:
            return self.client().execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME)
        except redis.exceptions.RedisError:
            return None

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.send_signal(signal.SIGCONT)
            self.process.wait()
            self.process = None

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)


class RedisSentinels(Servers):
    """`server` are options of every RedisServer; `password` is asked for by the servers, `sentinel_password` by the Sentinels.
    `links`: replicas and Sentinels have a user of their own, so that `cut` can part them from one server, and
    nobody else; goes with a password, since without one everybody may be the default user. `down_after_ms`: of silence, and a
    server is given up."""

    def __init__(self, replicas=2, sentinels=3, password=None, sentinel_password=None, links=False, down_after_ms=DOWN_AFTER_MS,
                 **server):
        config = {"repl-diskless-sync-delay": "0", "repl-ping-replica-period": "1", **server.pop("config", {})}
        if password is not None:
            config["masterauth"] = password
        self.login = [("pass", password)] if password is not None else []
        if links:
            config.update(masteruser="link", masterauth="link")
            server["users"] = ["link on >link ~* &* +@all"]
            self.login = [("user", "link"), ("pass", "link")]
        server = {"aof": True, "fsync": "everysec", **server}
        self.password = password
        self.servers = [RedisServer(port=True, password=password, config=config, **server) for _ in range(1 + replicas)]
        self.sentinels_count, self.sentinel_password, self.down_after_ms = sentinels, sentinel_password, down_after_ms
        self.sentinels = []
        self.folder = tempfile.mkdtemp(prefix="sv-sentinel-", dir="/tmp")

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.close()

    def start(self):
        """All servers, and the Sentinels that do not run yet; the first server is the primary."""
        first = self.servers[0].start()
        for replica in self.servers[1:]:
            replica.config["replicaof"] = f"127.0.0.1 {first.port}"
            replica.start()
            del replica.config["replicaof"]
        self.wait_replicas(first)
        for i in range(len(self.sentinels), self.sentinels_count):
            sentinel = Sentinel(self.folder, i, first.port, self.sentinels_count // 2 + 1, self.sentinel_password, self.login,
                                self.down_after_ms)
            self.sentinels.append(sentinel.start())
        wait_for(self._is_settled, "the sentinels to know each other and the replicas", 30)

    def _is_settled(self):
        for sentinel in self.sentinels:
            seen = sentinel.client().sentinel_master(NAME)
            if seen["num-other-sentinels"] != len(self.sentinels) - 1 or seen["num-slaves"] != len(self.servers) - 1:
                return False
        return True

    def wait_replicas(self, primary, count=None):
        """All (or `count`) replicas are in step with the primary."""
        wanted = len([s for s in self.servers if s.process]) - 1 if count is None else count

        def all_online():
            state = primary.client().info("replication")
            return sum(1 for i in range(state["connected_slaves"]) if state[f"slave{i}"]["state"] == "online") >= wanted
        wait_for(all_online, "the replicas to be in step", 30)

    def close(self):
        for sentinel in self.sentinels:
            sentinel.kill()
        for server in self.servers:
            server.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- who is what ---

    @property
    def primary(self):
        """The server that more than half of the Sentinels name."""
        told = [s.told() for s in self.sentinels if s.process]
        for server in self.servers:
            if sum(1 for t in told if t and int(t[1]) == server.port) * 2 > len(told):
                return server
        raise RuntimeError(f"no primary: {told}")

    def promoted_other_than(self, old):
        """A running server that says it is a master and is not `old`; None when there is none."""
        for server in self.servers:
            if server is old or server.process is None:
                continue
            try:
                if server.client(socket_timeout=1).execute_command("ROLE")[0] == "master":
                    return server
            except redis.exceptions.RedisError:
                continue
        return None

    def wait_promoted(self, old, deadline_s=60):
        """Waits for the promotion; the new primary, and when it was seen (time.monotonic)."""
        promoted = wait_for(lambda: self.promoted_other_than(old), "a replica to be promoted", deadline_s)
        return promoted, time.monotonic()

    def fail_over(self):
        """An orderly fail-over; the former primary."""
        old = self.primary
        self.sentinels[0].client().execute_command("SENTINEL", "FAILOVER", NAME)
        return old

    @staticmethod
    def cut(server):
        """A partition: replicas and Sentinels cannot get to the server any more; clients can."""
        server.client().execute_command("ACL", "SETUSER", "link", "off")
        server.client().execute_command("CLIENT", "KILL", "USER", "link")

    @staticmethod
    def heal(server):
        server.client().execute_command("ACL", "SETUSER", "link", "on")

    # --- as a RedisServer ---

    @property
    def pids(self):
        return [server.pid for server in self.servers if server.process]

    @property
    def path(self):
        """The present primary's socket."""
        return self.primary.path

    def environment(self):
        return {"SESVERIFY_REDIS_URL": self.url()}

    def client(self, **options):
        """A client that asks the Sentinels again whenever it connects."""
        options = {"decode_responses": True, "socket_timeout": 30, **options}
        asked = [("127.0.0.1", s.port) for s in self.sentinels]
        finder = redis.sentinel.Sentinel(asked, sentinel_kwargs={"password": self.sentinel_password, "socket_timeout": 1})
        return finder.master_for(NAME, password=self.password, **options)

    def cli(self):
        return ["-s", self.primary.path] + (["-a", self.password] if self.password else [])

    def url(self, sentinels=None):
        hosts = ",".join(f"127.0.0.1:{s.port}" for s in sentinels or self.sentinels)
        return f"redis+sentinel://{':' + self.password + '@' if self.password else ''}{hosts}/{NAME}"
