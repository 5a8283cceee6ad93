"""Watching: events instead of questions, `top`, the graph and its Gantt."""
import json
import os
import pty
import signal
import socket
import subprocess
import threading
import unittest

from harness import BIN, DONE, NO_ENGINE, USAGE, EngineTest, OwnEngineTest, until

AWAIT = 'for i in $(seq 600); do [ -e "@DIR@/{0}" ] && break; sleep 0.1; done'

FILES = {"watch.yaml": f"""
workflow: two
overlap: allow
max_active_runs: 20
tasks:
  first: {{run: 'echo one; {AWAIT.format("two")}; echo two'}}
  each: {{needs: first, for_each: {{x: [DEU, AUT]}}, run: 'echo part {{{{ x }}}}'}}
---
workflow: after_it
triggers:
  - {{id: never, cron: "0 0 1 1 *"}}
tasks:
  sum: {{type: empty}}
  rest: {{needs: [sum, {{task: t.source.load, slot: same_day}}], run: 'true'}}
---
workflow: source
triggers:
  - {{id: never, cron: "0 0 1 1 *"}}
tasks:
  load: {{type: empty}}
---
workflow: quick
overlap: allow
max_active_runs: 20
tasks:
  a: {{run: 'sleep 0.2'}}
  b: {{needs: a, run: 'sleep 0.1'}}
"""}


