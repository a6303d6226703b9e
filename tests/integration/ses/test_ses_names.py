"""A resolver that never answers must not hold up the loop: not the timeout, not the end.

getaddrinfo runs in a thread that cannot be stopped; libcurl waits for it unless told otherwise. The
test runs in a network of its own whose only name server is silent.
"""

import json
import os
import pathlib
import socket
import subprocess
import sys
import time

import pytest

from probe import run


def inside(folder):
    """In the private network: one call that runs out of time while the name is still looked up."""
    resolv = pathlib.Path(folder) / "resolv.conf"
    resolv.write_text("nameserver 127.0.0.1\noptions timeout:8 attempts:2\n")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["mount", "--bind", resolv, "/etc/resolv.conf"], check=True)
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 53))
    begin = time.monotonic()
    call = run("https://ses.sesverify.example", "GetEmailIdentity:a.example", total_ms=300).calls[0]
    asked = silent.recv(512, socket.MSG_DONTWAIT)
    print(json.dumps({"err": call["err"], "took_s": time.monotonic() - begin,
                      "asked": b"sesverify" in asked}))


def private_network_works():
    """Not every container lets root have a network and mounts of its own."""
    if os.geteuid() != 0:
        return False
    tried = subprocess.run(["unshare", "--mount", "--net", "ip", "link", "set", "lo", "up"],
                           capture_output=True, check=False)
    return tried.returncode == 0


@pytest.mark.skipif(not private_network_works(), reason="needs a network namespace of its own")
def test_a_silent_resolver_does_not_hold_us_up(tmp_path):
    process = subprocess.run(["unshare", "--mount", "--net", sys.executable, "-B", __file__,
                              str(tmp_path)], capture_output=True, encoding="utf-8", timeout=60,
                             check=False)
    assert process.returncode == 0, process.stderr
    told = json.loads(process.stdout)
    assert told["asked"] and told["err"] == "timeout", told
    assert told["took_s"] < 5, told  # the resolver alone would take 16


if __name__ == "__main__":
    inside(sys.argv[1])
