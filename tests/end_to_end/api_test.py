"""The API as it describes itself: each answer has the form that the OpenAPI document promises."""
import json
import re
import subprocess
import sys
import unittest
from pathlib import Path
from urllib.parse import quote

from harness import EXAMPLES, EngineTest

sys.path.insert(0, str(EXAMPLES / "client"))
from pinion_client import Pinion, Problem  # noqa: E402

FILES = """
workflow: load
owner: ds
labels: {tier: gold}
params: {brand: A}
vars: {schema: dw}
overlap: allow
triggers:
  - {id: nightly, cron: "0 2 * * *"}
tasks:
  first: {run: 'echo "n=1" >> "$PINION_OUTPUT"; echo hello'}
  train: {needs: first, for_each: {x: [1, 2]}, pool: models, run: 'echo {{ x }}'}
---
workflow: holds
tasks:
  hold: {pool: models, run: 'until [ -e "@DIR@/go" ]; do sleep 0.05; done'}
---
workflow: fails
tasks:
  bad: {run: 'exit 3'}
"""
SETTINGS = "pools: {models: 2}\nchannels: {ops: {log: true}}\n"


class Form:
    """Checks values against schemas of the document. Objects with properties are closed: a key
    that the document does not name is a fault."""

    def __init__(self, document):
        self.document = document
        self.faults = []

    def resolved(self, at):
        while "$ref" in at:
            found = self.document
            for part in at["$ref"].split("/")[1:]:
                found = found[part]
            at = found
        return at

    def faults_of(self, value, schema, where):
        before, self.faults = self.faults, []
        self.check(value, schema, where)
        found, self.faults = self.faults, before
        return found

    def check(self, value, schema, where):
        schema = self.resolved(schema)
        if "oneOf" in schema:
            tries = [self.faults_of(value, one, where) for one in schema["oneOf"]]
            if all(tries):
                self.faults += min(tries, key=len)
            return
        types = schema.get("type", [])
        types = [types] if isinstance(types, str) else types
        is_of = {"string": lambda: isinstance(value, str),
                 "integer": lambda: isinstance(value, int) and not isinstance(value, bool),
                 "number": lambda: isinstance(value, (int, float)) and not isinstance(value, bool),
                 "boolean": lambda: isinstance(value, bool), "null": lambda: value is None,
                 "array": lambda: isinstance(value, list), "object": lambda: isinstance(value, dict)}
        if types and not any(is_of[one]() for one in types):
            self.faults.append(f"{where}: {value!r} is no {types}")
            return
        if "enum" in schema and value not in schema["enum"]:
            self.faults.append(f"{where}: {value!r} is none of {schema['enum']}")
        if "pattern" in schema and isinstance(value, str) and not re.search(schema["pattern"], value):
            self.faults.append(f"{where}: {value!r} is not like {schema['pattern']}")
        if isinstance(value, list):
            for number, one in enumerate(value):
                self.check(one, schema.get("items", {}), f"{where}[{number}]")
        if isinstance(value, dict):
            self.check_object(value, schema, where)

    def check_object(self, value, schema, where):
        properties = schema.get("properties", {})
        for key in schema.get("required", []):
            if key not in value:
                self.faults.append(f"{where}: there is no '{key}'")
        for key, one in value.items():
            if key in properties:
                self.check(one, properties[key], f"{where}.{key}")
            elif isinstance(schema.get("additionalProperties"), dict):
                self.check(one, schema["additionalProperties"], f"{where}.{key}")
            elif properties and not schema.get("additionalProperties"):
                self.faults.append(f"{where}: '{key}' is not described")


