"""Kills at every persisted boundary, on purpose: before and after each kind of commit, around each record of the
launcher's journal, and between the steps of one commit. What is left outside must agree with the engine afterwards."""
import contextlib
import datetime
import os
import signal
import subprocess
import sys
import time
import unittest
from pathlib import Path

from harness import BIN, DONE, NOT_FOUND, OwnEngineTest, kill, until

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faults"))

from judge import judge  # noqa: E402
from load import Client, Refused, Starter, Unknown, all_ended, workflows  # noqa: E402

DAILY = """
workflow: daily
triggers:
  - {id: day, cron: "0 3 * * *", start: 2026-01-01}
overlap: allow
max_active_runs: 100
tasks:
  work: {run: [sh, task.sh, quick]}
---
workflow: long
overlap: allow
max_active_runs: 100
defaults: {grace: 1s}
tasks:
  halted: {run: [sh, task.sh, stuck]}
---
workflow: noisy
overlap: allow
max_active_runs: 100
defaults: {grace: 1s, retry: {max: 3, delay: 200ms}}
tasks:
  prints: {run: [sh, task.sh, noisy]}
---
workflow: later
triggers:
  - {id: day, cron: "0 3 * * *", start: 2026-01-01}
overlap: allow
max_active_runs: 100
tasks:
  work: {needs: [{task: t.daily.work, slot: same_day}], run: [sh, task.sh, quick]}
"""

SMALL = """
workflow: small
tasks:
  one: {run: 'echo one; echo "$PINION_RUN" >> @DIR@/small'}
  two: {needs: one, run: echo two}
"""

# Kinds of record in the launcher's journal, from src/execution/launch_journal.cpp.
RECORDS = {"epoch": 2, "claimed": 3, "started": 4, "exited": 5, "forgotten": 6}


