"""A small disk of a test's own, that runs full, and calls to it that fail."""
import os
import subprocess
import time

from harness import BIN, DONE, kill, until

MIB = 1 << 20
SIZE = 256 * MIB
RESERVE = 48 * MIB
FULL = 507

# What fails in one life of the engine or the launcher: call, path, action. See faulty_calls.cpp.
CALLS = [
    ("engine", "write", "*/store/*.log", "EIO"),
    ("engine", "write", "*/store/*.log", "ENOSPC"),
    ("engine", "write", "*/store/*.log", "torn"),
    ("engine", "sync", "*/store/*.log", "EIO"),
    ("engine", "sync", "*/store/*.log", "ENOSPC"),
    ("engine", "sync", "*/store/*.log", "wait-2000"),
    ("engine", "sync", "*/store/*.log", "kill-before"),
    ("engine", "write", "*/COMMIT", "EIO"),
    ("engine", "write", "*/COMMIT", "ENOSPC"),
    ("engine", "write", "*/store/*.sst", "EIO"),
    ("engine", "write", "*/store/MANIFEST*", "EIO"),
    ("engine", "read", "*/store/*.sst", "EIO"),
    ("launcher", "write", "*/launcher.journal", "EIO"),
    ("launcher", "write", "*/launcher.journal", "ENOSPC"),
    ("launcher", "write", "*/launcher.journal", "torn"),
]


class SmallDisk:
    """Puts an engine's data folder on a file system of its own; everything else stays where it is."""

    def __init__(self, engine):
        self.engine = engine
        self.mount = engine.home / "disk"
        self.ballast = self.mount / "ballast"
        self.gate = engine.home / "gate"
        self.mount.mkdir()
        image = engine.home / "image"
        with open(image, "wb") as file:
            file.truncate(SIZE)
        done = subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=False, capture_output=True)
        looped = done.returncode == 0 and subprocess.run(
            ["mount", "-o", "loop", image, self.mount], check=False, capture_output=True).returncode == 0
        if not looped:
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "pinion-test", self.mount], check=True)
        self.kind = "ext4 on a loop device" if looped else "tmpfs"
        engine.data = self.mount / "data"
        engine.options += ["--disk-reserve", str(RESERVE)]

    def close(self):
        for _ in range(50):
            if subprocess.run(["umount", self.mount], check=False, capture_output=True).returncode == 0:
                return
            time.sleep(0.1)
        subprocess.run(["umount", "--lazy", self.mount], check=False)

    def free(self):
        status = os.statvfs(self.mount)
        return status.f_bavail * status.f_frsize

    def fill(self, left):
        """Takes room until `left` bytes are free, all for 0."""
        with open(self.ballast, "ab") as file:
            for step in (16 * MIB, MIB, 64 << 10, 4 << 10):
                while self.free() >= left + step:
                    size = os.fstat(file.fileno()).st_size
                    try:
                        os.posix_fallocate(file.fileno(), size, step)
                    except OSError:
                        break

    def heal(self):
        """Ends everything that fails."""
        self.ballast.unlink(missing_ok=True)
        self.gate.unlink(missing_ok=True)
        for name in ("LD_PRELOAD", "PINION_FAULTS"):
            self.engine.environment.pop(name, None)

    # What `crash` does with it.

    def arm(self, crash):
        """Chooses what may fail in the life that begins; it does once the gate is there."""
        role, call, path, action = crash.random.choice(CALLS)
        nth = crash.random.choice((1, 2, 3, 5, 8, 13, 21))
        self.armed = f"{role} {call} {path} {action}"
        self.engine.environment["LD_PRELOAD"] = str(BIN / "pinion-faulty-calls.so")
        self.engine.environment["PINION_FAULTS"] = f"{role},{call},{path},*,{nth},{action},{self.gate}"
        if crash.random.random() < 0.3:
            self.gate.touch()  # Already at the start.

    def cycle(self, crash, number):
        act = crash.random.choice(("low", "full", "full-kill", "calls", "calls", "calls", "kill"))
        crash.counts[act] += 1
        getattr(self, act.replace("-", "_"))(crash, crash.quota(number))
        if self.engine.process.poll() is not None:
            crash.end_of_engine()

    def work(self, crash, runs, seconds=None):
        crash.work_until(time.monotonic() + (crash.pause() if seconds is None else seconds), runs)

    def kill(self, crash, runs):
        self.work(crash, runs)
        if self.engine.process.poll() is None:
            crash.fault(crash.random.choice(("engine", "launcher", "both")))

    def calls(self, crash, runs):
        """The armed call fails: the engine ends itself, starts over, or goes on, as it should."""
        self.work(crash, runs)
        self.gate.touch()
        self.work(crash, runs, 2)
        if self.armed.startswith("launcher"):
            launcher = crash.launcher()
            if launcher is not None:
                kill(launcher)  # The next one gets the order.
            self.work(crash, runs, 1)
        self.gate.unlink(missing_ok=True)
        if self.engine.process.poll() is not None:
            crash.counts[f"ended by: {self.armed}"] += 1

    def refuses(self, crash):
        """Waits until the engine says that the disk is full; then it must take nothing."""
        until(lambda: self.engine.process.poll() is not None or crash.client.health()[0] == FULL,
              f"an engine that says that its disk is full; {self.free()} are free\n{self.engine.tail()}", 60)
        if self.engine.process.poll() is not None:
            raise AssertionError(f"the engine ended on a full disk:\n{self.engine.tail()}")
        before = len(crash.starter.refused)
        crash.starter.start()
        # Nobody need have answered, but nobody may have said yes.
        if len(crash.starter.refused) == before and not crash.starter.unknown:
            raise AssertionError("a full disk took a run")
        if self.engine.call("health").returncode == DONE:
            raise AssertionError("`pinionctl health` says that all is well on a full disk")

    def goes_on(self, crash):
        """With room again the engine goes on by itself: the same process."""
        pid = self.engine.process.pid
        self.ballast.unlink(missing_ok=True)
        until(lambda: self.engine.process.poll() is not None or crash.client.health()[0] == 200,
              f"an engine that goes on; {self.free()} are free\n{self.engine.tail()}", 60)
        if self.engine.process.poll() is not None or self.engine.process.pid != pid:
            raise AssertionError(f"the engine ended with {self.engine.process.poll()} instead of going on:\n"
                                 f"{self.engine.tail()}")

    def alive(self, crash, runs):
        """Works for a while with an engine whose calls do not fail; returns whether there still is one."""
        self.gate.unlink(missing_ok=True)
        # One whose start met a fault may still be about to end by it.
        until(lambda: self.engine.process.poll() is not None or crash.client.health()[0] == 200,
              f"an engine that answers or ends\n{self.engine.tail()}", 60)
        self.work(crash, runs)
        return self.engine.process.poll() is None

    def low(self, crash, runs):
        if self.alive(crash, runs):
            self.fill(RESERVE * 3 // 4)
            self.refuses(crash)
            self.goes_on(crash)

    def full(self, crash, runs):
        if self.alive(crash, runs):
            self.fill(0)
            self.refuses(crash)
            self.goes_on(crash)

    def full_kill(self, crash, runs):
        """Killed while the disk is full: the next start has to wait for room."""
        if not self.alive(crash, runs):
            return
        self.fill(0)
        crash.fault(crash.random.choice(("engine", "both")))
        self.fill(0)  # What the engine's end gave back.
        self.engine.launch()
        crash.counts["starts"] += 1
        self.refuses(crash)
        self.goes_on(crash)

