"""Runs a test inside a network of its own, in which loopback is all there is: DNS servers may have port 53 there.

In a conftest.py:

    def pytest_cmdline_main(config):
        return netns.run_again(config)   # None where we are inside already

Outside, the same command line is run once more under `unshare -n` and its exit code is ours; 77 (skipped) where the
kernel gives no namespace."""
import os
import subprocess
import sys

INSIDE = "SV_LAB_INSIDE"
SKIPPED = 77


def _unshare():
    """The command that gives a namespace, as root or (user namespace) as anybody; None where there is none to be had."""
    for command in (["unshare", "-n"], ["unshare", "-rn"]):
        try:
            tried = subprocess.run([*command, "ip", "link", "set", "lo", "up"], capture_output=True, check=False)
        except FileNotFoundError:
            return None
        if tried.returncode == 0:
            return command
    return None


def run_again(config=None):
    if os.environ.get(INSIDE):
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return None
    command = _unshare()
    capture = config and config.pluginmanager.getplugin("capturemanager")
    if capture:
        capture.stop_global_capturing()
    if command is None:
        print("skipped: no network namespace is to be had here")
        return SKIPPED
    return subprocess.call([*command, *sys.orig_argv], env={**os.environ, INSIDE: "1"})
