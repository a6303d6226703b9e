"""W2: where the secrets of a running worker are in its memory, and where they are not any more."""
import base64
import contextlib
import os
import pathlib
import re
import secrets
import signal

from receiver import Receiver, new_secret
from redis_server import RedisServer
from sandbox import wait_for
from world import DEADLINE_S, World


class Mapping:
    def __init__(self, begin, end, name):
        self.begin, self.end, self.name, self.flags = begin, end, name, ()

    def is_vault(self):
        """Locked, and left out of core dumps."""
        return "lo" in self.flags and "dd" in self.flags


def mappings(pid):
    found = []
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        head = re.match(r"([0-9a-f]+)-([0-9a-f]+) r\S* \S+ \S+ \S+\s*(.*)", line)
        if head:
            found.append(Mapping(int(head[1], 16), int(head[2], 16), head[3]))
        elif re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
            found.append(Mapping(0, 0, "unreadable"))
        elif line.startswith("VmFlags:"):
            found[-1].flags = line.split()[1:]
    return [one for one in found if one.end > 0 and one.name not in ("[vvar]", "[vsyscall]")]


def places_of(pid, secret):
    """The mappings that hold these bytes."""
    found = []
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for one in mappings(pid):
            memory.seek(one.begin)
            with contextlib.suppress(OSError):  # a page behind the end of its file
                if secret in memory.read(one.end - one.begin):
                    found.append(one)
    return found


class Keys:
    """The secrets of a worker, all from files, which can be exchanged."""

    def __init__(self, folder):
        self.folder = folder
        self.password, self.first, self.second = (secrets.token_hex(16) for _ in range(3))
        self.hook = new_secret()
        self.hook_key = base64.b64decode(self.hook.removeprefix("whsec_"))
        self.put("password", self.password)
        self.put("hook", self.hook)
        self.give("AKIDFIRST", self.first)

    def put(self, name, text):
        path = self.folder / name
        path.write_text(text + "\n")
        path.chmod(0o600)
        return path

    def give(self, access, secret):
        self.put("aws", f"[default]\naws_access_key_id = {access}\naws_secret_access_key = {secret}")

    def settings(self):
        return {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "aws")}

    def sandbox_args(self):
        return ["--access-key", "AKIDFIRST", "--secret-key", self.first, "--access-key", "AKIDSECOND", "--secret-key", self.second]


class QuietServer(RedisServer):
    """Its password stands in no URL."""

    def __init__(self, password):
        super().__init__(password=password)

    def url(self, **_):
        return f"unix://{self.path}"


def told(worker, event):
    return [line for line in worker.text().splitlines() if f'"event":"{event}"' in line]


def test_W2_secrets_are_in_locked_memory_and_nowhere_else(tmp_path):
    """A signing key, a webhook's key and a password while a worker works; then the signing key is exchanged, and is gone."""
    keys = Keys(tmp_path)
    settings = {**keys.settings(), "SESVERIFY_REDIS_PASSWORD_FILE": str(tmp_path / "password")}
    with Receiver(tmp_path) as receiver, \
            World(server=QuietServer(keys.password), settings=settings, sandbox_args=keys.sandbox_args()) as world:
        config = tmp_path / "sesverify.conf"
        config.write_text(f"[sink hook]\nurl = https://127.0.0.1:{receiver.port}/\nports = {receiver.port}\n"
                          f"secret_file = {tmp_path / 'hook'}\nca_file = {receiver.authority.pem}\nallow_addresses = 127.0.0.1\n")
        worker = world.start_worker(args=["--config", config])
        world.push("register", "c", "one.example")
        world.wait_event("registered", "one.example")
        wait_for(lambda: receiver.taken, "the event to be delivered", DEADLINE_S)
        vault = [one for one in mappings(worker.pid) if one.is_vault()]
        assert vault and not told(worker, "secrets_not_locked")
        for name, secret in (("signing key", keys.first.encode()), ("webhook's key", keys.hook_key)):
            found = places_of(worker.pid, secret)
            print(f"the {name} is in {[f'{one.end - one.begin} bytes {one.name} {one.is_vault()}' for one in found]}")
            assert found and all(one.is_vault() for one in found), name
        assert not places_of(worker.pid, keys.password.encode()), "the password of Redis is kept"
        assert not places_of(worker.pid, keys.hook.encode()), "the text of the webhook's key is kept"
        keys.give("AKIDSECOND", keys.second)
        worker.signal(signal.SIGHUP)
        wait_for(lambda: told(worker, "credentials_refreshed"), "the other key", DEADLINE_S)
        world.push("register", "c", "two.example")
        world.wait_event("registered", "two.example")
        assert not places_of(worker.pid, keys.first.encode()), "the old signing key is still there"
        assert places_of(worker.pid, keys.second.encode())


def test_W2_memory_that_cannot_be_locked_is_told_once(tmp_path):
    keys = Keys(tmp_path)
    with World(settings=keys.settings(), sandbox_args=keys.sandbox_args()) as world:
        world.launcher = ["prlimit", "--memlock=0:0"]
        if os.geteuid() == 0:  # who may lock whatever it likes
            world.launcher += ["setpriv", "--bounding-set=-ipc_lock", "--pdeathsig=KILL"]
        worker = world.start_worker()
        world.push("register", "c", "one.example")
        world.wait_event("registered", "one.example")
        assert len(told(worker, "secrets_not_locked")) == 1
        found = places_of(worker.pid, keys.first.encode())
        assert found and all("dd" in one.flags for one in found), "it would be in a core dump"