class CrashPoints(OwnEngineTest):
    def setUp(self):
        files = {**workflows(3, "{max: 3, delay: 200ms}"), "daily.yaml": DAILY}
        self.e = self.engine(files, ("--slots", "8"))
        self.gate = self.e.home / "gate"
        self.client = Client(self.e.data / "pinion.sock")
        self.starter = Starter(self.client)
        self.days = 0

    def ask(self, path, **body):
        """A change that the engine may refuse, or not live to answer."""
        with contextlib.suppress(Refused, Unknown):
            self.client.post(path, **body)

    def work(self):
        """Asks for a run, and for changes of every kind; returns whether anybody was there."""
        _, health = self.client.health()
        if not health or not health["ready"]:
            return False
        self.starter.start()
        self.ask("pause", target="t.later", reason="to be kept")
        self.ask("resume", target="t.later")
        self.halt_all()
        self.ask("trigger", workflow="t.long")
        self.ask("trigger", workflow="t.noisy")
        self.days += 1
        day = f"{datetime.date(2026, 3, 1) + datetime.timedelta(days=self.days)}"
        for workflow in ("t.daily", "t.later"):
            self.ask("backfills", target=f"{workflow}/day", **{"from": day, "to": day})
        return True

    def halt_all(self):
        with contextlib.suppress(Unknown):
            for run in self.client.items("runs", workflow="t.long"):
                if run["state"] in ("queued", "running"):
                    self.ask("operations", operation="cancel", ref=run["id"])

    def life(self, what):
        """Starts an engine with an order to die, works until it has, and says if it never did."""
        self.gate.touch()
        self.e.launch()
        edit = self.e.workflows / "edited.yaml"
        edit.write_text(f"workflow: edited\ndescription: {what}\ntasks: {{one: {{type: empty}}}}\n")
        turns, next_turn = 0, 0.0

        def over():
            nonlocal turns, next_turn
            # A turn now and then, and not for ever: all of it has to come to an end.
            if self.e.process.poll() is None and turns < 6 and time.monotonic() > next_turn and self.work():
                turns, next_turn = turns + 1, time.monotonic() + 1.5
            return not self.gate.exists()

        try:
            until(over, f"the moment: {what}\n{self.e.tail()}", 40)
        except AssertionError:
            self.e.kill9()
            raise

    def rest(self):
        """Lets an engine without orders bring all to an end, and judges."""
        for name in ("PINION_CRASH", "PINION_FAULTS", "LD_PRELOAD"):
            self.e.environment.pop(name, None)
        if self.e.process.poll() is None:
            self.e.kill9()
        launcher = self.e.launcher()
        if launcher is not None:
            kill(launcher)
        self.e.program = BIN / "pinion"
        self.e.start()
        self.starter.settle()
        self.client.post("pause", target="t.ticks")
        self.halt_all()
        more = ("t.daily", "t.later", "t.long", "t.noisy")
        until(lambda: all_ended(self.client, "t.ticks", *more), "rest", 180)
        wrong, figures = judge(self.client, self.starter, self.e.records, more, may_be_cancelled=("t.long",))
        self.assertEqual(wrong, [])
        self.assertGreater(figures["instances"], 0)
        self.assertTrue(self.e.ctl("store", "verify")["ok"])

    def test_before_and_after_each_kind_of_commit(self):
        self.e.program = BIN / "pinion-crashing"
        points = subprocess.run([BIN / "pinion-crashing", "points"], capture_output=True, text=True,
                                check=True).stdout.split()
        self.assertGreater(len(points), 20)
        points.remove("expired")  # Needs history that is old: `History` has it.
        for point in points:
            for side in ("before", "after"):
                with self.subTest(point=point, side=side):
                    self.e.environment["PINION_CRASH"] = f"{point} {side} 1 {self.gate}"
                    self.life(f"{side} a commit of {point}")
                    self.e.process.wait(timeout=30)
        self.rest()

    def launcher_life(self, what):
        """A life in which the launcher is the one that dies."""
        self.life(what)
        self.e.kill9()
        # The next one needs the next order.
        launcher = self.e.launcher()
        if launcher is not None:
            kill(launcher)

    def test_around_each_record_of_the_launcher(self):
        self.e.environment["LD_PRELOAD"] = str(BIN / "pinion-faulty-calls.so")
        for record, number in RECORDS.items():
            for action in ("kill-before", "torn", "kill-after"):
                with self.subTest(record=record, action=action):
                    self.e.environment["PINION_FAULTS"] = (
                        f"launcher,write,*/launcher.journal,{number},2,{action},{self.gate}")
                    if record == "epoch":  # One for each engine that connects: the first is the second's here.
                        self.e.environment["PINION_FAULTS"] = self.e.environment["PINION_FAULTS"].replace(
                            f",{number},2,", f",{number},1,")
                    self.launcher_life(f"{action} the record {record}")
        # The index of a log: when it is begun, and when it grows.
        for nth in (1, 2):
            for action in ("kill-before", "torn", "kill-after"):
                with self.subTest(record="log index", action=action, nth=nth):
                    self.e.environment["PINION_FAULTS"] = f"launcher,write,*/logs/*.idx,*,{nth},{action},{self.gate}"
                    self.launcher_life(f"{action} write {nth} of an index")
        self.rest()
        for run in self.client.items("runs", workflow="t.noisy"):
            if run["state"] == "success":
                last = self.client.items("attempts", run=run["id"])[-1]["number"]
                log = self.e.call("logs", f"{run['id']}/prints", "--attempt", last).stdout
                self.assertEqual(log.splitlines(), [f"line {number}" for number in range(1, 13)])

    def test_between_the_steps_of_one_commit(self):
        self.e.environment["LD_PRELOAD"] = str(BIN / "pinion-faulty-calls.so")
        steps = [("write", "*/store/*.log"), ("sync", "*/store/*.log"), ("write", "*/COMMIT")]
        for call, path in steps:
            for action in ("kill-before", "kill-after", *(("torn",) if path.endswith(".log") and call == "write"
                                                          else ())):
                for nth in (1, 2, 3, 5, 9, 17):
                    with self.subTest(call=call, path=path, action=action, nth=nth):
                        self.e.environment["PINION_FAULTS"] = f"engine,{call},{path},*,{nth},{action},{self.gate}"
                        self.life(f"{action} {call} {nth} of {path}")
                        self.e.process.wait(timeout=30)
        self.rest()


