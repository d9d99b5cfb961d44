"""Runs as the lifecycle half keeps them, reduced to what logs and checkpoints ask of them."""

import os
from unittest import mock

import runctl_agent
from runctl_agent import paths
from runctl_agent.errors import AgentError


class FakeRuns:
    """Stands for the module run_state inside a test."""

    def __init__(self, test):
        self.runs, self.states, self.looked = {}, {}, 0
        patch = mock.patch.object(runctl_agent, "run_state", self, create=True)
        patch.start()
        test.addCleanup(patch.stop)
        self.recorded = {}

    def add(self, run_id, project="demo", state="running", baseline=None, patterns=(), checkpoint_dir=None):
        folder = str(paths.project_dir(project))
        self.runs[run_id] = {
            "run_id": run_id, "project": project, "project_dir": folder, "checkpoint_dir": checkpoint_dir or os.path.join(folder, "checkpoints"),
            "checkpoint_patterns": list(patterns), "baseline": baseline or {}, "attempt": 1,
        }
        self.states[run_id] = state
        os.makedirs(str(paths.run_dir(run_id)), exist_ok=True)
        return run_id

    def all_ids(self):
        return sorted(self.runs, reverse=True)

    def load(self, run_id):
        if run_id not in self.runs:
            raise AgentError("not_found", "there is no run %s on this instance" % run_id)
        return self.runs[run_id]

    def newest(self, project=None):
        return next((one for one in self.all_ids() if project in (None, self.runs[one]["project"])), None)

    def recorded_checkpoints(self, run):
        return self.recorded.get(run["run_id"], [])

    def status_of(self, run_id):
        self.looked += 1
        return {"run_id": run_id, "state": self.states[run_id]}
