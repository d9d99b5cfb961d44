"""Limits with real processes: the machine keeps them alone."""

import json
import os
import signal
import time

from runctl_agent import clock
from tests.agent_case import AgentCase, eventually, side_by_side

load_tests = side_by_side

SAVES = """
import json, os, signal, sys, time
json.dump({"step": 1}, open("checkpoints/step_1.json", "w"))
print("up", flush=True)
while not os.path.exists(os.environ["RUNCTL_STOP_FILE"]):
    time.sleep(0.02)
json.dump({"step": 9}, open("checkpoints/step_9.json", "w"))
"""
STALLED = "import json\njson.dump({'step': 1}, open('checkpoints/step_1.json', 'w'))\nprint('up', flush=True)\nwhile True:\n    pass\n"
DEAF = "import time\nprint('up', flush=True)\nwhile True:\n    time.sleep(0.02)\n"


class GuardRuns(AgentCase):
    def setUp(self):
        super().setUp()
        self.env.update(RUNCTL_BOOT_AT=clock.iso(time.time()), RUNCTL_GUARD_TICK_S="0.1")

    def guard(self, **request):
        request.setdefault("request_id", os.urandom(8).hex())
        answer = self.agent("guard", request)
        self.assertNotIn("error", answer)
        return answer

    def json(self, name):
        try:
            return json.loads((self.home / ".runctl" / name).read_text())
        except (OSError, ValueError):
            return None

    def guards(self):
        found = []
        for pid in self.marked_processes():
            with open("/proc/%d/cmdline" % pid, "rb") as file:
                if b"_guard" in file.read().split(b"\0"):
                    found.append(pid)
        return found

    def power_off(self):
        return eventually(lambda: self.json("power-off"), "the power-off")

    def up(self, text, **changes):
        run_id = self.start(text, **changes)
        self.wait_for_log(run_id, b"up")
        self.wait_for(run_id, "running")
        return run_id

    def test_hours_save_and_power_off_with_nobody_there(self):
        run_id = self.up(SAVES, guard={"request_id": "1", "set": {"max_seconds": 3}, "price": None})
        asked = self.power_off()
        self.assertEqual(asked["reason"], "budget")
        self.assertRegex(asked["detail"], r"its limit of \d+ s of running was reached; saved: checkpoints/step_9.json")
        run = self.state_file(run_id, "run.json")
        self.assertEqual((run["state"], run["reason"], run["detail"]), ("stopped", "budget", asked["detail"].partition(";")[0]))
        eventually(lambda: not self.marked_processes(), "the end of all processes")
        self.assertEqual(self.guard()["last_stop"], asked and {name: asked[name] for name in ("at", "reason", "detail")})
