"""The store as a whole: checked, measured, backed up under load, restored, and gone on with."""
import json
import shutil
import subprocess
import unittest

from harness import BIN, DONE, FAILED, NO_ENGINE, NOT_FOUND, REFUSED, USAGE, OwnEngineTest, kill
from harness import processes_with, until

RECORD = 'echo "$PINION_RUN/$PINION_TASK:$PINION_INDEX#$PINION_ATTEMPT" >> @DIR@/starts'

# A lost attempt is repeated after the delay.
FILES = {"pinion.yaml": "pools: {narrow: 2}\ndefaults: {retry: {max: 0, delay: 1s}}\n", "work.yaml": f"""
workflow: work
max_active_runs: 10
overlap: allow
triggers: [{{id: minutes, cron: "* * * * *"}}]
tasks:
  first: {{run: '{RECORD}; echo "n=1" >> "$PINION_OUTPUT"'}}
  wide:
    needs: first
    pool: narrow
    for_each: {{x: [1, 2, 3, 4, 5, 6]}}
    run: '{RECORD}; sleep 0.2'
  bad: {{needs: first, retry: {{max: 1, delay: 300ms}}, fallback: good, run: '{RECORD}; exit 1'}}
  good: {{run: '{RECORD}'}}
  last: {{needs: [wide, bad], run: '{RECORD}'}}
---
workflow: long
tasks:
  wait:
    run: |
      {RECORD}
      for i in $(seq 600); do [ -e @DIR@/open ] && exit 0; sleep 0.1; done
      exit 1
  after: {{needs: wait, run: '{RECORD}'}}
"""}


def offline(*arguments):
    """pinionctl without an engine; returns exit code and JSON."""
    done = subprocess.run([BIN / "pinionctl", *map(str, arguments), "-o", "json"], capture_output=True,
                          text=True, timeout=120, check=False)
    return done.returncode, json.loads(done.stdout)


