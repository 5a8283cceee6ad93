"""An engine of a test's own: started, asked through pinionctl, killed, started again, cleaned up.

Nothing here sleeps for an effect: `until` looks at what the engine shows, a bounded time long.
"""
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

BIN = Path(os.environ.get("PINION_BIN", Path(__file__).parents[2] / "build" / "release" / "bin"))
EXAMPLES = Path(__file__).parents[2] / "examples"
TERMINAL = {"success", "failed", "cancelled", "skipped", "upstream_failed"}

# Exit codes of pinionctl.
DONE, FAILED, USAGE, NOT_FOUND, REFUSED, NO_ENGINE, WAIT_RAN_OUT = range(7)


def until(look, what, seconds=30):
    """Calls `look` until it returns something true, and returns that; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain for: {what}")
        time.sleep(0.05)


def processes_with(text):
    """Returns {pid: command line} of all processes that carry `text` in command line or environment."""
    found, needle = {}, os.fsencode(text)
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            command = Path("/proc", entry, "cmdline").read_bytes()
            if needle in command or needle in Path("/proc", entry, "environ").read_bytes():
                if Path("/proc", entry, "stat").read_text().rpartition(")")[2].split()[0] != "Z":
                    found[int(entry)] = command.replace(b"\0", b" ").decode(errors="replace")
    return found


def parent_of(pid):
    """Returns the pid of a process's parent; 0 if it is gone."""
    with contextlib.suppress(OSError):
        return int(Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[1])
    return 0


def kill(pid, number=signal.SIGKILL):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


