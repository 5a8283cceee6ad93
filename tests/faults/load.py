"""The load of the crash runs: workflows whose tasks leave a record outside, and who starts them.

Each process of a task appends lines to a file of its instance, one write each: `+ attempt fence` when it begins and
`- attempt` when it ends. Nothing of Pinion reads or writes these files.
"""
import contextlib
import http.client
import json
import socket
import urllib.parse

from harness import TERMINAL, until

# One process of a task. $1 is what it does between its two lines.
SCRIPT = """\
file=@DIR@/$PINION_RUN.$PINION_TASK.$PINION_INDEX
echo "+ $PINION_ATTEMPT $PINION_FENCE" >> "$file"
case $1 in
quick) ;;
slow) sleep 0.4 ;;
flaky) [ "$PINION_ATTEMPT" -ge 3 ] || { echo "- $PINION_ATTEMPT" >> "$file"; exit 75; } ;;
bad) echo "- $PINION_ATTEMPT" >> "$file"; exit 1 ;;
stuck) sleep 600 ;;
noisy) for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo "line $i"; sleep 0.2; done ;;
pooled)
  echo "+ $PINION_FENCE" >> @DIR@/pool
  sleep 0.05
  echo "- $PINION_FENCE" >> @DIR@/pool ;;
tell) echo "n=$PINION_RUN" >> "$PINION_OUTPUT" || { echo "- $PINION_ATTEMPT" >> "$file"; exit 1; } ;;
told) [ "$2" = "$PINION_RUN" ] || { echo "- $PINION_ATTEMPT wrong input $2" >> "$file"; exit 1; } ;;
esac
echo "- $PINION_ATTEMPT" >> "$file"
"""

POOL_UNITS = 3

PROJECT = f"""\
project: t
pools: {{gate: {POOL_UNITS}}}
channels: {{ops: {{log: true}}}}
"""


def workflows(wide, retries, flaky="{max: 9, delay: 300ms}"):
    """The files of the load. `wide`: elements of the fan-out; `retries`: a retry policy for every task that has to
    succeed in the end; `flaky`: that of the task that succeeds at its third attempt."""
    lists = ", ".join(map(str, range(wide)))
    return {
        "pinion.yaml": PROJECT,
        "task.sh": SCRIPT,
        "load.yaml": f"""
workflow: load
overlap: allow
max_active_runs: 1000
defaults: {{grace: 1s, retry: {retries}}}
tasks:
  first:  {{run: [sh, task.sh, tell]}}
  wide:   {{needs: first, for_each: {{x: [{lists}]}}, run: [sh, task.sh, quick]}}
  pooled: {{needs: first, for_each: {{x: [0, 1, 2, 3, 4, 5]}}, pool: gate, run: [sh, task.sh, pooled]}}
  slow:   {{needs: first, for_each: {{x: [0, 1]}}, run: [sh, task.sh, slow]}}
  flaky:  {{needs: first, retry: {flaky}, run: [sh, task.sh, flaky]}}
  bad:    {{needs: first, fallback: good, retry: {{max: 0, delay: 1s}}, run: [sh, task.sh, bad],
           on_failure: [{{alert: ops}}]}}
  good:   {{run: [sh, task.sh, quick]}}
  stuck:  {{needs: first, fallback: freed, timeout: {{attempt: 1s}}, retry: {{max: 0, delay: 1s}},
           run: [sh, task.sh, stuck]}}
  freed:  {{run: [sh, task.sh, quick]}}
  checked: {{needs: first, run: [sh, task.sh, quick], checks: [{{command: ['true']}}]}}
  called: {{needs: first, type: workflow, workflow: inner}}
  told:   {{needs: [first, checked], run: [sh, task.sh, told, "{{{{ inputs.first.n }}}}"]}}
  gate:   {{needs: [wide, pooled, slow, flaky], type: empty}}
  last:   {{needs: [gate, bad, stuck, called, told], run: [sh, task.sh, quick]}}
---
workflow: inner
overlap: allow
max_active_runs: 1000
defaults: {{grace: 1s, retry: {retries}}}
tasks:
  deep: {{run: [sh, task.sh, quick]}}
""",
        "ticks.yaml": f"""
workflow: ticks
triggers:
  - {{id: even, cron: "*/2 * * * * *", misfire: {{policy: all, within: 1d, max: 1000}}}}
overlap: allow
max_active_runs: 1000
defaults: {{grace: 1s, retry: {retries}}}
tasks:
  tick: {{run: [sh, task.sh, quick]}}
  tock: {{needs: tick, run: [sh, task.sh, quick]}}
"""}