class Store(OwnEngineTest):
    def assert_sound(self, report):
        self.assertEqual([one for one in report["findings"] if not one["note"]], [])
        self.assertTrue(report["ok"])
        self.assertTrue(report["complete"])

    def end_everything(self, engine):
        """As a machine that is lost: engine, launcher and tasks."""
        engine.kill9()
        left = processes_with(str(engine.data))
        for pid in sorted(left, key=lambda one: " launcher " not in left[one]):
            kill(pid)
        until(lambda: not processes_with(str(engine.data)), "the end of all processes")

    def test_a_store_is_sound_while_it_works_and_after_a_kill(self):
        engine = self.engine(FILES).start()
        runs = [engine.trigger("t.work") for _ in range(4)]
        self.assert_sound(engine.ctl("store", "verify"))
        engine.wait(runs[0])
        report = engine.ctl("store", "verify")
        self.assert_sound(report)
        self.assertEqual(report["server"], str(engine.data / "pinion.sock"))
        engine.kill9()
        code, report = offline("store", "verify", "--data", engine.data)
        self.assert_sound(report)
        self.assertEqual(report["data"], str(engine.data))
        self.assertEqual(code, DONE)
        self.assertGreater(report["rows_by_kind"]["instances"], 9)
        engine.start()
        for run in runs:
            engine.wait(run)
        self.assert_sound(engine.ctl("store", "verify"))

    def test_a_bounded_check_says_that_it_is_not_complete(self):
        engine = self.engine(FILES).start()
        engine.wait(engine.trigger("t.work"))
        report = engine.ctl("store", "verify", "--rows", "5")
        self.assertFalse(report["complete"])
        self.assertEqual(report["rows"], 5)

    def test_stats_tell_what_is_live_and_what_has_ended(self):
        engine = self.engine(FILES).start()
        engine.wait(engine.trigger("t.work"))
        engine.trigger("t.long")
        stats = until(lambda: (s := engine.ctl("store", "stats"))["live"]["runs"] >= 1 and s, "a live run")
        self.assertGreaterEqual(stats["history"]["runs"], 1)
        self.assertGreater(stats["log"]["bytes"], 0)
        self.assertEqual({one["kind"] for one in stats["kinds"]},
                         {"meta", "definitions", "slots", "runs", "instances", "attempts", "outputs",
                          "permits", "live", "index", "audit"})
        self.assertEqual(engine.call("store", "stats").returncode, DONE)
        engine.terminate()
        code, stopped = offline("store", "stats", "--data", engine.data)
        self.assertEqual(code, DONE)
        self.assertEqual(stopped["history"]["runs"] + stopped["live"]["runs"],
                         stats["history"]["runs"] + stats["live"]["runs"])

    def test_a_backup_under_load_is_restored_and_gone_on_with(self):
        engine = self.engine(FILES).start()
        backups = engine.home / "backups"
        ended = engine.trigger("t.work")
        engine.wait(ended)
        engine.ctl("store", "backup", backups)
        long = engine.trigger("t.long")
        engine.wait_state(long, "wait", "running")
        storm = [engine.trigger("t.work") for _ in range(5)]
        until(lambda: len(engine.record("starts")) > 15, "the storm")
        made = engine.ctl("store", "backup", backups, "--keep", "2")
        self.assertEqual(made["id"], 2)
        until(lambda: len(engine.record("starts")) > 25, "work after the backup")
        self.end_everything(engine)
        before = engine.record("starts")

        engine.data = engine.home / "restored"
        code, restored = offline("store", "restore", backups, "--data", engine.data)
        self.assertEqual(code, DONE)
        self.assertGreaterEqual(restored["lost_attempts"], 1)
        code, report = offline("store", "verify", "--data", engine.data)
        self.assert_sound(report)
        engine.start()
        self.assertGreater(engine.ctl("health")["epoch"], 1000)
        until(lambda: (again := engine.instances(long)["wait"])["state"] == "running" and again["attempt"] == 2,
              "the attempt after the lost one")
        attempts = engine.items("attempts", f"{long}/wait")
        self.assertEqual(attempts[0]["state"], "failed")
        self.assertEqual(attempts[0]["reason"], "launcher_lost")
        (engine.records / "open").touch()
        engine.wait(long)
        for run in storm:
            engine.wait(run)
        # What had ended when the backup was made is not touched.
        mine = [one for one in engine.record("starts") if one.startswith(f"{ended}/")]
        self.assertEqual(mine, [one for one in before if one.startswith(f"{ended}/")])
        self.assertEqual(engine.run(ended)["state"], "success")
        self.assert_sound(engine.ctl("store", "verify"))
        self.assertIn("store restore", [one["verb"] for one in engine.items("audit")])

    def test_a_restored_engine_on_hold_starts_nothing(self):
        engine = self.engine(FILES, ("--slots", "8", "--triggers", "off")).start()
        run = engine.trigger("t.long")
        engine.wait_state(run, "wait", "running")
        engine.ctl("store", "backup", engine.home / "backups")
        self.end_everything(engine)
        engine.data = engine.home / "restored"
        offline("store", "restore", engine.home / "backups", "--data", engine.data, "--hold")
        engine.start()
        self.assertTrue(engine.ctl("health")["held"])
        engine.wait_state(run, "wait", "pre_ready")
        self.assertEqual(len(engine.record("starts")), 1)
        engine.ctl("unhold")
        until(lambda: len(engine.record("starts")) == 2, "the next attempt")

    def test_a_stopped_engine_is_backed_up_too_and_backups_are_listed(self):
        engine = self.engine(FILES).start()
        run = engine.trigger("t.work")
        engine.wait(run)
        engine.terminate()
        backups = engine.home / "backups"
        for number in (1, 2, 3):
            code, made = offline("store", "backup", backups, "--data", engine.data, "--keep", 2)
            self.assertEqual((code, made["id"]), (DONE, number))
        code, listed = offline("store", "backup", backups, "--list")
        self.assertEqual([one["id"] for one in listed["items"]], [2, 3])
        shutil.rmtree(engine.data)
        self.assertEqual(offline("store", "restore", backups, "--data", engine.data, "--backup", 2)[0], DONE)
        engine.start()
        self.assertEqual(engine.run(run)["state"], "success")

    def test_what_cannot_be_is_refused_with_its_exit_code(self):
        engine = self.engine(FILES).start()
        home = engine.home
        for arguments, code in (
                (("store", "verify", "--data", engine.data), REFUSED),
                (("store", "stats", "--data", engine.data), REFUSED),
                (("store", "backup", home / "b", "--data", engine.data), REFUSED),
                (("store", "backup", engine.data / "b", "--server", engine.data), REFUSED),
                (("store", "backup", home / "t", "--server", engine.data), REFUSED),
                (("store", "restore", home / "b", "--data", home / "n"), NOT_FOUND),
                (("store", "restore", home / "b"), USAGE),
                (("store", "verify", "--data", home / "absent"), NOT_FOUND),
                (("store", "verify", "--mend"), USAGE),
                (("store", "tidy"), USAGE),
                (("store", "verify", engine.data), USAGE),
                (("store", "stats", "--data", ""), USAGE),
                (("store", "restore", home / "b", "--data", home / "n", "--keep", "3"), USAGE),
                (("store", "verify", "--server", home / "absent.sock"), NO_ENGINE)):
            with self.subTest(arguments):
                got, answer = offline(*arguments)
                self.assertEqual(got, code, answer)
                self.assertTrue(answer["error"]["message"])
        engine.ctl("store", "backup", home / "b")
        self.assertEqual(offline("store", "restore", home / "b", "--data", engine.data)[0], REFUSED)
        self.assertFalse((home / "absent").exists())

    def test_damage_is_found_named_and_where_it_follows_from_other_rows_mended(self):
        engine = self.engine(FILES).start()
        run = engine.trigger("t.work")
        engine.wait(run)
        engine.terminate()
        tables = sorted((engine.data / "store").glob("*.sst"), key=lambda one: one.stat().st_size)
        whole = tables[-1].read_bytes()
        tables[-1].write_bytes(whole[:30] + bytes([whole[30] ^ 0x10]) + whole[31:])
        code, report = offline("store", "verify", "--data", engine.data)
        self.assertEqual(code, FAILED)
        self.assertEqual(report["findings"][0]["rule"], "file_damaged")
        self.assertIn(tables[-1].name, report["findings"][0]["message"])
        tables[-1].write_bytes(whole)
        code, report = offline("store", "verify", "--data", engine.data, "--mend")
        self.assertEqual((code, report["mended"]), (DONE, 0))

    def test_what_the_machine_took_with_it_is_told_by_whoever_opens_the_store_first(self):
        engine = self.engine(FILES, ("--durability", "os")).start()
        engine.wait(engine.trigger("t.work"))
        engine.kill9()
        mirror = engine.data / "COMMIT"
        of_this_boot = mirror.read_text()

        def stop_of_the_machine():
            text = f"{mirror.read_text()[:39]}{'0' * 8}{of_this_boot[47:75]}"
            total = 0xcbf29ce484222325
            for byte in text.encode():
                total = (total ^ byte) * 0x100000001b3 % 2**64
            mirror.write_text(f"{text} sum {total:016x}\n")

        took = "the machine stopped while durability was `os`"
        for options in ((), ("--mend",)):
            with self.subTest(options=options):
                stop_of_the_machine()
                code, report = offline("store", "verify", "--data", engine.data, *options)
                self.assertEqual(code, DONE)
                self.assertEqual([one["rule"] for one in report["findings"] if one["note"]], ["commits_lost"])
                self.assertIn(took, report["findings"][0]["message"])
        engine.start()
        engine.kill9()
        stop_of_the_machine()
        code, made = offline("store", "backup", engine.home / "backups", "--data", engine.data)
        self.assertEqual(code, DONE)
        self.assertIn(took, made["notice"])
        code, made = offline("store", "backup", engine.home / "backups", "--data", engine.data)
        self.assertNotIn("notice", made)


if __name__ == "__main__":
    unittest.main()
