"""F52: the name of a webhook leads to an address that is allowed when it is first looked up, and to 127.0.0.1 later. Runs in a
mount namespace of its own, where /etc/hosts is a file of the test's."""
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[0] / "lib"), str(HERE)]
INSIDE = "SV_REBIND_INSIDE"
SKIPPED = 77


def outside():
    for command in (["unshare", "-m"], ["unshare", "-rm"]):
        if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
            return subprocess.call([*command, sys.executable, "-B", __file__], env={**os.environ, INSIDE: "1"})
    print("skipped: no mount namespace is to be had here")
    return SKIPPED


def lead_to(hosts, address):
    hosts.write_text(f"127.0.0.1 localhost\n{address} hook.example\n")


def main():
    with tempfile.TemporaryDirectory(prefix="sv-rebind-") as folder:
        live(pathlib.Path(folder))
    return 0


def live(folder):
    from receiver import Receiver
    from sandbox import wait_for
    from test_webhook import Hook
    from world import DEADLINE_S, World

    hosts = folder / "hosts"
    lead_to(hosts, "127.0.0.2")
    subprocess.run(["mount", "--bind", str(hosts), "/etc/hosts"], check=True)
    with Receiver(folder, names=["hook.example"], address="0.0.0.0") as receiver, World() as world:
        hook = Hook(folder, receiver, host="hook.example")
        hook.file.write_text(hook.file.read_text().replace("allow_addresses = 127.0.0.1", "allow_addresses = 127.0.0.2"))
        worker = hook.start(world)
        world.push("register", "c1", "a.example")
        records = world.wait_event("registered", "a.example")["data"]["dns_records"]
        wait_for(lambda: any("registered" in m.event["type"] for m in receiver.taken), "the first event", DEADLINE_S)
        lead_to(hosts, "127.0.0.1")
        reached = len(receiver.messages)
        world.publish("a.example", records)
        world.wait_event("verified", "a.example")
        wait_for(lambda: '"event":"sink_delivery_failed"' in worker.text(), "an attempt to be blocked", DEADLINE_S)
        blocked = worker.text().count('"event":"sink_delivery_failed"')
        assert len(receiver.messages) == reached or not any("verified" in m.event["type"] for m in receiver.messages)
        lead_to(hosts, "127.0.0.2")
        wait_for(lambda: any("verified" in m.event["type"] for m in receiver.taken), "the second event", DEADLINE_S)
        print(f"{blocked} attempts were blocked while the name led inside; delivered when it led back")


if __name__ == "__main__":
    sys.exit(main() if os.environ.get(INSIDE) else outside())
