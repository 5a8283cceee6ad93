"""Definitions over time: versions, what differs, restoring, who owns a workflow, retiring."""
import contextlib
import json
import shutil
import sys
import threading
import unittest

from harness import DONE, EXAMPLES, FAILED, NOT_FOUND, REFUSED, USAGE, EngineTest, OwnEngineTest, until

sys.path.insert(0, str(EXAMPLES / "client"))
from pinion_client import Pinion  # noqa: E402

LOAD = """workflow: load
params: {{brand: A}}
triggers:
  - {{id: nightly, cron: "{cron}"}}
tasks:
  first:
    retry: {{max: {retries}, delay: 90s}}
    run: |
      echo one
      echo {word}
      echo three
  last: {{needs: first, run: 'true'}}
"""


class Versions(EngineTest):
    files = {"other.yaml": "workflow: other\ntasks: {a: {type: empty}}\n"}

    def apply(self, name, text, *arguments, code=DONE):
        path = self.engine.home / "api" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return self.engine.ctl("apply", path, *arguments, code=code)

    def load(self, name, **values):
        text = LOAD.format(**{"cron": "0 2 * * *", "retries": 0, "word": "two", **values})
        self.apply("load.yaml", text.replace("workflow: load", f"workflow: {name}"))
        return self.engine.home / "api" / "load.yaml"

    def test_versions_are_listed_shown_and_compared(self):
        self.load("seen")
        self.load("seen", retries=3, word="zwei")
        file = self.load("seen", cron="0 3 * * *", retries=3, word="zwei")
        listed = self.engine.items("versions", "api.seen")
        self.assertEqual([(one["id"], one["current"]) for one in listed],
                         [("api.seen:v3", True), ("api.seen:v2", False), ("api.seen:v1", False)])
        shown = self.engine.ctl("get", "versions", "api.seen:v1")
        self.assertEqual(shown["definition"]["tasks"]["last"]["needs"], ["first"])
        self.assertEqual(self.engine.call("get", "versions", "api.seen:v9").returncode, NOT_FOUND)

        between = self.engine.ctl("diff", "api.seen:v1", "api.seen:v2", code=FAILED)["items"][0]
        self.assertEqual(between["changes"],
                         [{"path": "tasks.first.retry.max", "change": "added", "from": None, "to": 3},
                          {"path": "tasks.first.run", "change": "changed",
                           "from": "echo one\necho two\necho three\n", "to": "echo one\necho zwei\necho three\n"}])
        self.assertEqual(self.engine.ctl("diff", "api.seen:v1", code=FAILED)["items"][0]["to"], "api.seen:v3")
        self.assertTrue(self.engine.ctl("diff", "api.seen:v3", "api.seen:v3")["items"][0]["same"])
        told = self.engine.call("diff", "api.seen:v2", file)
        self.assertEqual(told.returncode, FAILED)
        self.assertIn("triggers.nightly.when.cron:\n  - 0 2 * * *\n  + 0 3 * * *\n", told.stdout)
        told = self.engine.call("diff", "api.seen:v1", file)
        self.assertIn("tasks.first.run:\n    echo one\n  - echo two\n  + echo zwei\n    echo three\n", told.stdout)

    def test_files_are_compared_with_what_the_engine_has(self):
        file = self.load("filed")
        self.assertEqual(self.engine.call("diff", file).stdout, "api.filed:v1 -> files: the same\n")
        file.write_text(file.read_text() + "---\nworkflow: fresh\ntasks: {a: {type: empty}}\n")
        told = self.engine.call("diff", file)
        self.assertEqual(told.returncode, FAILED)
        self.assertIn("api.fresh: the engine does not have it\n", told.stdout)
        self.assertEqual(self.engine.call("diff", file, "-o", "name").stdout, "api.fresh\n")
        self.assertEqual(self.engine.call("diff", "t.other", file).returncode, NOT_FOUND)
        file.write_text("workflow: broken\n")
        told = self.engine.ctl("diff", file, code=FAILED)
        self.assertIn("nothing was compared", told["error"]["message"])
        self.assertEqual(told["error"]["details"][0]["line"], 1)
        self.assertEqual(self.engine.call("diff", "no/such/file").returncode, USAGE)

    def test_an_older_version_is_restored_as_the_newest(self):
        self.load("back")
        self.load("back", word="wrong")
        rehearsed = self.engine.ctl("apply", "--restore", "api.back:v1", "--dry-run")
        self.assertEqual(rehearsed["items"][0]["version"], 3)
        self.assertEqual(self.engine.ctl("get", "workflows", "api.back")["version"], 2)
        self.engine.ctl("apply", "--restore", "api.back:v1", "--reason", "v2 is wrong")
        hashes = [one["hash"] for one in self.engine.items("versions", "api.back")]
        self.assertEqual(hashes[0], hashes[2])
        self.assertNotEqual(hashes[0], hashes[1])
        run = self.engine.trigger("api.back")
        self.engine.wait(run)
        self.assertEqual(self.engine.run(run)["version"], 3)
        self.assertIn("echo two", json.dumps(self.engine.ctl("get", "versions", "api.back:v3")))
        self.assertIn("v2 is wrong", [one["reason"] for one in self.engine.items("audit", "--since", "1h")])
        self.assertEqual(self.engine.call("apply", "--restore", "api.back:v7").returncode, NOT_FOUND)
        self.assertEqual(self.engine.call("apply", "--restore", "api.back:v1", "x.yaml").returncode, USAGE)

    def test_a_change_by_a_stale_version_is_refused_and_of_many_at_once_one_is_taken(self):
        file = self.load("race")
        self.assertEqual(self.engine.call("apply", file, "--if-version", "none").returncode, REFUSED)
        self.load("race", word="zwei")
        stale = self.engine.ctl("apply", file, "--if-version", "v1", code=REFUSED)["error"]
        self.assertEqual(stale["code"], "stale")
        self.assertIn("api.race stands at v2", stale["message"])
        self.assertEqual(self.engine.call("apply", "--restore", "api.race:v1", "--if-version", "v1").returncode, REFUSED)
        # Each goes by v2, and all come at the same time.
        results = []

        def change(number):
            text = file.read_text().replace("zwei", f"word{number}")
            api = Pinion(self.engine.data / "pinion.sock")
            with contextlib.closing(api.connection):
                body = {"files": [{"path": "/x/api/load.yaml", "text": text}]}
                results.append(api.request("POST", "/apply", body=body, headers={"If-Match": '"api.race:v2"'})[0])

        threads = [threading.Thread(target=change, args=(number,)) for number in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        self.assertEqual(sorted(results), [200] + [412] * 7)
        self.assertEqual(self.engine.ctl("get", "versions", "api.race")["items"][0]["version"], 3)

    def test_a_workflow_belongs_to_its_file_or_to_the_api(self):
        folder = self.engine.home / "t2" / "t"
        folder.mkdir(parents=True)
        (folder / "other.yaml").write_text("workflow: other\ntasks: {b: {type: empty}}\n")
        told = self.engine.ctl("apply", folder / "other.yaml", code=REFUSED)
        self.assertIn("belongs to the file", told["error"]["message"])
        self.assertIn("edit that file", told["error"]["suggestion"])
        self.engine.write("other.yaml", "workflow: other\ntasks: {a: {type: empty}, c: {type: empty}}\n")
        until(lambda: self.engine.ctl("get", "workflows", "t.other")["version"] == 2, "version 2")
        told = self.engine.ctl("apply", "--restore", "t.other:v1", code=REFUSED)
        self.assertIn("belongs to the file", told["error"]["message"])


class Retiring(OwnEngineTest):
    def set_of(self, engine, count):
        for number in range(count):
            engine.write(f"w{number}.yaml", f"workflow: w{number}\ntasks: {{a: {{type: empty}}}}\n")

    def live(self, engine):
        return {one["id"] for one in engine.items("workflows")}

    def test_a_removed_file_retires_its_workflow_and_brings_it_back(self):
        engine = self.engine()
        self.set_of(engine, 5)
        engine.start()
        run = engine.trigger("t.w0")
        engine.wait(run)
        text = (engine.workflows / "w0.yaml").read_text()
        (engine.workflows / "w0.yaml").unlink()
        until(lambda: "t.w0" not in self.live(engine), "t.w0 to be retired")
        self.assertEqual(len(self.live(engine)), 4)
        # Its history stays, and it makes no runs.
        self.assertEqual(engine.run(run)["state"], "success")
        self.assertTrue(engine.ctl("get", "workflows", "t.w0")["retired"])
        self.assertEqual(engine.call("trigger", "t.w0").returncode, REFUSED)
        engine.write("w0.yaml", text)
        until(lambda: "t.w0" in self.live(engine), "t.w0 to come back")
        self.assertEqual(engine.ctl("get", "workflows", "t.w0")["version"], 1)
        engine.wait(engine.trigger("t.w0"))

    def test_more_than_a_fifth_at_once_is_kept_until_prune(self):
        engine = self.engine()
        self.set_of(engine, 10)
        engine.start()
        # Two of ten are a fifth: an intention.
        for number in (8, 9):
            (engine.workflows / f"w{number}.yaml").unlink()
        until(lambda: len(self.live(engine)) == 8, "two to be retired")
        # Two of eight are more.
        for number in (6, 7):
            (engine.workflows / f"w{number}.yaml").unlink()
        until(lambda: engine.call("health").returncode == FAILED, "the problem to be told")
        told = engine.ctl("health", code=FAILED)["problems"]
        self.assertIn("2 of 8 workflows vanished at once: `apply --prune` retires them", told[0])
        self.assertEqual(len(self.live(engine)), 8)
        # A part of the folder says nothing about what vanished of it.
        (engine.workflows / "sub").mkdir()
        self.assertEqual(engine.call("apply", "--prune", engine.workflows / "sub").returncode, REFUSED)
        rehearsed = engine.ctl("apply", "--prune", "--dry-run", engine.workflows)["items"]
        self.assertEqual({one["workflow"] for one in rehearsed if one["change"] == "retired"}, {"t.w6", "t.w7"})
        self.assertEqual(len(self.live(engine)), 8)
        done = engine.ctl("apply", "--prune", engine.workflows)["items"]
        self.assertEqual({one["change"] for one in done}, {"retired", "unchanged"})
        self.assertEqual(len(self.live(engine)), 6)

    def test_what_the_api_owns_is_pruned_by_project(self):
        engine = self.engine().start()
        folder = engine.home / "api"
        folder.mkdir()
        for number in range(4):
            (folder / f"w{number}.yaml").write_text(f"workflow: w{number}\ntasks: {{a: {{type: empty}}}}\n")
        engine.ctl("apply", folder)
        for number in (1, 2, 3):
            (folder / f"w{number}.yaml").unlink()
        engine.ctl("apply", folder)
        self.assertEqual(len(self.live(engine)), 4)
        engine.ctl("apply", "--prune", folder)
        self.assertEqual(self.live(engine), {"api.w0"})
        shutil.rmtree(folder)


if __name__ == "__main__":
    unittest.main()
