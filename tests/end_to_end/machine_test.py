"""The machine under the engine misbehaves: no processes, descriptors or memory to be had, programs stopped and replaced."""
import contextlib
import datetime
import os
import resource
import shutil
import signal
import socket
import subprocess
import time
import unittest
from pathlib import Path

from harness import BIN, DONE, OwnEngineTest, kill, processes_with, until

# How long a program is stopped. Minutes make no difference, but who doubts it may try.
STOPPED_S = float(os.environ.get("PINION_TEST_STOPPED_S", "3"))

FILES = {
    "waits.yaml": """
workflow: waits
overlap: allow
max_active_runs: 100
tasks:
  wait:
    retry: {max: 0, delay: 1s}
    run: |
      echo $$ > @DIR@/pid
      echo "$PINION_ATTEMPT" >> @DIR@/waits
      for i in $(seq 1200); do [ -e @DIR@/open ] && exit 0; sleep 0.1; done
      exit 1
  after: {needs: wait, run: 'echo $PINION_RUN >> @DIR@/after', retry: {max: 60, delay: 500ms}}
---
workflow: quick
overlap: allow
max_active_runs: 100
tasks:
  one: {run: 'echo $PINION_ATTEMPT >> @DIR@/quick', retry: {max: 5, delay: 500ms}}
---
workflow: many
tasks:
  each: {for_each: {x: "{{ params.list }}"}, run: [sh, -c, 'echo $PINION_INDEX >> @DIR@/many']}
params: {list: {default: []}}
---
workflow: seconds
triggers: [{id: each, cron: "* * * * * *", misfire: {policy: all, within: 1h, max: 1000}}]
overlap: allow
max_active_runs: 1000
tasks: {tick: {type: empty}}
"""}


OTHER_USER = 54321  # Nobody's, so that nothing else counts among its processes.


def become_other_user():
    os.setgroups([])
    os.setresgid(OTHER_USER, OTHER_USER, OTHER_USER)
    os.setresuid(OTHER_USER, OTHER_USER, OTHER_USER)


