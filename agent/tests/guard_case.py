"""A machine whose clocks are turned by hand, with the guard on it. Its runs are played."""

import json
import os
from unittest import mock

from runctl_agent import clock, guard, guard_state, guard_watch, idleness, imds, run_state, spot_notice, stopping, uploads
from tests.temp_home import HomeTestCase

EPOCH = 1796000000.0


class HandTimes:
    """Two clocks: one that only goes on, and the wall's, which may be set."""

    def __init__(self):
        self.now, self.wall = 5000.0, EPOCH

    def monotonic(self):
        return self.now

    def time(self):
        return self.wall

    def pass_by(self, seconds):
        self.now += seconds
        self.wall += seconds


class Runs:
    """`answers`: {run id: what its supervisor reports, by (name, force)}. A report that is ok ends the run, a forced one too."""

    def __init__(self):
        self.answers, self.active, self.reports, self.asked, self.taken_back = {}, [], {}, [], []

    def lay_down(self, run, name, grace_s, detail, reason, force):
        run_id, key = run["run_id"], "stop " + name
        if (run_id, key) in [one[:2] for one in self.asked]:
            return False
        self.asked.append((run_id, key, grace_s, reason, force))
        report = self.answers[run_id](force)
        if report:
            self.reports.setdefault(run_id, {})[key] = dict({"checkpoint": None, "why": None}, **report)
            if report["ok"] or force:
                self.active.remove(run_id)
        return True


class GuardCase(HomeTestCase):
    def setUp(self):
        super().setUp()
        self.times, self.runs, self.signs = HandTimes(), Runs(), set()
        self.is_up = None
        self.set_env(RUNCTL_BOOT_ID=None, RUNCTL_BOOT_AT=None, RUNCTL_INSTANCE_ID="i-1", AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None)
        imds._token[:] = [None, 0.0]
        for patch in (
            mock.patch.object(guard_state, "time", self.times), mock.patch.object(guard, "ensure", lambda: None),
            mock.patch.multiple(spot_notice, lay_down=self.runs.lay_down),
            mock.patch.multiple(run_state, reports_of=lambda run_id: self.runs.reports.get(run_id, {}), ensure_supervisor=lambda run_id: None),
            mock.patch.multiple(stopping, take_back=lambda run_id, request_id: self.runs.taken_back.append((run_id, request_id))),
            mock.patch.multiple(idleness.Signs, look=lambda signs, gpu: set(self.signs), active_runs=lambda signs: list(self.runs.active)),
            mock.patch.object(uploads, "marked", lambda: []), mock.patch.object(os, "fsync", lambda handle: None),
        ):
            patch.start()
            self.addCleanup(patch.stop)
        self.boot("boot-1")

    def boot(self, name, after_s=0.0):
        """The machine is there again, after having been off for so long."""
        self.times.wall += after_s
        self.times.now = 7.0
        self.set_env(RUNCTL_BOOT_ID=name, RUNCTL_BOOT_AT=clock.iso(self.times.wall))
        self.watching = None

    def verb(self, **request):
        request.setdefault("request_id", os.urandom(8).hex())
        return guard.guard(request)

    def json(self, name):
        try:
            with open(self.path(".runctl", name), "rb") as file:
                return json.loads(file.read().decode())
        except (OSError, ValueError):
            return None

    def watch_line(self):
        return self.read(".runctl/watch").decode()

    def guard_log(self):
        try:
            return self.read(".runctl/guard.log").decode()
        except OSError:
            return ""

    def run_up(self, run_id="run-20261101-120000-abcdef01", saves=lambda force: {"ok": True, "checkpoint": {"path": "checkpoints/step_9.json"}}):
        os.makedirs(self.path(".runctl", "runs", run_id))
        self.runs.active.append(run_id)
        self.runs.answers[run_id] = saves
        return run_id

    def go(self, seconds, tick_s=1.0):
        """The guard at work for so long; the seconds after which it was over, or None."""
        passed = 0.0
        if self.watching is None:
            self.watching = guard_watch.Guard(self.times)
        while True:
            if self.watching.turn():
                self.watching = None
                return passed
            if passed >= seconds:
                return None
            self.times.pass_by(tick_s)
            passed += tick_s

    def kill_guard(self):
        self.watching = None
