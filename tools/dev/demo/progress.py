"""Draws the instances of a run as they go: bars over time on a terminal, lines elsewhere."""
import os
import shutil
import sys
from datetime import datetime, timezone

TERMINAL = {"success", "failed", "cancelled", "skipped", "upstream_failed"}
COLORS = {"success": "32", "failed": "31", "upstream_failed": "31", "cancelled": "31",
          "running": "36", "dqc_check": "36", "retry_wait": "33", "stopping": "33", "skipped": "90"}


def instant(text):
    """Returns the seconds since 1970 of an instant as the API prints it, or None."""
    if not text:
        return None
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc).timestamp()


def now():
    return datetime.now(timezone.utc).timestamp()


def label(instance):
    index = instance.get("index")
    return instance["task"] if index is None else f"{instance['task']}:{index}"


class LineView:
    """A line for every change of state: for logs and pipes."""

    def __init__(self, out=sys.stdout):
        self.out = out
        self.seen = {}

    def draw(self, instances):
        for instance in instances:
            name, mark = label(instance), (instance["state"], instance.get("attempt"))
            if self.seen.get(name) == mark:
                continue
            self.seen[name] = mark
            if mark[0] == "pre_trigger" or mark[0] == "waiting":
                continue
            took = instance.get("duration_s")
            tail = f" after {took:.1f} s" if took is not None and mark[0] in TERMINAL else ""
            attempt = f", attempt {mark[1]}" if (mark[1] or 0) > 1 else ""
            print(f"   {datetime.now():%H:%M:%S}  {name:<22} {mark[0]}{attempt}{tail}", file=self.out,
                  flush=True)

    def close(self):
        pass


class BarView:
    """One bar an instance over the time of the run, drawn anew in place."""

    def __init__(self, out=sys.stdout):
        self.out = out
        self.lines = 0

    def draw(self, instances):
        width = max(20, min(60, shutil.get_terminal_size((80, 24)).columns - 52))
        starts = [at for at in (instant(one.get("started_at")) for one in instances) if at]
        begin = min(starts, default=now())
        last = [instant(one.get("ended_at")) or (now() if one.get("started_at") else begin)
                for one in instances]
        span = max(max(last, default=begin) - begin, 5.0)
        rows = [self._row(one, begin, span, width) for one in instances]
        up = f"\x1b[{self.lines}A" if self.lines else ""
        self.out.write(up + "".join(f"\r{row}\x1b[K\n" for row in rows) + "\x1b[J")
        self.out.flush()
        self.lines = len(rows)

    def _row(self, instance, begin, span, width):
        state = instance["state"]
        started = instant(instance.get("started_at"))
        bar = ""
        if started is not None:
            ended = instant(instance.get("ended_at")) or now()
            left = min(width - 1, max(0, int((started - begin) / span * width)))
            length = max(1, min(width - left, round((ended - started) / span * width)))
            bar = " " * left + "█" * length
        attempt = f" #{instance['attempt']}" if (instance.get("attempt") or 0) > 1 else ""
        took = instance.get("duration_s")
        took = f"{took:6.1f} s" if took is not None else ""
        text = f"{bar:<{width}}  {state + attempt:<18}"
        return f"  {label(instance):<20.20} \x1b[{COLORS.get(state, '0')}m{text}\x1b[0m{took}"

    def close(self):
        self.lines = 0


def view(out=sys.stdout):
    """Returns the view that suits `out`."""
    if out.isatty() and os.environ.get("TERM", "dumb") != "dumb" and "NO_COLOR" not in os.environ:
        return BarView(out)
    return LineView(out)