class History(OwnEngineTest):
    """What is not part of a run's way: what has ended is removed, and the store is copied and put back."""

    def ended_runs(self, options=()):
        engine = self.engine({"small.yaml": SMALL}, ("--slots", "4", *options)).start()
        runs = [engine.trigger("t.small") for _ in range(3)]
        for run in runs:
            engine.wait(run)
        return engine, runs

    # The engine looks a minute after its start, and what it removes is a minute old.
    def test_before_and_after_history_is_removed(self):
        ages = [word for name in ("history", "logs", "workspaces") for word in (f"--keep-{name}", "1m")]
        lives = {side: self.ended_runs(ages) for side in ("before", "after")}
        for side, (engine, _) in lives.items():
            engine.kill9()
            (engine.home / "gate").touch()
            engine.program = BIN / "pinion-crashing"
            engine.environment["PINION_CRASH"] = f"expired {side} 1 {engine.home / 'gate'}"
            engine.start()
        for side, (engine, runs) in lives.items():
            with self.subTest(side=side):
                engine.process.wait(timeout=150)
                self.assertFalse((engine.home / "gate").exists())
                engine.program = BIN / "pinion"
                engine.start()
                self.assertEqual(engine.call("get", "runs", runs[0]).returncode,
                                 DONE if side == "before" else NOT_FOUND)
                self.assertTrue(engine.ctl("store", "verify")["ok"])
                self.assertEqual(engine.run(runs[-1])["state"], "success")  # The newest of its trigger stays.
                engine.wait(engine.trigger("t.small"))
        # What was cut off is carried out by the next engine, with what belongs to it.
        for side, (engine, runs) in lives.items():
            with self.subTest(side=side):
                until(lambda e=engine, r=runs: not list(e.data.glob(f"logs/*/{r[0]}")), "the end of the logs", 150)
                self.assertEqual(engine.call("get", "runs", runs[0]).returncode, NOT_FOUND)
                self.assertTrue(engine.ctl("store", "verify")["ok"])

    def cut_off(self, engine, role, path, nth):
        """Arms what is started next: it is killed before the `nth` write to `path`. Returns its environment."""
        (engine.home / "gate").touch()
        return {**os.environ, "LD_PRELOAD": str(BIN / "pinion-faulty-calls.so"),
                "PINION_FAULTS": f"{role},write,{path},*,{nth},kill-before,{engine.home / 'gate'}"}

    def test_at_each_write_of_a_backup(self):
        engine, runs = self.ended_runs()
        backups = engine.home / "backups"
        engine.ctl("store", "backup", backups)
        plain = engine.environment
        for nth in range(1, 100):
            engine.kill9()
            engine.environment = self.cut_off(engine, "engine", "*/backups/*", nth)
            engine.start()
            with self.subTest(nth=nth):
                done = engine.call("store", "backup", backups)
                killed = not (engine.home / "gate").exists()
                self.assertEqual(done.returncode == DONE, not killed, done)
                if killed:
                    engine.process.wait(timeout=30)
                # What the one before made is whole, whatever became of this one.
                listed = engine.call("store", "backup", backups, "--list", "-o", "json")
                self.assertEqual(listed.returncode, DONE, listed)
            if not killed:
                break
        self.assertFalse(killed, "no end of writes")
        self.assertGreater(nth, 3)
        engine.kill9()
        engine.environment = plain
        engine.start()
        self.assertTrue(engine.ctl("store", "verify")["ok"])
        made = engine.ctl("store", "backup", backups)
        engine.kill9()
        self.restored(engine, backups, made["id"], runs)

    def restored(self, engine, backups, number, runs):
        """A restore that is cut off at any write is no store to start on, and can be repeated; one that is not is whole."""
        refused = 0

        def restore(**options):
            words = ("store", "restore", backups, "--data", engine.data, "--backup", number)
            return subprocess.run([BIN / "pinionctl", *map(str, words)], capture_output=True, text=True, timeout=60,
                                  check=False, **options)

        for nth in range(1, 100):
            engine.data = engine.home / f"new{nth}"
            done = restore(env=self.cut_off(engine, "store", f"{engine.data}/*", nth))
            if done.returncode == DONE:
                break
            with self.subTest(nth=nth):
                self.assertEqual(done.returncode, -signal.SIGKILL, done)
                begun = (engine.data / "RESTORING").exists()
                engine.launch()
                if not begun:  # Nothing is there yet, as in a new folder.
                    self.assertTrue(self.answers(engine), engine.tail())
                    self.assertEqual(engine.items("runs"), [])
                    engine.kill9()
                    continue
                refused += 1
                self.assertFalse(self.answers(engine), "it starts on half a restore")
                self.assertEqual(engine.process.wait(timeout=30), 78, engine.tail())
                self.assertIn("was cut off", engine.tail())
        self.assertEqual(done.returncode, DONE, "no end of writes")
        self.assertGreater(refused, 3)
        for whole in (nth, nth - 1):
            engine.data = engine.home / f"new{whole}"
            if whole != nth:
                self.assertEqual(restore().returncode, DONE)
            engine.start()
            self.assertGreater(engine.ctl("health")["epoch"], 1000)
            for run in runs:
                self.assertEqual(engine.run(run)["state"], "success")
            self.assertTrue(engine.ctl("store", "verify")["ok"])
            engine.kill9()

    def answers(self, engine):
        """Whether the engine comes up, or ends."""
        return until(lambda: "ended" if engine.process.poll() is not None else
                     engine.call("health").returncode == DONE and "up", "one or the other") == "up"


if __name__ == "__main__":
    unittest.main()
