"""A private redis-server for one test: its own folder, unix socket and, if asked for, TCP port.

    with RedisServer(port=True, aof=True) as server:
        server.client().ping()
        server.kill()          # as kill -9
        server.start()         # same folder, socket and port: the data of the AOF is there again

Ended by process id; a server whose test dies is killed by the kernel.
"""
import ctypes
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse

import redis

START_SECONDS = 20
STOP_SECONDS = 10
PORT_TRIES = 10
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None)  # loaded here: nothing may be imported between fork and exec


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


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


class RedisServer:
    """`port`: listen on TCP as well (redis-server cannot pick a port itself). `aof`: keep data over
    kill(), with `fsync` = always, everysec or no. `password`: of the default user. `users`: ACL lines
    without the word "user", such as "worker on >secret ~* +@all". `config`: more settings."""

    def __init__(self, port=False, aof=False, fsync="always", password=None, users=(), config=None):
        self.folder = tempfile.mkdtemp(prefix="sv-redis-", dir="/tmp")  # a socket's path is short
        self.path = os.path.join(self.folder, "redis.sock")
        self.log = os.path.join(self.folder, "redis.log")
        self.wants_port = port
        self.port = 0
        self.aof = aof
        self.fsync = fsync
        self.password = password
        self.users = list(users)
        self.config = dict(config or {})
        self.process = None
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
        for _ in range(PORT_TRIES):
            if self.wants_port and self.port == 0:
                self.port = free_port()
            if self._try_start():
                self.was_up = True
                return self
            if self.was_up:
                time.sleep(0.2)  # others know this port already: wait for it
            else:
                self.port = 0
        raise RuntimeError(f"no free port in {PORT_TRIES} tries\n{self.read_log()}")

    def start_unready(self):
        """Starts without waiting for anything."""
        assert self.process is None, "runs already"
        if self.wants_port and self.port == 0:
            self.port = free_port()
        self._spawn()
        return self

    def _spawn(self):
        self.process = subprocess.Popen(
            ["redis-server", self._write_config()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            preexec_fn=_die_with_parent,
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

    def url(self, user=None, password=None, database=0, tcp=False):
        """What `redis.url` takes."""
        password = self.password if password is None else password
        login = ""
        if user or password:
            quote = lambda text: urllib.parse.quote(text or "", safe="")
            login = f"{quote(user)}:{quote(password)}@"
        if tcp:
            assert self.port, "made without port=True"
            return f"redis://{login}127.0.0.1:{self.port}/{database}"
        return f"unix://{login}{self.path}?db={database}"
