"""Kills at every persisted boundary, on purpose: before and after each kind of commit, around each record of the
launcher's journal, and between the steps of one commit. What is left outside must agree with the engine afterwards."""
import contextlib
import datetime
import subprocess
import sys
import time
import unittest
from pathlib import Path

from harness import BIN, OwnEngineTest, kill, until

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
workflow: later
triggers:
  - {id: day, cron: "0 3 * * *", start: 2026-01-01}
overlap: allow
max_active_runs: 100
tasks:
  work: {needs: [{task: t.daily.work, slot: same_day}], run: [sh, task.sh, quick]}
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
        more = ("t.daily", "t.later", "t.long")
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
        for point in points:
            for side in ("before", "after"):
                with self.subTest(point=point, side=side):
                    self.e.environment["PINION_CRASH"] = f"{point} {side} 1 {self.gate}"
                    self.life(f"{side} a commit of {point}")
                    self.e.process.wait(timeout=30)
        self.rest()

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
                    self.life(f"{action} the record {record}")
                    self.e.kill9()
                    # The next one needs the next order.
                    launcher = self.e.launcher()
                    if launcher is not None:
                        kill(launcher)
        self.rest()

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


if __name__ == "__main__":
    unittest.main()
