"""Kills the real programs at random moments, hundreds of times, and compares what they say with a record outside.

Each cycle starts the engine, lets it work for a random time, also for no longer than its start takes, and kills the
engine, the launcher or both (SIGKILL, sometimes SIGTERM; a victim may be stopped for a while first). With --disk the
data folder lies on a small file system of its own, which runs full or fails meanwhile. In the end everything has to
be there once: see judge.py. Exits 0 if it is, 1 with the findings if not.
"""
import argparse
import collections
import contextlib
import os
import random
import re
import shutil
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "end_to_end"))
os.environ.setdefault("PINION_BIN", str(Path(__file__).resolve().parents[2] / "build" / "release" / "bin"))

import harness  # noqa: E402
from disk import SmallDisk  # noqa: E402
from harness import BIN, Engine, kill, until  # noqa: E402
from judge import judge  # noqa: E402
from load import Client, Refused, Starter, Unknown, all_ended, workflows  # noqa: E402

MOST_LIVE = 12           # Runs that are started before others have ended.
EXIT_STORE = 74          # EX_IOERR: the engine ended because the store refused.
VICTIMS = ("engine",) * 6 + ("launcher",) * 3 + ("both", "engine-term", "engine-stop", "launcher-stop")


def parse():
    to = argparse.ArgumentParser(prog="./dev crash", description=__doc__,
                                 formatter_class=argparse.RawDescriptionHelpFormatter)
    to.add_argument("--cycles", type=int, default=500, metavar="N", help="kills (500; with --disk 100)")
    to.add_argument("--tasks", type=int, metavar="N", help="tasks to run at least (100 for each cycle)")
    to.add_argument("--seed", type=int, metavar="N", help="of the random moments (default: a fresh one, printed)")
    to.add_argument("--disk", action="store_true", help="a full and a failing disk besides kills; needs root")
    to.add_argument("--home", default="/var/tmp", metavar="DIR", help="where the data lies: a real disk (/var/tmp)")
    to.add_argument("--limit", type=int, default=3600, metavar="S", help="fail if it takes longer (3600)")
    to.add_argument("--keep", action="store_true", help="keep the folder of a run that fails")
    given = to.parse_args()
    if given.disk and "--cycles" not in " ".join(sys.argv[1:]):
        given.cycles = 100
    given.tasks = given.cycles * 100 if given.tasks is None else given.tasks
    given.seed = random.SystemRandom().randrange(1, 10**9) if given.seed is None else given.seed
    return given