class Api(EngineTest):
    files = {"pinion.yaml": SETTINGS, "load.yaml": FILES}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.api = Pinion(cls.engine.data / "pinion.sock")
        cls.document = cls.api.get("/openapi.json")

    def holds(self, method, path, status=200, query=None, body=None, **parts):
        """Asks, and checks the answer against the document; returns it."""
        target = path
        for name, value in parts.items():
            target = target.replace("{" + name + "}", quote(value))
        got, _, text = self.api.request(method, target, query, body)
        operation = self.document["paths"]["/api/v1" + path][method.lower()]
        self.assertEqual(got, status, text)
        answers = operation["responses"]
        form = Form(self.document)
        promised = form.resolved(answers.get(str(got), answers["default"]))
        value = json.loads(text)
        form.check(value, promised["content"]["application/json"]["schema"], path)
        self.faults += form.faults
        self.seen.add((method.lower(), "/api/v1" + path))
        return value

    def test_every_answer_has_the_form_that_the_document_promises(self):
        self.seen, self.faults = set(), []
        get = lambda path, query=None, **parts: self.holds("GET", path, 200, query, **parts)
        post = lambda path, body, status=200, **parts: self.holds("POST", path, status, None, body, **parts)
        run = post("/trigger", {"workflow": "t.load", "key": "k", "reason": "test"}, 201)["id"]
        post("/trigger", {"workflow": "t.load", "key": "k"}, 200)
        self.engine.wait(run)
        held = post("/trigger", {"workflow": "t.holds"}, 201)["id"]
        self.engine.wait_state(held, "hold", "running")
        bad = post("/trigger", {"workflow": "t.fails"}, 201)["id"]
        self.engine.wait(bad, "failed")
        post("/operations", {"operation": "rerun", "ref": bad, "dry_run": True})
        post("/operations", {"operation": "succeed", "ref": bad + "/bad"})
        post("/operations", {"operation": "freeze", "ref": "t.fails.bad"})
        post("/operations", {"operation": "thaw", "ref": "t.fails.bad"})
        span = {"target": "t.load/nightly", "from": "2026-11-01", "to": "2026-11-02"}
        post("/backfills", {**span, "dry_run": True})
        backfill = post("/backfills", {**span, "hours": "00:00-23:59", "params": {"brand": "B"}}, 201)["id"]
        for word in ("pause", "resume", "cancel"):
            post(f"/backfills/{{backfill}}/{word}", {}, backfill=backfill)
        for word in ("pause", "resume"):
            post(f"/{word}", {"target": "t.load/nightly"})
        post("/pause", {"target": "t.load"})
        for word in ("hold", "unhold"):
            post(f"/{word}", {})
        file = {"path": "/w/other.yaml", "text": "workflow: other\ntasks: {a: {type: empty}}\n"}
        post("/apply", {"files": [file], "dry_run": True})
        post("/apply", {"files": [file]})
        get("/versions/{version}", version="w.other:v1")
        post("/diff", {"from": "t.load:v1"})
        post("/diff", {"files": [{**file, "text": file["text"].replace("empty", "empty, title: x")}]})
        post("/restore", {"version": "w.other:v1"})
        self.holds("DELETE", "/workflows/{workflow}", 200, {"dry_run": "true"}, workflow="w.other")
        self.holds("DELETE", "/workflows/{workflow}", 200, None, workflow="w.other")
        for path in ("/workflows", "/versions", "/triggers", "/vars", "/runs", "/instances", "/pools",
                     "/permits", "/channels", "/backfills", "/audit"):
            with self.subTest(path):
                self.assertTrue(get(path)["items"], "an empty list shows nothing")
        get("/versions", {"workflow": "t.load"})
        get("/slots", {"state": "planned"})
        get("/workflows/{workflow}", workflow="t.load")
        get("/preview", {"workflow": "t.load", "count": 2})
        get("/runs/{run}", run=run)
        get("/runs/{run}/wait", {"timeout_ms": 1}, run=held)
        get("/attempts", {"ref": run + "/first"})
        for ref in ("t.load", "t.load/nightly", run, run + "/first", run + "/train", backfill):
            get("/describe", {"ref": ref})
        for ref in ("t.load", run, held + "/hold"):
            get("/graph", {"ref": ref, "across": "true"})
        for ref in ("t.load", "t.load/nightly", run, held, held + "/hold", backfill):
            get("/why", {"ref": ref})
        get("/logs/times", {"ref": run + "/first", "offsets": "0,3"})
        post("/pools", {"pool": "t.models", "permits": 3})
        get("/pools")
        post("/pools", {"pool": "t.models", "permits": None})
        get("/plan", {"workflow": "t.load"})
        get("/plan/instances", {"workflow": "t.load"})
        get("/backfills/{backfill}", backfill=backfill)
        get("/backfills/{backfill}/items", backfill=backfill)
        get("/projects/{project}", project="t")
        get("/render", {"ref": "t.load"})
        post("/run", {"definition": {"workflow": "once", "tasks": {"only": {"type": "empty"}}}}, 201)
        post("/store/backup", {"folder": str(self.engine.home / "backups")})
        for path in ("/store/verify", "/store/stats", "/top", "/wheel", "/health", "/version", "/openapi.json"):
            get(path)
        self.assertEqual(self.api.log(run + "/first"), b"hello\n")
        (self.engine.records / "go").touch()
        self.engine.wait(held)
        self.assertEqual(self.faults, [], "see schema/openapi.json")
        described = {(method, path) for path, operations in self.document["paths"].items()
                     for method in operations}
        shown = described - self.seen - {
            ("get", "/api/v1/logs"), ("get", "/api/v1/logs/follow"), ("get", "/api/v1/watch"), ("post", "/api/v1/shutdown")}
        self.assertEqual(shown, set(), "nobody has looked at these answers")

    def test_a_refusal_is_a_problem_object(self):
        self.seen, self.faults = set(), []
        self.holds("GET", "/runs/{run}", 404, run="r99999")
        self.holds("GET", "/runs", 400, {"stat": "failed"})
        self.holds("GET", "/runs", 400, {"limit": "0"})
        self.holds("POST", "/trigger", 400, body={"workflow": "t.load", "parms": {}})
        self.holds("POST", "/apply", 400, body={"files": [{"path": "/w/x.yaml", "text": "workflow: x\n"}]})
        self.assertEqual(self.faults, [])

    def test_lists_go_on_where_a_page_ended_while_things_come_and_go(self):
        def page(cursor=None):
            return self.api.get("/runs", workflow="t.load", limit=2, **({"cursor": cursor} if cursor else {}))

        made = [self.engine.trigger("t.load") for _ in range(5)]
        for run in made:
            self.engine.wait(run)
        first = page()
        # Newest first: a run that comes now stands before the first page, not on the second.
        self.engine.wait(self.engine.trigger("t.load"))
        second = page(first["next"])
        self.assertEqual([one["id"] for one in first["items"] + second["items"]], made[:0:-1])

    def test_what_is_known_already_is_not_sent_again(self):
        path = "/versions"
        status, headers, _ = self.api.request("GET", path, {"workflow": "t.load"})
        self.assertEqual(status, 200)
        tag = headers["ETag"]
        status, headers, text = self.api.request("GET", path, {"workflow": "t.load"},
                                                 headers={"If-None-Match": tag})
        self.assertEqual((status, headers["ETag"], text), (304, tag, b""))
        status, headers, text = self.api.request("GET", path, {"workflow": "t.fails"},
                                                 headers={"If-None-Match": tag})
        self.assertEqual(status, 200)
        self.assertNotEqual(headers["ETag"], tag)

    def test_the_example_clients_run_a_workflow(self):
        socket = self.engine.data / "pinion.sock"
        done = subprocess.run([sys.executable, EXAMPLES / "client" / "pinion_client.py", socket, "t.load", "brand=B"],
                              capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?s)^r\d+/first: success\nhello\n.*\nr\d+: success\n$")
        done = subprocess.run([EXAMPLES / "client" / "run.sh", socket, "t.fails"], capture_output=True, text=True,
                              timeout=120, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stdout, r"^r\d+: failed\n$")
        done = subprocess.run([sys.executable, EXAMPLES / "client" / "pinion_client.py", socket, "t.lod"],
                              capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("404: There is no workflow 't.lod'", done.stderr)

    def test_a_problem_of_the_client_carries_the_error(self):
        with self.assertRaises(Problem) as caught:
            self.api.get("/runs", stat="failed")
        self.assertEqual(caught.exception.error["code"], "invalid")
        self.assertIn("state", caught.exception.error["suggestion"])


if __name__ == "__main__":
    unittest.main()
