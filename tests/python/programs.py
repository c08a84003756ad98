"""Starts the programs under test on free ports and stops them again."""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import urllib.request

from asking import KEY

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


class Program:
    """A program that says on a line of its output where it can be reached."""

    def __init__(self, arguments, ready, environment=None):
        self.process = subprocess.Popen(
            arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
        )
        said = []
        for line in self.process.stdout:
            said.append(line)
            if found := re.search(ready, line):
                self.url = found.group(1)
                break
        else:
            raise RuntimeError("".join(said))
        # Whoever reads nothing more would stop the program as soon as the pipe is full.
        threading.Thread(target=self.process.stdout.read, daemon=True).start()

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


class Simulator(Program):
    def __init__(self):
        program = ROOT / "target/release/patchbay-simulator"
        super().__init__([program, "--listen", "127.0.0.1:0"], r"ready on (http://\S+)")

    def rules(self, *rules):
        """Replaces all rules; see the simulator's documentation for their form."""
        self._control("PUT", "rules", rules)

    def requests(self):
        return self._control("GET", "requests")

    def forget(self):
        self._control("DELETE", "requests")

    def _control(self, method, what, value=None):
        body = None if value is None else json.dumps(value).encode()
        headers = {"content-type": "application/json"}
        request = urllib.request.Request(f"{self.url}/control/{what}", body, headers, method=method)
        with urllib.request.urlopen(request) as answer:
            text = answer.read()
            return json.loads(text) if text else None


# Nobody is left alone, asked without a caller, or remembered: here it is about what callers get.
COMMON = """
[server]
listen = "127.0.0.1:0"
{server}

[[keys]]
name = "tester"
key = "{key}"

[plugins]
folder = "{root}/target/plugins"

[circuit]
enabled = "off"

[health]
probe = "off"

[storage]
path = "off"
"""


class Gateway(Program):
    def __init__(self, config):
        self.folder = tempfile.TemporaryDirectory(prefix="patchbay-")
        file = pathlib.Path(self.folder.name) / "patchbay.toml"
        file.write_text(config)
        program = ROOT / "target/release/patchbay"
        super().__init__([program, "serve", "--config", file], r"listening on (http://\S+)")

    def stop(self):
        super().stop()
        self.folder.cleanup()


def serving(vendors, server=""):
    """A gateway with these vendors; `server`: further lines of its `[server]`."""
    return Gateway(COMMON.format(server=server, key=KEY, root=ROOT) + vendors)


class ForeignServer(Program):
    """mockllm, which answers as a file tells it."""

    def __init__(self, responses):
        self.file = tempfile.NamedTemporaryFile("w", suffix=".yml")
        self.file.write(responses)
        self.file.flush()
        serve = [sys.executable, "-m", "uvicorn", "mockllm.server:app", "--host", "127.0.0.1", "--port", "0"]
        super().__init__(serve, r"running on (http://\S+)", {"MOCKLLM_RESPONSES_FILE": self.file.name})

    def stop(self):
        super().stop()
        self.file.close()
