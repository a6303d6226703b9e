"""A headless Chromium, spoken to by its debugging pipe: pages at any width, what the console said, scripts, pictures."""
import base64
import json
import os
import select
import subprocess
import time

DEADLINE_S = 60


class Browser:
    def __init__(self, folder):
        to_them, self.out = os.pipe()
        self.back, from_them = os.pipe()

        def wire():  # the browser reads from 3 and writes to 4
            a, b = os.dup(to_them), os.dup(from_them)
            os.dup2(a, 3)
            os.dup2(b, 4)

        self.process = subprocess.Popen(
            ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
             "--remote-debugging-pipe", f"--user-data-dir={folder}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=wire, close_fds=False)
        os.close(to_them)
        os.close(from_them)
        self.number, self.bytes, self.session = 0, b"", None
        self.console = []
        page = next(t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=page["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.process.terminate()  # in an orderly way: what it keeps in /tmp goes with it
        try:
            self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.out)
        os.close(self.back)

    def _read(self, deadline):
        """The next message; None when time is over."""
        while b"\0" not in self.bytes:
            if not select.select([self.back], [], [], max(0, deadline - time.monotonic()))[0]:
                return None
            piece = os.read(self.back, 1 << 16)
            assert piece, "the browser ended"
            self.bytes += piece
        message, _, self.bytes = self.bytes.partition(b"\0")
        told = json.loads(message)
        if told.get("method") == "Log.entryAdded":
            self.console.append(told["params"]["entry"]["text"])
        elif told.get("method") == "Runtime.exceptionThrown":
            self.console.append(told["params"]["exceptionDetails"]["text"])
        elif told.get("method") == "Runtime.consoleAPICalled":
            self.console.append(str(told["params"]["args"]))
        return told

    def call(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + DEADLINE_S
        while told := self._read(deadline):
            if told.get("id") == self.number:
                assert "error" not in told, f"{method}: {told['error']}"
                return told["result"]
        raise AssertionError(f"{method}: no answer")

    def size(self, width, height, dark=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def javascript(self, allowed):
        self.call("Emulation.setScriptExecutionDisabled", value=not allowed)

    def go(self, url):
        self.call("Page.navigate", url="about:blank")  # another place on the same page would load nothing
        self.console.clear()
        self.call("Page.navigate", url=url)

    def run(self, script):
        told = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told
        return told["result"].get("value")

    def text(self):
        """What is to be seen."""
        return self.run("document.body ? document.body.innerText : ''") or ""

    def wait(self, find, deadline_s=DEADLINE_S):
        """Until find(text) is true; the text."""
        end = time.monotonic() + deadline_s
        while time.monotonic() < end:
            text = self.text()
            if find(text):
                return text
            self._read(time.monotonic() + 0.1)
        raise AssertionError(f"not shown in time: {self.text()}\n{self.console}")

    def picture(self, path):
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))
