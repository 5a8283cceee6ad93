"""python3 -m demo: started by ./dev demo."""
import argparse
import signal
import sys
import time
from pathlib import Path

from demo import progress, summary
from demo.engine import DemoFailed, Engine, data_folder

WORKFLOW = "ml.train"
RUN_LIMIT = 300     # seconds for the run that the demo triggers
MINUTE_LIMIT = 180  # seconds until the minute's run has ended too


def say(text):
    print(f"== {text}", flush=True)


def runs(engine):
    return engine.ask("get", "runs", "--workflow", WORKFLOW, "--limit", "100")["items"]


def follow(engine, run_id, limit):
    """Shows the run until it has ended; returns it with its instances."""
    view = progress.view()
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        # The run is asked first: what is read after its end is final.
        run = next(one for one in runs(engine) if one["id"] == run_id)
        instances = engine.ask("get", "instances", "--run", run_id, "--limit", "100")["items"]
        view.draw(instances)
        if run["state"] in progress.TERMINAL:
            view.close()
            return run, instances
        time.sleep(0.4)
    raise DemoFailed(f"run {run_id} did not end within {limit} s")


def wait_for_minute(engine, limit):
    """Returns the first run that the minute trigger made by itself, once it has ended."""
    deadline = time.monotonic() + limit
    told = None
    while time.monotonic() < deadline:
        fired = [one for one in runs(engine) if one["trigger"] == "minutely"]
        active = [one for one in fired if one["state"] != "planned"]
        for run in sorted(active, key=lambda one: one["slot"]):
            if run["state"] in progress.TERMINAL:
                return run
            if told != run["id"]:
                told = run["id"]
                say(f"slot {run['slot']} has fired: run {run['id']}")
                return follow(engine, run["id"], limit)[0]
        time.sleep(0.5)
    raise DemoFailed(f"the minute trigger made no run within {limit} s")


def demonstrate(engine, options):
    say(f"starting the engine over {options.examples}; its log is {engine.log}")
    engine.clear()
    engine.start()
    say(f"triggering {WORKFLOW}")
    run_id = engine.ask("trigger", WORKFLOW, "--key", "demo", "--reason", "./dev demo")["id"]
    run, instances = follow(engine, run_id, RUN_LIMIT)
    say(f"run {run_id} ended: {run['state']}")
    say("waiting for the minute trigger to start the workflow by itself")
    minute_run = wait_for_minute(engine, MINUTE_LIMIT)
    text = summary.describe(run, instances, minute_run, engine.restarts)
    (Path(options.home) / "summary.txt").write_text("\n".join(text) + "\n", encoding="utf-8")
    print("\n" + "\n".join(text) + "\n", flush=True)
    print("\n".join(summary.further(options.bin, engine.data, options.examples, run_id)) + "\n")
    return run["state"] == "success" and minute_run["state"] == "success"


def main():
    parser = argparse.ArgumentParser(prog="demo")
    for name in ("bin", "examples", "home"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.default_int_handler)
    home = Path(options.home)
    engine = Engine(options.bin, data_folder(home), options.examples, home / "engine.log", say)
    good = False
    try:
        good = demonstrate(engine, options)
    except DemoFailed as failure:
        print(f"demo: {failure}", file=sys.stderr)
    except KeyboardInterrupt:
        print("demo: interrupted", file=sys.stderr)
        return 130
    finally:
        say("stopping the engine")
        engine.stop()
    say(f"demo: done; the summary is {home / 'summary.txt'}" if good else "demo: FAILED")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