class Machine(OwnEngineTest):
    def adopted_task(self, engine):
        """Starts the task that waits; returns its run."""
        run_id = engine.trigger("t.waits")
        until(lambda: engine.record("waits"), "the task")
        return run_id

    def finish(self, engine, run_id):
        """The task that waits goes on and has been started once."""
        (engine.records / "open").touch()
        engine.wait(run_id)
        self.assertEqual(engine.record("waits"), ["1"])
        self.assertEqual(engine.record("after"), [run_id])

    def test_a_fork_that_fails_is_tried_again_and_then_named(self):
        engine = self.engine(FILES)
        if os.geteuid() == 0:  # The limit does not hold for root.
            engine.program = engine.home / "pinion"
            shutil.copy(BIN / "pinion", engine.program)
            for path in (engine.home, *engine.home.rglob("*")):
                os.chown(path, OTHER_USER, OTHER_USER)
            engine.prepare = become_other_user
        engine.start()
        engine.wait(engine.trigger("t.quick"))
        launcher = engine.launcher()

        def processes(most):
            # By the launcher's own user, who needs no privilege for it.
            subprocess.run(["prlimit", f"--pid={launcher}", f"--nproc={most}:"], check=True, preexec_fn=engine.prepare)

        most = resource.getrlimit(resource.RLIMIT_NPROC)[1]  # The launcher's as well.
        most = "unlimited" if most == resource.RLIM_INFINITY else most
        processes(0)
        run_id = engine.trigger("t.quick")
        failed = until(lambda: [one for one in engine.items("attempts", run_id) if one["ended_at"]], "an end")
        self.assertEqual(failed[0]["reason"], "not_started")
        self.assertIn("cannot make a process: Resource temporarily unavailable", failed[0]["message"])
        processes(most)
        engine.wait(run_id)
        self.assertEqual(len(engine.record("quick")), 2)
        # One that passes is nobody's failure.
        processes(0)
        short = engine.trigger("t.quick")
        engine.wait_state(short, "one", "ready")
        time.sleep(0.3)
        processes(most)
        self.assertEqual(engine.wait(short)["one"]["attempt"], 1)

    def test_without_descriptors_connections_wait_and_tasks_go_on(self):
        engine = self.engine(FILES).start()
        run_id = self.adopted_task(engine)
        pid = engine.process.pid
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        open_now = len(os.listdir(f"/proc/{pid}/fd"))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (open_now + 6, before[1]))

        def is_full():
            return len(os.listdir(f"/proc/{pid}/fd")) >= open_now + 4

        with contextlib.ExitStack() as held:
            for _ in range(40):
                if is_full():
                    break  # Long before the first of them has been idle for too long.
                each = held.enter_context(socket.socket(socket.AF_UNIX))
                each.settimeout(1)
                with contextlib.suppress(OSError):
                    each.connect(str(engine.data / "pinion.sock"))
            until(is_full, "an engine without descriptors")
            (engine.records / "open").touch()
            until(lambda: not processes_with(f"PINION_WORKSPACE={engine.data}"), "the end of the task")
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
        self.finish(engine, run_id)
        self.assertIsNone(engine.process.poll())
        engine.wait(engine.trigger("t.quick"))

    @unittest.skipIf("ASAN_OPTIONS" in os.environ, "its sanitizer reserves all of the address space")
    def test_an_engine_that_runs_out_of_memory_recovers(self):
        engine = self.engine(FILES).start()
        run_id = self.adopted_task(engine)
        pid = engine.process.pid
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[0])
        resource.prlimit(pid, resource.RLIMIT_AS, (pages * os.sysconf("SC_PAGE_SIZE") + (4 << 20),) * 2)
        numbers = list(range(1500))
        engine.call("trigger", "t.many", "--key", "large", "--param", f"list={numbers}")
        with contextlib.suppress(AssertionError):
            until(lambda: engine.process.poll() is not None or len(engine.record("many")) == len(numbers),
                  "the end of one or the other", 20)
        if engine.process.poll() is None:
            engine.kill9()
        engine.start()
        large = engine.trigger("t.many", "--key", "large", "--param", f"list={numbers}")
        engine.wait(large, seconds=120)
        self.assertEqual(sorted(engine.record("many")), sorted(map(str, numbers)))
        self.finish(engine, run_id)

    def test_a_stopped_engine_goes_on_where_it_was(self):
        engine = self.engine(FILES).start()
        run_id = self.adopted_task(engine)
        until(lambda: engine.items("runs", "--workflow", "t.seconds"), "a slot")
        kill(engine.process.pid, signal.SIGSTOP)
        try:
            (engine.records / "open").touch()
            time.sleep(STOPPED_S)
        finally:
            kill(engine.process.pid, signal.SIGCONT)
        self.finish(engine, run_id)
        engine.ctl("pause", "t.seconds")
        slots = [datetime.datetime.fromisoformat(one["slot"]) for one in engine.items("slots", "t.seconds")]
        self.assertEqual(len(slots), len(set(slots)))
        gaps = {later - earlier for earlier, later in zip(sorted(slots), sorted(slots)[1:])}
        self.assertEqual(gaps, {datetime.timedelta(seconds=1)})

    def test_a_stopped_launcher_goes_on_where_it_was(self):
        engine = self.engine(FILES).start()
        run_id = self.adopted_task(engine)
        launcher = engine.launcher()
        kill(launcher, signal.SIGSTOP)
        try:
            (engine.records / "open").touch()
            other = engine.trigger("t.quick")
            engine.wait_state(other, "one", "ready")
            engine.kill9()  # What was asked of a launcher that hangs is asked again by the next engine.
            engine.start(launcher=False)
            time.sleep(STOPPED_S)
        finally:
            kill(launcher, signal.SIGCONT)
        self.finish(engine, run_id)
        engine.wait(other)
        self.assertEqual(engine.record("quick"), ["1"])

    def test_an_upgrade_leaves_running_tasks_untouched(self):
        engine = self.engine(FILES)
        installed = engine.home / "pinion"
        shutil.copy(BIN / "pinion", installed)
        engine.program = installed
        engine.start()
        run_id = self.adopted_task(engine)
        task, = engine.record("pid")
        launcher = engine.launcher()
        fresh = engine.home / "pinion.new"
        shutil.copy(BIN / "pinion", fresh)
        os.replace(fresh, installed)
        self.assertEqual(engine.terminate(), DONE)
        engine.start()
        self.assertEqual(os.readlink(f"/proc/{engine.process.pid}/exe"), str(installed))
        self.assertTrue(os.readlink(f"/proc/{launcher}/exe").endswith("(deleted)"))
        self.assertEqual(engine.launcher(), launcher)
        self.assertTrue(os.path.exists(f"/proc/{task}"))
        engine.wait_state(run_id, "wait", "running")
        self.finish(engine, run_id)


if __name__ == "__main__":
    unittest.main()