# How an instance of the load ends; of all others: success.
ENDS = {"bad": "failed", "stuck": "failed"}
# Instances that have no process of their own.
WITHOUT_PROCESS = {"gate", "called"}


class Refused(Exception):
    """The engine said no: nothing may have come of it."""

    def __init__(self, status, text):
        super().__init__(f"{status} {text}")
        self.status = status


class Unknown(Exception):
    """Nobody answered to the end: something may have come of it or not."""


class Client:
    """The engine's API over its socket, a connection for each request."""

    def __init__(self, path):
        self.path = str(path)

    def ask(self, method, path, body=None, timeout=60, any_status=False, **query):
        link = http.client.HTTPConnection("pinion", timeout=timeout)
        try:
            link.sock = socket.socket(socket.AF_UNIX)
            link.sock.settimeout(timeout)
            link.sock.connect(self.path)
            if query:
                path += "?" + urllib.parse.urlencode(query)
            link.request(method, "/api/v1/" + path, None if body is None else json.dumps(body),
                         {} if body is None else {"Content-Type": "application/json"})
            answer = link.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as why:
            raise Unknown(repr(why)) from None
        finally:
            link.close()
        if answer.status >= 400 and not any_status:
            raise Refused(answer.status, text.decode(errors="replace"))
        return answer.status, json.loads(text)

    def get(self, path, **query):
        return self.ask("GET", path, **query)[1]

    def post(self, path, **body):
        return self.ask("POST", path, body)[1]

    def insist(self, path, **body):
        """Posts until somebody answers: only for what may be asked twice."""
        def ask():
            with contextlib.suppress(Unknown):
                return self.post(path, **body)
        return until(ask, f"an answer to {path} {body}", 60)

    def items(self, path, **query):
        found, cursor = [], {}
        while True:
            page = self.get(path, limit=1000, **query, **cursor)
            found += page["items"]
            if not page.get("next"):
                return found
            cursor = {"cursor": page["next"]}

    def health(self):
        """Returns the status and the answer; None while nobody answers."""
        try:
            return self.ask("GET", "health", timeout=10, any_status=True)
        except Unknown:
            return None, None


class Starter:
    """Starts runs of the load with keys, and remembers what the engine said to each."""

    def __init__(self, client):
        self.client = client
        self.runs = {}      # key -> run id, acknowledged
        self.unknown = []   # keys whose answer did not come
        self.refused = {}   # key -> status
        self.count = 0

    def start(self):
        """Asks for one more run; returns whether it was acknowledged."""
        self.count += 1
        key = f"k{self.count}"
        try:
            self.runs[key] = self.client.post("trigger", workflow="t.load", key=key)["id"]
            return True
        except Unknown:
            self.unknown.append(key)
        except Refused as no:
            self.refused[key] = no.status
        return False

    def taken(self):
        """How many runs there are, or may be."""
        return len(self.runs) + len(self.unknown)

    def settle(self):
        """Asks again for every run whose answer did not come: it must be there once, then."""
        for key in self.unknown:
            self.runs[key] = self.client.insist("trigger", workflow="t.load", key=key)["id"]
        self.unknown = []


def all_ended(client, *more):
    """Whether nothing of the load, and of the workflows `more`, is still to be done."""
    return all(run["state"] in TERMINAL for workflow in ("t.load", "t.inner", *more)
               for run in client.items("runs", workflow=workflow))