class Engine:
    """`pinion standalone` over a fresh folder. `files` maps names to texts of workflow files.

    In every text `@DIR@` stands for a folder where tasks may leave records.
    """

    def __init__(self, files=None, options=("--slots", "8")):
        self.home = Path(tempfile.mkdtemp(prefix="pinion-e2e-"))
        self.data = self.home / "data"
        self.workflows = self.home / "t"
        self.records = self.home / "records"
        self.log = self.home / "engine.log"
        self.options = list(options)
        self.environment = dict(os.environ)
        self.program = BIN / "pinion"
        self.prepare = None  # Called in the engine's process before it executes.
        self.process = None
        for folder in (self.workflows, self.records):
            folder.mkdir()
        for name, text in (files or {}).items():
            self.write(name, text)

    def write(self, name, text):
        """Writes a workflow file as a whole, at once."""
        path = self.workflows / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_text(text.replace("@DIR@", str(self.records)), encoding="utf-8")
        os.replace(fresh, path)
        return path

    def launch(self):
        """Starts the process without waiting for it."""
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [self.program, "standalone", "--data", self.data, "--workflows", self.workflows,
                 *self.options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                env=self.environment, preexec_fn=self.prepare)

    def start(self, launcher=True):
        """Starts the engine and waits until it is ready and, with `launcher`, can start something."""
        self.launch()

        def ready():
            if self.process.poll() is not None:
                raise AssertionError(f"the engine ended with {self.process.returncode}:\n{self.tail()}")
            done = self.call("health", "-o", "json")
            if done.returncode not in (DONE, FAILED) or not done.stdout.strip():
                return False
            # Files that are refused keep nobody from starting.
            health = json.loads(done.stdout)
            connected = not launcher or "launcher" not in str(health.get("problems"))
            return health.get("ready") and not health["disk_full"] and connected

        until(ready, f"a ready engine; its log:\n{self.tail()}", 60)
        return self

    def tail(self):
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-40:])

    def kill9(self):
        self.process.kill()
        self.process.wait(timeout=30)

    def terminate(self):
        """SIGTERM; returns the exit code."""
        self.process.terminate()
        return self.process.wait(timeout=30)

    def launcher(self):
        """Returns the launcher's pid, or None."""
        for pid, command in processes_with(str(self.data)).items():
            if " launcher " in command and pid != self.process.pid:
                return pid
        return None

    def close(self):
        """Ends everything that belongs to this engine, by pid, and removes its folder."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        # The launcher first: it can then not take note of what happens to its tasks.
        for _ in range(5):
            left = processes_with(str(self.home))
            if not left:
                break
            for pid in sorted(left, key=lambda one: " launcher " not in left[one]):
                kill(pid)
            time.sleep(0.02)
        shutil.rmtree(self.home, ignore_errors=True)

    # Asking.

    def call(self, *arguments, stdin=None, timeout=60):
        """Runs pinionctl; returns what it printed and its exit code."""
        return subprocess.run(
            [BIN / "pinionctl", "--server", self.data / "pinion.sock", *map(str, arguments)],
            stdin=subprocess.DEVNULL if stdin is None else None, input=stdin, capture_output=True,
            text=True, errors="replace", timeout=timeout, check=False)

    def ctl(self, *arguments, code=DONE):
        """Returns pinionctl's JSON answer; the exit code must be `code`."""
        done = self.call(*arguments, "-o", "json")
        if done.returncode != code:
            raise AssertionError(f"pinionctl {arguments} ended with {done.returncode}, wanted {code}\n"
                                 f"{done.stdout}{done.stderr}\n{self.tail()}")
        return json.loads(done.stdout) if done.stdout.strip() else None

    def items(self, kind, *arguments):
        """Returns all things of a kind, over all pages."""
        found, cursor = [], None
        while True:
            page = self.ctl("get", kind, *arguments, *(("--cursor", cursor) if cursor else ()))
            found += page["items"]
            cursor = page.get("next")
            if not cursor:
                return found

    def trigger(self, workflow, *arguments):
        """Starts a run by hand; returns its id."""
        return self.ctl("trigger", workflow, *arguments)["id"]

    def run(self, run_id):
        return self.ctl("get", "runs", run_id)

    def instances(self, run_id):
        """Returns the run's instances by name, those of a fan-out as `task:index`."""
        return {one["task"] if one["index"] is None else f"{one['task']}:{one['index']}": one
                for one in self.items("instances", "--run", run_id)}

    def states(self, run_id):
        return {name: one["state"] for name, one in self.instances(run_id).items()}

    def wait(self, run_id, state="success", seconds=60):
        """Waits for the run's end, which must be `state`; returns its instances."""
        run = until(lambda: (r := self.run(run_id))["state"] in TERMINAL and r,
                    f"the end of {run_id}", seconds)
        if run["state"] != state:
            told = {name: (one["state"], one["reason"], one["message"])
                    for name, one in self.instances(run_id).items()}
            raise AssertionError(f"{run_id} ended {run['state']}, wanted {state}: {told}\n{self.tail()}")
        return self.instances(run_id)

    def wait_state(self, run_id, name, *states, seconds=30):
        """Waits until instance `name` is in one of `states`; returns it."""
        return until(lambda: (one := self.instances(run_id).get(name)) and one["state"] in states and one,
                     f"{run_id}/{name} in {states}", seconds)

    def record(self, name):
        """Returns the lines that tasks appended to a record file."""
        path = self.records / name
        return path.read_text(errors="replace").splitlines() if path.exists() else []


class EngineTest(unittest.TestCase):
    """Tests that share one engine over `files`."""

    files = {}
    options = ("--slots", "8")

    @classmethod
    def setUpClass(cls):
        cls.engine = Engine(cls.files, cls.options)
        cls.addClassCleanup(cls.engine.close)
        cls.engine.start()

    def finish(self, workflow, *arguments, state="success"):
        """Runs a workflow to its end; returns the run's id and its instances."""
        run_id = self.engine.trigger(workflow, *arguments)
        return run_id, self.engine.wait(run_id, state)


class OwnEngineTest(unittest.TestCase):
    """Tests each of which has an engine of its own."""

    def engine(self, files=None, options=("--slots", "8")):
        made = Engine(files, options)
        self.addCleanup(made.close)
        return made