class Follower:
    """pinionctl in the background; `lines` grow as it prints."""

    def __init__(self, test, engine, *arguments):
        self.lines = []
        self.process = subprocess.Popen(
            [BIN / "pinionctl", "--server", engine.data / "pinion.sock", *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        test.addCleanup(self.end)

    def read(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def wait_for(self, wanted, what):
        return until(lambda: [line for line in list(self.lines) if wanted(line)], what)

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=30)
        self.reader.join(timeout=10)
        self.process.stdout.close()
        self.process.stderr.close()


class Events(EngineTest):
    files = FILES

    def open(self, gate):
        (self.engine.records / gate).touch()

    def test_runs_are_told_as_they_change(self):
        seen = Follower(self, self.engine, "get", "runs", "--workflow", "t.quick", "--watch", "-o", "json")
        run_id = self.engine.trigger("t.quick")
        self.engine.wait(run_id)
        seen.wait_for(lambda line: json.loads(line)["object"].get("state") == "success", "its end")
        events = [json.loads(line) for line in seen.lines]
        mine = [one for one in events if one["object"]["id"] == run_id]
        self.assertEqual({one["event"] for one in mine}, {"item"})
        self.assertIn("running", [one["object"]["state"] for one in mine])

    def test_a_table_goes_on_in_its_columns(self):
        seen = Follower(self, self.engine, "get", "instances", "--workflow", "t.quick", "--watch")
        run_id = self.engine.trigger("t.quick")
        seen.wait_for(lambda line: line.startswith(f"{run_id}/b") and "success" in line, "b's row")
        self.assertEqual(len([one for one in seen.lines if one.startswith("ID ")]), 1)
        self.assertFalse([one for one in seen.lines if "\x1b" in one])

    def test_a_state_filter_tells_what_is_gone(self):
        seen = Follower(self, self.engine, "get", "runs", "--workflow", "t.quick", "--state", "running",
                        "--watch", "-o", "json")
        run_id = self.engine.trigger("t.quick")
        seen.wait_for(lambda line: json.loads(line) == {"event": "gone", "object": {"id": run_id}}, "gone")
        self.engine.wait(run_id)

    def test_logs_of_a_run_are_followed_to_its_end(self):
        run_id = self.engine.trigger("t.two")
        seen = Follower(self, self.engine, "logs", "-f", run_id)
        seen.wait_for(lambda line: line == "first | one", "the first line")
        self.assertEqual(self.engine.states(run_id)["first"], "running")
        self.open("two")
        self.assertEqual(seen.process.wait(timeout=60), DONE)
        seen.reader.join(timeout=10)
        self.assertLessEqual({"first | two", "each:DEU | part DEU", "each:AUT | part AUT"}, set(seen.lines))
        self.engine.wait(run_id)
        again = self.engine.call("logs", "-f", run_id)
        self.assertEqual(sorted(again.stdout.splitlines()), sorted(seen.lines))

    def test_the_stream_can_be_read_without_pinionctl(self):
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(30)
            line.connect(str(self.engine.data / "pinion.sock"))
            line.sendall(b"GET /api/v1/watch?kind=runs HTTP/1.0\r\n\r\n")
            self.engine.wait(self.engine.trigger("t.quick"))
            got = b""
            while b"event: item" not in got:
                got += line.recv(4096)
        self.assertIn(b"content-type: text/event-stream", got.lower())
        self.assertIn(b"event: ready\n", got)

    def test_what_cannot_be_watched_is_refused(self):
        self.assertEqual(self.engine.call("get", "events", "--watch").returncode, USAGE)
        self.assertEqual(self.engine.call("get", "attempts", "--watch").returncode, USAGE)
        self.assertEqual(self.engine.call("get", "runs", "--watch", "-o", "yaml").returncode, USAGE)

    def test_top_is_one_document_into_a_pipe(self):
        run_id = self.engine.trigger("t.quick")
        top = self.engine.ctl("top")
        self.assertIn("worst_s", top["lag"])
        self.assertEqual(top["slots"]["capacity"], 8)
        self.engine.wait(run_id)
        text = self.engine.call("top").stdout
        self.assertIn("lag", text)
        self.assertIn("POOL", text)
        self.assertNotIn("\x1b", text)

    def test_top_is_live_on_a_terminal_and_leaves_it_as_it_was(self):
        master, slave = pty.openpty()
        environment = dict(os.environ, TERM="xterm", NO_COLOR="1", COLUMNS="60", LINES="8")
        live = subprocess.Popen(
            [BIN / "pinionctl", "--server", self.engine.data / "pinion.sock", "top", "--interval", "200ms"],
            stdin=slave, stdout=slave, stderr=slave, env=environment)
        os.close(slave)
        self.addCleanup(os.close, master)
        self.addCleanup(live.kill)
        screen = b""
        while screen.count(b"pinion") < 3:
            screen += os.read(master, 4096)
        live.send_signal(signal.SIGINT)
        while b"\x1b[?25h" not in screen:
            screen += os.read(master, 4096)
        self.assertEqual(live.wait(timeout=30), DONE)
        frames = screen.split(b"\x1b[H")[1:]
        self.assertTrue(all(frame.count(b"\r\n") <= 7 for frame in frames[:-1]))
        self.assertNotIn(b"\x1b[1m", screen)  # NO_COLOR.

    def test_the_graph_shows_other_workflows_and_times(self):
        run_id = self.engine.trigger("t.quick")
        self.engine.wait(run_id)
        text = self.engine.call("graph", "--gantt", run_id).stdout
        self.assertIn("█", text)
        self.assertEqual([line.split()[0] for line in text.splitlines()[2:]], ["a", "b"])
        self.assertEqual(self.engine.call("graph", "--gantt", "t.quick").returncode, USAGE)
        across = self.engine.ctl("graph", "t.after_it", "--across")["across"]["upstream"]
        self.assertEqual([(one["task"], one["workflow"], one["upstream_task"]) for one in across],
                         [("rest", "t.source", "load")])
        self.assertIn("→ t.after_it/rest", self.engine.call("graph", "t.source", "--across").stdout)
        self.assertIn("style=dotted", self.engine.call("graph", "t.source", "--across", "-o", "dot").stdout)


POOLED = {
    "pinion.yaml": "project: t\npools: {models: 2}\nchannels: {book: {log: true}}\n",
    "fit.yaml": """
workflow: fit
vars: {level: one}
triggers:
  - {id: night, cron: "0 3 * * *"}
tasks:
  train: {pool: {models: 2}, run: '""" + AWAIT.format("go") + """'}
""",
}


class EveryKind(OwnEngineTest):
    """What each kind tells when something of it changes; the first list is not counted."""

    def watch(self, engine, *arguments):
        return Follower(self, engine, "get", *arguments, "--watch", "-o", "json")

    @staticmethod
    def objects(seen, event="item"):
        told = [json.loads(line) for line in list(seen.lines)]
        return [one["object"] for one in told if one["event"] == event]

    def expect(self, seen, what, passes, event="item"):
        return until(lambda: [one for one in self.objects(seen, event) if passes(one)], what)

    def test_definitions_and_what_people_do(self):
        engine = self.engine(POOLED).start()
        kinds = {kind: self.watch(engine, kind)
                 for kind in ("workflows", "versions", "triggers", "vars", "channels", "pools", "plan", "audit")}
        for kind in ("workflows", "versions", "triggers", "vars", "channels", "pools"):
            self.expect(kinds[kind], f"the first list of {kind}", bool)
        engine.ctl("pause", "t.fit", "--reason", "repairs")
        self.expect(kinds["workflows"], "the pause", lambda one: one["paused"])
        self.expect(kinds["audit"], "its record", lambda one: one["verb"] == "pause")
        engine.ctl("pause", "t.fit/night")
        self.expect(kinds["triggers"], "the trigger's pause", lambda one: one["paused"])
        engine.ctl("pool", "set", "t.models", "5")
        self.expect(kinds["pools"], "its size", lambda one: one["id"] == "t.models" and one["capacity"] == 5)
        one_workflow = self.watch(engine, "workflows", "t.fit")
        self.expect(one_workflow, "the workflow", lambda one: one["version"] == 1)
        engine.write("fit.yaml", POOLED["fit.yaml"].replace("one", "two").replace("0 3", "0 4"))
        engine.write("pinion.yaml", POOLED["pinion.yaml"].replace("book", "ledger"))
        self.expect(kinds["versions"], "the new version", lambda one: one["id"] == "t.fit:v2")
        self.expect(one_workflow, "it there too", lambda one: one["version"] == 2)
        self.expect(kinds["vars"], "its variable", lambda one: one["value"] == "two")
        self.expect(kinds["channels"], "the new channel", lambda one: one["id"] == "t.ledger")
        self.expect(kinds["channels"], "the old one gone", lambda one: one["id"] == "t.book", "gone")
        self.assertEqual(len([one for one in self.objects(kinds["versions"]) if one["id"] == "t.fit:v2"]), 1)

    def test_what_runs_and_what_it_holds(self):
        engine = self.engine(POOLED).start()
        pools = self.watch(engine, "pools")
        permits = self.watch(engine, "permits")
        self.expect(pools, "the pool", lambda one: one["id"] == "t.models" and one["used"] == 0)
        run_id = engine.trigger("t.fit")
        attempts = self.watch(engine, "attempts", run_id)
        instance = self.watch(engine, "instances", f"{run_id}/train")
        events = self.watch(engine, "events", run_id)
        table = Follower(self, engine, "get", "permits", "--watch")
        self.expect(permits, "permits of the task", lambda one: one["holder"] == f"{run_id}/train")
        self.expect(pools, "the pool in use", lambda one: one["id"] == "t.models" and one["used"] == 2)
        self.expect(attempts, "the attempt", lambda one: one["state"] == "running")
        table.wait_for(lambda line: f"{run_id}/train" in line, "a row of permits")
        self.assertEqual(self.objects(permits, "gone"), [])
        (engine.records / "go").touch()
        engine.wait(run_id)
        self.expect(permits, "their return", bool, "gone")
        self.expect(attempts, "its end", lambda one: one["state"] == "success")
        self.expect(instance, "the end of the instance", lambda one: one["state"] == "success")
        self.expect(events, "the end among the events", lambda one: one["event"] == "success")
        until(lambda: [one for one in self.objects(pools) if one["id"] == "t.models"][-1]["used"] == 0,
              "a free pool")


class OverRestart(OwnEngineTest):
    def test_a_watch_goes_on_over_a_restart(self):
        engine = self.engine(FILES).start()
        seen = Follower(self, engine, "get", "runs", "--watch", "-o", "name")
        first = engine.trigger("t.quick")
        seen.wait_for(lambda line: line == first, "the first run")
        engine.wait(first)
        engine.kill9()
        engine.start()
        second = engine.trigger("t.quick")
        seen.wait_for(lambda line: line == second, "a run after the restart")
        engine.wait(second)

    def test_a_watch_ends_when_the_engine_is_gone_for_good(self):
        engine = self.engine(FILES).start()
        seen = Follower(self, engine, "get", "runs", "--watch", "-o", "name")
        first = engine.trigger("t.quick")
        seen.wait_for(lambda line: line == first, "the first run")
        engine.wait(first)
        engine.terminate()
        self.assertEqual(seen.process.wait(timeout=60), NO_ENGINE)


if __name__ == "__main__":
    unittest.main()
