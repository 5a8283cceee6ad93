"""One engine, started, watched, asked through pinionctl, and ended."""
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

NO_ENGINE = 5  # pinionctl's exit code when nobody listens
MOST_RESTARTS = 20
START_LIMIT = 60  # seconds
LONGEST_FOLDER = 90  # a socket's path has at most 107 bytes


class DemoFailed(Exception):
    """What the demo cannot go on from; the text is for people."""


def data_folder(home):
    """Returns a folder for the engine: in `home`, or under /tmp where that path is too long."""
    folder = Path(home) / "data"
    if len(os.fsencode(folder)) <= LONGEST_FOLDER:
        return folder
    return Path(tempfile.gettempdir()) / f"pinion-demo-{os.getuid()}"


class Engine:
    """`pinion standalone` over one data folder. An engine that was killed is started again."""

    def __init__(self, binaries, data, workflows, log, say):
        self.pinion = Path(binaries) / "pinion"
        self.ctl = Path(binaries) / "pinionctl"
        self.data = Path(data)
        self.workflows = workflows
        self.log = Path(log)
        self.say = say
        self.process = None
        self.restarts = 0

    def clear(self):
        """Ends what an interrupted demo left behind, and empties the data folder."""
        if self.data.exists():
            if (self.data / "pinion.sock").exists():
                self._ask("shutdown", "--tasks", "stop", "--reason", "a new demo begins")
                self._until(lambda: self._ask("health").returncode == NO_ENGINE, 20)
            shutil.rmtree(self.data, ignore_errors=True)
        self.log.unlink(missing_ok=True)

    def start(self):
        """Starts the engine; returns when it answers that it is ready."""
        self._spawn()
        deadline = time.monotonic() + START_LIMIT
        while self._ask("health").returncode != 0:
            if time.monotonic() > deadline:
                raise DemoFailed(f"the engine was not ready after {START_LIMIT} s; see {self.log}")
            if self._ended():
                self._spawn()
            time.sleep(0.1)

    def watch(self):
        """Starts the engine again if somebody killed it. Call it often."""
        if self._ended():
            self.start()

    def _spawn(self):
        command = [self.pinion, "standalone", "--data", self.data, "--workflows", self.workflows]
        with open(self.log, "ab") as log:
            # A session of its own: Ctrl-C is for the demo, which then ends the engine in order.
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def _ended(self):
        """Says whether the engine was killed; an end of its own is a failure."""
        code = self.process.poll()
        if code is None:
            return False
        if code >= 0:
            raise DemoFailed(f"the engine ended with {code}; the end of {self.log}:\n{self._log_end()}")
        self.restarts += 1
        if self.restarts > MOST_RESTARTS:
            raise DemoFailed(f"the engine was killed {self.restarts} times; giving up")
        self.say(f"the engine was killed (signal {-code}): starting it again")
        return True

    def ask(self, *arguments):
        """Returns pinionctl's JSON answer; waits for the engine where it is not there."""
        answer = None
        for _ in range(MOST_RESTARTS):
            self.watch()
            answer = self._ask(*arguments, "-o", "json")
            if answer.returncode == 0:
                return json.loads(answer.stdout)
            if answer.returncode != NO_ENGINE:
                break
            time.sleep(0.2)
        raise DemoFailed(f"pinionctl {' '.join(arguments)} ended with {answer.returncode}: "
                         f"{(answer.stderr or answer.stdout).strip()}")

    def stop(self):
        """Asks the engine to end with all its tasks; kills it if it does not. Never fails."""
        if self.process is None or self.process.poll() is not None:
            return
        self._ask("shutdown", "--tasks", "stop", "--reason", "the demo is over")
        for end_with in (None, signal.SIGTERM, signal.SIGKILL):
            if end_with is not None:
                with contextlib.suppress(ProcessLookupError):
                    self.process.send_signal(end_with)
            try:
                self.process.wait(timeout=15)
                return
            except subprocess.TimeoutExpired:
                continue

    def _ask(self, *arguments):
        command = [self.ctl, "--server", self.data / "pinion.sock", *arguments]
        try:
            return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  timeout=30, check=False)
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(command, NO_ENGINE, "", "no answer in 30 s")

    def _until(self, done, seconds):
        deadline = time.monotonic() + seconds
        while not done():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True

    def _log_end(self):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-20:])
