"""A private redis-server for one test: its own folder, unix socket and, if asked for, TCP port.

    with RedisServer(port=True, aof=True) as server:
        server.client().ping()
        server.kill()          # as kill -9
        server.start()         # same folder, socket and port: the data of the AOF is there again

Ended by process id; a server whose test dies is killed by the kernel.
"""
import hashlib
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse

import redis

import redis_kind
from child import die_with_parent

START_SECONDS = 60  # with a long AOF to be read, on a machine that does ten other things
STOP_SECONDS = 10
PORT_TRIES = 10


def free_port():
    """A port nobody listens on at this moment; another test may take it before the caller does. Below
    the range of outgoing connections, so that at least none of those can."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as numbers:
        top = max(int(numbers.read().split()[0]), 11000)
    for _ in range(1000):
        port = random.randrange(10000, top)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no free port")


def least_user(password):
    """What deploy/redis/users.acl allows, as one of `users`: the user sesverify with that password."""
    root = pathlib.Path(os.environ.get("SV_SOURCE_DIR", pathlib.Path(__file__).resolve().parents[3]))
    digest = hashlib.sha256(password.encode()).hexdigest()
    line = (root / "deploy/redis/users.acl").read_text()
    assert line.startswith("user sesverify on #SHA256_OF_THE_PASSWORD ")
    return line.removeprefix("user ").replace("SHA256_OF_THE_PASSWORD", digest).strip()


class RedisServer:
    """`port`: listen on TCP as well (redis-server cannot pick a port itself). `aof`: keep data over
    kill(), with `fsync` = always, everysec or no. `password`: of the default user. `users`: ACL lines
    without the word "user", such as "worker on >secret ~* +@all". `tls`: (certificate, key) to listen with on `tls_port`
    as well; clients need no certificate unless `config` says so. `config`: more settings."""

    program = "redis-server"
    is_of_kind = False  # made by redis_variant.make

    def __init__(self, port=False, aof=False, fsync="always", password=None, users=(), config=None, tls=None):
        self.folder = tempfile.mkdtemp(prefix="sv-redis-", dir="/tmp")  # a socket's path is short
        self.path = os.path.join(self.folder, "redis.sock")
        self.log = os.path.join(self.folder, "redis.log")
        self.wants_port = port
        self.port = 0
        self.tls = tls
        self.tls_port = 0
        self.aof = aof
        self.fsync = fsync
        self.password = password
        self.users = list(users)
        self.config = dict(config or {})
        self.process = None
        self.process_environment = None  # None = ours
        self.was_up = False

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.close()

    # --- running ---

    @property
    def pid(self):
        return self.process.pid

    @property
    def pids(self):
        """Of everything that answers a client."""
        return [self.pid]

    def _write_config(self):
        lines = {
            "bind": "127.0.0.1",
            "port": self.port,
            "unixsocket": self.path,
            "unixsocketperm": "700",
            "dir": self.folder,
            "logfile": self.log,
            "daemonize": "no",
            "save": '""',
            "appendonly": "yes" if self.aof else "no",
            "appendfsync": self.fsync,
            "maxmemory-policy": "noeviction",
            "enable-debug-command": "yes",
        }
        if self.password is not None:
            lines["requirepass"] = self.password
        if self.tls is not None:
            lines.update({"tls-port": self.tls_port, "tls-cert-file": self.tls[0], "tls-key-file": self.tls[1],
                          "tls-ca-cert-file": self.tls[0], "tls-auth-clients": "no"})
        lines.update(self.config)
        name = os.path.join(self.folder, "redis.conf")
        with open(name, "w", encoding="utf-8") as out:
            for key, value in lines.items():
                out.write(f"{key} {value}\n")
            for user in self.users:
                out.write(f"user {user}\n")
        return name

    def start(self):
        """Starts and waits until it answers PING. Keeps the port of an earlier start."""
        assert self.process is None, "runs already"
        if not self.is_of_kind:
            redis_kind.check_own()
        for _ in range(PORT_TRIES):
            self._pick_ports()
            if self._try_start():
                self.was_up = True
                return self
            if self.was_up:
                time.sleep(0.2)  # others know this port already: wait for it
            else:
                self.port = self.tls_port = 0
        raise RuntimeError(f"no free port in {PORT_TRIES} tries\n{self.read_log()}")

    def start_unready(self):
        """Starts without waiting for anything."""
        assert self.process is None, "runs already"
        if not self.is_of_kind:
            redis_kind.check_own()
        self._pick_ports()
        self._spawn()
        return self

    def _pick_ports(self):
        if self.wants_port and self.port == 0:
            self.port = free_port()
        if self.tls is not None and self.tls_port == 0:
            self.tls_port = free_port()

    def _spawn(self):
        self.process = subprocess.Popen(
            [self.program, self._write_config()],
            env=self.process_environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=die_with_parent,
        )

    def _try_start(self):
        """False when somebody else has the port."""
        size = os.path.getsize(self.log) if os.path.exists(self.log) else 0
        self._spawn()
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                self.process = None
                if "Address already in use" in self.read_log(size):
                    return False
                raise RuntimeError(f"redis-server ended by itself\n{self.read_log()}")
            if self.answers():
                return True
            time.sleep(0.01)
        raise RuntimeError(f"redis-server does not answer\n{self.read_log()}")

    def answers(self):
        """True when it serves; a refusal to let us in counts, LOADING does not."""
        try:
            with redis.Redis(unix_socket_path=self.path, password=self.password,
                             socket_timeout=1) as probe:
                probe.ping()
            return True
        except redis.exceptions.BusyLoadingError:
            return False
        except (redis.exceptions.AuthenticationError, redis.exceptions.NoPermissionError):
            return True
        except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError):
            return False

    def stop(self):
        """Ends it in an orderly way (SIGTERM); the folder stays."""
        self._end(signal.SIGTERM)

    def kill(self):
        """Ends it as kill -9 does; the folder stays."""
        self._end(signal.SIGKILL)

    def restart(self):
        self.stop()
        return self.start()

    def pause(self):
        """SIGSTOP: connections stay, nothing is answered."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def _end(self, how):
        if self.process is None:
            return
        self.process.send_signal(how)
        self.process.send_signal(signal.SIGCONT)  # a paused one cannot act on SIGTERM
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def close(self):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- talking ---

    def read_log(self, offset=0):
        try:
            with open(self.log, encoding="utf-8", errors="replace") as log:
                log.seek(offset)
                return log.read()
        except FileNotFoundError:
            return ""

    def client(self, **options):
        """A redis-py client over the unix socket; the default user's password is filled in."""
        options.setdefault("password", self.password)
        options.setdefault("decode_responses", True)
        return redis.Redis(unix_socket_path=self.path, **options)

    def environment(self, port=None):
        """The settings of a worker of this Redis, or of one that comes by a proxy's port."""
        return {"SESVERIFY_REDIS_URL": self.url(port=port)}

    def cli(self):
        """What redis-cli needs to get here."""
        return ["-s", self.path] + (["-a", self.password] if self.password else [])

    def url(self, user=None, password=None, database=0, tcp=False, host="127.0.0.1", port=None):
        """What `redis.url` takes; over TLS where the server has it and `tcp` is "tls". `port`: of a proxy before it."""
        password = self.password if password is None else password
        login = ""
        if user or password:
            quote = lambda text: urllib.parse.quote(text or "", safe="")
            login = f"{quote(user)}:{quote(password)}@"
        if tcp == "tls":
            assert self.tls_port, "made without tls"
            return f"rediss://{login}{host}:{port or self.tls_port}/{database}"
        if tcp or port:
            assert port or self.port, "made without port=True"
            return f"redis://{login}{host}:{port or self.port}/{database}"
        return f"unix://{login}{self.path}?db={database}"


class Servers:
    """What is done to all of `self.servers` at once, where there are several; `start` is each one's own."""

    def stop(self):
        for server in self.servers:
            server.stop()

    def kill(self):
        for server in self.servers:
            server.kill()

    def restart(self):
        self.stop()
        self.start()

    def pause(self):
        for server in self.servers:
            server.pause()

    def resume(self):
        for server in self.servers:
            server.resume()
