"""What both directions share: programs that never outlive the script, waiting for events, and a report that ends in 0 or 1."""

import ctypes
import http.client
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Everything the scripts install or write. `cargo clean` removes it.
HOME = ROOT / "target" / "interop"
BIN = HOME / "bin"
AGENT = Path(os.environ.get("BELLHOP_AGENT_BIN", ROOT / "target/debug/device-agent"))
CLOUD = Path(os.environ.get("BELLHOP_CLOUD_BIN", ROOT / "target/debug/cloud"))
# How long anything may take that is waited for, in seconds. Generous: the machine may be busy.
PATIENCE = 90.0


class Failed(Exception):
    """A check that did not hold, or something that did not come in time."""


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def _die_with_parent():
    PR_SET_PDEATHSIG = 1
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Program:
    """A program whose output goes line by line into a log file and to whoever waits for a line of it."""

    running = []

    def __init__(self, name, command, folder, env=None):
        self.name = name
        self.log = folder / f"{name}.log"
        self._file = self.log.open("a", encoding="utf-8")
        self._lines = []
        self._came = threading.Condition()
        self._ended = False
        self.child = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "NO_COLOR": "1", **(env or {})},
            cwd=folder,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
        threading.Thread(target=self._read, daemon=True).start()
        Program.running.append(self)

    def _read(self):
        for line in self.child.stdout:
            text = line.decode("utf-8", "replace").rstrip("\n")
            self._file.write(text + "\n")
            self._file.flush()
            with self._came:
                self._lines.append(text)
                self._came.notify_all()
        with self._came:
            self._ended = True
            self._came.notify_all()

    def count(self, words):
        """How many lines hold `words` so far."""
        with self._came:
            return sum(words in line for line in self._lines)

    def said(self, words):
        """Waits until a line holds `words`, from the first line on, and returns it."""
        seen = 0
        until = time.monotonic() + PATIENCE
        with self._came:
            while True:
                for line in self._lines[seen:]:
                    if words in line:
                        return line
                seen = len(self._lines)
                if self._ended:
                    raise Failed(f"{self.name} ended and never said {words!r}; see {self.log}")
                if not self._came.wait(until - time.monotonic()):
                    raise Failed(f"{self.name} did not say {words!r} in {PATIENCE:.0f} s; see {self.log}")

    def stop(self):
        if self in Program.running:
            Program.running.remove(self)
        try:
            os.killpg(self.child.pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
        try:
            self.child.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self.child.pid, signal.SIGKILL)
            self.child.wait()
        # Ignored by the script handlers of a program that is gone.
        self._file.flush()


def stop_everything():
    for program in reversed(list(Program.running)):
        program.stop()


class Events:
    """Things that happen, told by other threads; waited for one by one."""

    def __init__(self, what):
        self.what = what
        self._queue = queue.Queue()
        self.seen = []

    def put(self, event):
        self._queue.put(event)

    def wait(self, which, description):
        """The next event for which `which` holds; the others in between are kept in `seen`."""
        until = time.monotonic() + PATIENCE
        while True:
            try:
                event = self._queue.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                late = ", ".join(json.dumps(event)[:200] for event in self.seen[-3:]) or "nothing"
                raise Failed(f"{self.what}: {description} did not come in {PATIENCE:.0f} s; the last were {late}") from None
            self.seen.append(event)
            if which(event):
                return event


def wait_until(what, probe, pause=0.1):
    """For states that can only be asked for, such as a REST resource."""
    until = time.monotonic() + PATIENCE
    last = None
    while time.monotonic() < until:
        last = probe()
        if last:
            return last
        time.sleep(pause)
    raise Failed(f"{what}: not in {PATIENCE:.0f} s (last: {last!r})")


def request(method, url, body=None, headers=None, timeout=70):
    """One HTTP exchange on a connection of its own: (status, headers, bytes)."""
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    try:
        target = parts.path or "/"
        if parts.query:
            target += "?" + parts.query
        connection.request(method, target, body=body, headers={"Connection": "close", **(headers or {})})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


class Report:
    """Prints each check as it is made; `finish` says how it went."""

    def __init__(self, title):
        self.started = time.monotonic()
        self.failed = []
        self.skipped = []
        self.passed = 0
        print(f"==== {title}", flush=True)

    def _line(self, mark, text):
        print(f"{time.monotonic() - self.started:7.1f}s  {mark:<5} {text}", flush=True)

    def note(self, text):
        self._line("note", text)

    def skip(self, text, why):
        self.skipped.append(text)
        self._line("skip", f"{text}: {why}")

    def check(self, text, holds, seen=None):
        if holds:
            self.passed += 1
            self._line("ok", text)
        else:
            self.failed.append(text)
            self._line("FAIL", text + ("" if seen is None else f": {str(seen)[:600]}"))
        return bool(holds)

    def finish(self):
        took = time.monotonic() - self.started
        word = "FAILED" if self.failed else "ok"
        print(f"---- {word}: {self.passed} checks held, {len(self.failed)} failed, {len(self.skipped)} skipped, {took:.0f} s", flush=True)
        for text in self.failed:
            print(f"     failed: {text}", flush=True)
        return 1 if self.failed else 0


def main(title, work):
    """Runs a script: `work(report, folder)`; stops what it started, whatever happens, and exits."""

    def ended(*_):
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, ended)
    name = Path(sys.argv[0]).stem
    folder = HOME / "runs" / f"{name}-{os.getpid()}"
    folder.mkdir(parents=True)
    report = Report(title)
    print(f"          logs in {folder.relative_to(ROOT)}", flush=True)
    try:
        work(report, folder)
    except Failed as error:
        report.check(str(error), False)
    except KeyboardInterrupt:
        report.check("interrupted", False)
    finally:
        stop_everything()
    sys.exit(report.finish())
