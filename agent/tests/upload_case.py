"""An uploader inside the test, by a clock that the test drives: hours of it pass at once."""

import json
import os
import time
from unittest import mock

from runctl_agent import digests, imds, s3, upload_ledger, upload_log, uploader
from tests.fake_s3 import FakeS3
from tests.temp_home import HomeTestCase

RUN_ID = "run-20261101-120000-abcdef01"


class Clock:
    """Stands for the module `time`; a sleep only turns its hands, and lets happen what is due then."""

    def __init__(self):
        self.passed_s, self._begin, self._due = 0.0, time.time(), []

    def at(self, passed_s, happens):
        self._due = sorted(self._due + [(passed_s, len(self._due), happens)], key=lambda one: one[:2])

    def monotonic(self):
        return 1000.0 + self.passed_s

    def time(self):
        return self._begin + self.passed_s

    def sleep(self, seconds):
        self.passed_s += max(0.001, seconds)
        while self._due and self._due[0][0] <= self.passed_s:
            self._due.pop(0)[2]()


class UploadCase(HomeTestCase):
    def setUp(self):
        super().setUp()
        self.world = FakeS3(self)
        self.set_env(RUNCTL_BOOT_ID="boot-1", RUNCTL_INSTANCE_ID="i-1", **dict(dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")), **self.world.env))
        imds._token[:] = [None, 0.0]
        self.clock = Clock()
        for module in (s3, uploader, upload_ledger, upload_log):
            patch = mock.patch.object(module, "time", self.clock)
            patch.start()
            self.addCleanup(patch.stop)
        project = self.path("projects", "demo")
        self.run_facts = {
            "run_id": RUN_ID, "name": None, "project": "demo", "script": "t.py", "args": [], "project_dir": project, "checkpoint_dir": project + "/checkpoints",
            "checkpoint_patterns": [], "output_dir": project + "/output", "data_dir": None, "resume_from": None, "attempt": 2, "parent_run_id": None,
            "baseline": {}, "created_at": time.time(), "boot_id": "boot-1", "output": {"uri": "s3://bench/results", "access": self.world.access},
            "state": "running", "asked": None, "reason": None, "detail": None, "exit_code": None, "signal": None, "ended_at": None,
        }
        os.makedirs(project + "/output")
        self.prefix, self.listed = "results/demo/%s/" % RUN_ID, []
        self.write_state()
        self.write(".runctl/runs/%s/log" % RUN_ID, "")
        self.uploader = uploader.Uploader(RUN_ID)
        self.addCleanup(lambda: self.uploader._bucket.close())

    def write_state(self, **facts):
        self.run_facts.update(facts)
        self.write(".runctl/runs/%s/run.json" % RUN_ID, json.dumps(self.run_facts))

    def end(self):
        self.write_state(state="stopped", reason="completed", ended_at=time.time())

    def save(self, name, content, write=True):
        """A checkpoint that the supervisor has seen."""
        path, at = "checkpoints/" + name, time.time() - 100 + len(self.listed) / 1000.0
        full = self.write("projects/demo/" + path, content)
        os.utime(full, (at, at))
        self.listed = [one for one in self.listed if one["path"] != path] + [{
            "path": path, "state": "complete", "state_detail": None, "format": "json", "size_bytes": len(content), "sha256": digests.sha256_of(full),
            "step": len(self.listed), "epoch": None, "metrics": {"loss": 0.5}, "modified_at": uploader.iso(at), "run_id": RUN_ID, "attempt": 2, "tags": [],
            "places": [{"kind": "instance", "where": "i-1", "path": full, "verified_at": uploader.iso(at)}]}]
        if write:
            self.record()

    def record(self):
        """In a file of its own each time, as the supervisor does: its stamp tells."""
        self.write(".runctl/runs/%s/.checkpoints" % RUN_ID, json.dumps({"checkpoints": self.listed}))
        os.replace(self.path(".runctl/runs/%s/.checkpoints" % RUN_ID), self.path(".runctl/runs/%s/checkpoints.json" % RUN_ID))

    def log_lines(self):
        return self.read(".runctl/runs/%s/supervisor.log" % RUN_ID).decode().splitlines()

    def state(self):
        return json.loads(self.read(".runctl/runs/%s/uploads.json" % RUN_ID).decode())

    def object(self, name):
        return self.world.body(self.prefix + name)

    def puts(self):
        return [call[1][len(self.prefix):] for call in list(self.world.calls) if call[0] == "PUT"]