class Crash:
    """One whole run of the harness."""

    def __init__(self, given):
        self.given = given
        self.random = random.Random(given.seed)
        self.begun = time.monotonic()
        self.counts = collections.Counter()
        harness.tempfile.tempdir = given.home
        # What a full disk kept from beginning is tried again until there is room.
        retries = ("{max: 60, delay: 1s}",) * 2 if given.disk else ("{max: 3, delay: 200ms}",)
        self.engine = Engine(workflows(40, *retries), ("--slots", "16"))
        self.disk = SmallDisk(self.engine) if given.disk else None
        self.client = Client(self.engine.data / "pinion.sock")
        self.starter = Starter(self.client)
        self.per_run = 40 + 6 + 2 + 12

    def left(self):
        return self.given.limit - (time.monotonic() - self.begun)

    def say(self, text):
        print(f"{time.monotonic() - self.begun:7.1f} s  {text}", flush=True)

    # Working.

    def work_until(self, deadline, runs):
        """Starts runs up to `runs` in all until `deadline`, while the engine answers and has not too much to do."""
        while time.monotonic() < deadline:
            if self.engine.process.poll() is not None:
                return
            _, health = self.client.health()
            if health and health.get("ready") and self.starter.taken() < runs and health["live_runs"] < MOST_LIVE:
                self.starter.start()
            else:
                time.sleep(0.02)

    def quota(self, cycle):
        """Runs that should have been started by the end of `cycle`."""
        return -(-self.given.tasks * (cycle + 1) // (self.given.cycles * self.per_run))

    def pause(self):
        """How long the engine works before the next fault."""
        if self.random.random() < 0.2:
            return self.random.uniform(0.0, 0.3)  # Mostly within its start.
        return min(self.random.expovariate(1 / 1.6), 6.0) + 0.2

    # Killing.

    def end_of_engine(self, further=()):
        """Waits until the engine's process is gone; counts how it ended. `further` ends are as good."""
        code = self.engine.process.wait(timeout=60)
        self.counts[f"ends by {-code if code < 0 else code}"] += 1
        wanted = [0, -signal.SIGKILL, *further]
        if self.disk:
            wanted.append(EXIT_STORE)
            # RocksDB asserts that a file is not written again after an error, which a start may do.
            if "AssertFalseAndGetStatusForPrevError" in self.engine.tail():
                wanted.append(-signal.SIGABRT)
        if code not in wanted:
            raise AssertionError(f"the engine ended with {code}:\n{self.engine.tail()}")

    def launcher(self):
        with contextlib.suppress(OSError, ValueError):
            return self.engine.launcher()
        return None

    def fault(self, victim):
        """Does to the victim what its name says. The engine may be gone afterwards."""
        self.counts[victim] += 1
        pid = self.engine.process.pid
        launcher = self.launcher() if victim.startswith(("launcher", "both")) else None
        if victim.endswith("stop"):
            target = pid if victim.startswith("engine") else launcher
            if target is not None:
                kill(target, signal.SIGSTOP)
                time.sleep(self.random.uniform(0.2, 3.0))
                if self.random.random() < 0.5:
                    kill(target, signal.SIGCONT)
                    time.sleep(self.random.uniform(0.0, 0.5))
            victim = victim.split("-")[0]
        if victim in ("launcher", "both") and launcher is not None:
            kill(launcher)
        if victim in ("engine", "both"):
            self.engine.process.kill()
            self.end_of_engine()
        if victim == "engine-term":
            self.engine.process.terminate()
            # Before the program has taken over its signals, SIGTERM ends it as SIGKILL does.
            self.end_of_engine([-signal.SIGTERM])

    def cycle(self, number):
        if self.engine.process is None or self.engine.process.poll() is not None:
            if self.disk:
                self.disk.arm(self)
            self.engine.launch()
            self.counts["starts"] += 1
        if self.disk:
            self.disk.cycle(self, number)
            return
        self.work_until(time.monotonic() + self.pause(), self.quota(number))
        if self.engine.process.poll() is not None:
            raise AssertionError(f"the engine ended by itself with {self.engine.process.returncode}:\n"
                                 f"{self.engine.tail()}")
        self.fault(self.random.choice(VICTIMS))

    # Judging.

    def ready(self):
        """Starts the engine if it is not there, and waits until it is ready."""
        def look():
            if self.engine.process.poll() is not None:
                self.engine.launch()
            status, health = self.client.health()
            return status == 200 and health["ready"]
        until(look, f"a ready engine:\n{self.engine.tail()}", 120)

    def finish(self):
        """Lets everything come to its end."""
        self.ready()
        self.starter.settle()
        runs = self.quota(self.given.cycles - 1)
        while self.starter.taken() < runs and self.left() > 60:
            self.work_until(time.monotonic() + 5, runs)
        self.client.insist("pause", target="t.ticks")

        def rest():
            return all_ended(self.client, "t.ticks")
        try:
            until(rest, "the end of all runs", max(min(self.left(), 600), 60))
        except AssertionError:
            return [f"OPEN: {run['id']} is {run['state']}: "
                    f"{ {one['id']: (one['state'], one['reason']) for one in self.client.items('instances', run=run['id']) if one['state'] not in harness.TERMINAL} }"
                    for workflow in ("t.load", "t.inner", "t.ticks")
                    for run in self.client.items("runs", workflow=workflow) if run["state"] not in harness.TERMINAL]
        return []

    def recoveries(self):
        """Returns the durations of all recoveries, in ms, from the engine's own lines."""
        text = self.engine.log.read_text(errors="replace")
        return sorted(int(found) for found in re.findall(r"recovered:.* duration_ms=(\d+)", text))

    def verify_store(self):
        """`pinionctl store verify`, with the engine ended."""
        self.engine.terminate()
        done = self.engine.call("store", "verify", "--data", self.engine.data, timeout=300)
        return [] if done.returncode == 0 else [f"STORE: {done.stdout}{done.stderr}"]

    def run(self):
        self.say(f"seed {self.given.seed}: {self.given.cycles} cycles, {self.given.tasks} tasks, "
                 f"{self.engine.home}")
        for number in range(self.given.cycles):
            if self.left() < 120:
                raise AssertionError(f"the time is up after {number} cycles")
            self.cycle(number)
            if (number + 1) % 25 == 0:
                self.say(f"{number + 1} cycles, {self.starter.count} runs asked for")
        if self.engine.process.poll() is not None:
            self.engine.launch()
        if self.disk:
            self.disk.heal()
        found = self.finish()
        self.say("all is at rest; judging")
        wrong, figures = judge(self.client, self.starter, self.engine.records, started_nothing=bool(self.disk))
        found += wrong
        found += self.verify_store()
        self.say("faults: " + ", ".join(f"{name} {count}" for name, count in sorted(self.counts.items())))
        times = self.recoveries() or [0]
        self.say(f"recovery of the engine: {len(times)} times, median {times[len(times) // 2]} ms, "
                 f"longest {times[-1]} ms")
        self.say(f"{figures['runs']} runs, {figures['instances']} tasks, {figures['attempts']} attempts, "
                 f"{figures['slots']} slots of the clock, {len(self.starter.refused)} requests refused")
        if figures["instances"] < self.given.tasks:
            found.append(f"only {figures['instances']} tasks of {self.given.tasks} were run")
        return found

    def close(self):
        self.engine.close()
        if self.disk:
            self.disk.close()
            shutil.rmtree(self.engine.home, ignore_errors=True)


def main():
    given = parse()
    if given.disk and os.geteuid() != 0:
        sys.exit("crash: --disk mounts a file system: run it as root")
    if not (BIN / "pinion").exists():
        sys.exit(f"crash: there is no {BIN / 'pinion'}")
    crash = Crash(given)
    found = ["it did not come to its end"]
    try:
        found = crash.run()
    except AssertionError as why:
        found = [str(why)]
    finally:
        if found and given.keep:
            print(f"crash: kept {crash.engine.home}")
            if crash.engine.process.poll() is None:
                crash.engine.process.kill()
        else:
            crash.close()
    for each in found[:50]:
        print("crash:", each)
    if found:
        print(f"crash: {len(found)} findings; again with --seed {given.seed}")
        sys.exit(1)
    print("crash: 0 lost, 0 doubled, 0 wrong states")


if __name__ == "__main__":
    main()
