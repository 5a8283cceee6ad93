#!/usr/bin/env python3
"""A client of Pinion's API: the standard library over the engine's Unix socket.

    python3 pinion_client.py DIR/pinion.sock WORKFLOW [NAME=VALUE]...

makes a run, waits for its end and prints what its tasks wrote. What the API can do is told by the
engine itself, at /api/v1/openapi.json.
"""
import http.client
import json
import socket
import sys
from urllib.parse import quote, urlencode


class Problem(Exception):
    """An answer of 400 or more. `error` is the API's object: code, message, suggestion, details."""

    def __init__(self, status, error):
        super().__init__(f"{status}: {error['message']}. {error['suggestion']}".rstrip(". "))
        self.status = status
        self.error = error


class Connection(http.client.HTTPConnection):
    """HTTP/1.1 over a Unix socket; the host's name is not used."""

    def __init__(self, path, timeout):
        super().__init__("pinion", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Pinion:
    """One engine, over one connection that is kept."""

    def __init__(self, socket_path, timeout=90):
        self.connection = Connection(socket_path, timeout)

    def request(self, method, path, query=None, body=None, headers=None):
        """Returns status, headers and bytes of one answer, whatever its status."""
        target = "/api/v1" + path + ("?" + urlencode(query) if query else "")
        payload = None if body is None else json.dumps(body)
        self.connection.request(method, target, payload, {"Content-Type": "application/json",
                                                          **(headers or {})})
        answer = self.connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def ask(self, method, path, query=None, body=None, headers=None):
        """Returns the JSON of an answer; raises Problem for one of 400 or more."""
        status, _, text = self.request(method, path, query, body, headers)
        if status >= 400:
            raise Problem(status, json.loads(text)["error"])
        return json.loads(text)

    def get(self, path, **query):
        return self.ask("GET", path, query)

    def post(self, path, **body):
        return self.ask("POST", path, body=body)

    def items(self, path, **query):
        """Yields all things of a list, page by page."""
        cursor = None
        while True:
            page = self.get(path, **query, **({"cursor": cursor} if cursor else {}))
            yield from page["items"]
            cursor = page["next"]
            if not cursor:
                return

    def wait(self, run):
        """Returns the run once it has ended: each request waits up to 30 s."""
        while True:
            now = self.get(f"/runs/{quote(run)}/wait", timeout_ms=30000)
            if now["state"] in ("success", "failed", "cancelled", "skipped"):
                return now

    def log(self, instance):
        """Returns the bytes that the newest attempt of an instance wrote."""
        text, offset = b"", 0
        while True:
            status, headers, part = self.request("GET", "/logs", {"ref": instance, "offset": offset})
            if status != 200:
                raise Problem(status, json.loads(part)["error"])
            text, offset = text + part, int(headers["Pinion-Next-Offset"])
            if offset >= int(headers["Pinion-Size"]):
                return text


def main(socket_path, workflow, *values):
    engine = Pinion(socket_path)
    params = dict(value.split("=", 1) for value in values)
    run = engine.wait(engine.post("/trigger", workflow=workflow, params=params)["id"])
    for instance in engine.items("/instances", run=run["id"]):
        print(f"{instance['id']}: {instance['state']}")
        if instance["attempt"]:
            sys.stdout.write(engine.log(instance["id"]).decode(errors="replace"))
    print(f"{run['id']}: {run['state']}")
    return 0 if run["state"] == "success" else 1


if __name__ == "__main__":
    try:
        sys.exit(main(*sys.argv[1:]))
    except Problem as problem:
        sys.exit(str(problem))
