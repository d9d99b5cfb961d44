"""A format of a plugin in a run: the supervisor judges with the modules that came with the start."""

import hashlib
import unittest

from .agent_case import AgentCase, side_by_side
from .test_inspecting import GGUF, PLUGIN, plugin

SCRIPT = """
import os, time
with open("checkpoints/model.gguf", "wb") as file:
    file.write(%r)
time.sleep(2.5)
"""


class FormatRuns(AgentCase):
    def test_its_files_are_checkpoints_of_the_run_and_are_judged(self):
        run_id = self.start(SCRIPT % GGUF, formats=plugin())
        run = self.wait_for(run_id)
        self.assertEqual((run["checkpoint_count"], run["last_checkpoint"]["format"], run["last_checkpoint"]["step"]), (1, "gguf", 3))
        kept = self.home / ".runctl" / "formats" / (hashlib.sha256(PLUGIN.encode()).hexdigest() + ".py")
        self.assertEqual(kept.read_text(), PLUGIN)
        self.assertNotIn("formats", self.state_file(run_id, "request.json"))
        # What is asked later needs not bring the module again.
        self.assertEqual(self.agent("checkpoints", {"run_id": run_id})["checkpoints"][0]["state"], "complete")
        inspected = self.agent("inspect", {"path": "checkpoints/model.gguf", "full": True, "max_tensors": 1})
        self.assertEqual((inspected["checkpoint"]["state"], inspected["xray"]["tensors_left_out"]), ("complete", 1))
        self.assertEqual([one["by"] for one in inspected["known_digests"]], ["read before", "recorded by " + run_id])

    def test_a_run_can_be_resumed_from_it(self):
        self.wait_for(self.start(SCRIPT % GGUF, formats=plugin()))
        answer = self.agent("start", self.request(self.script("print('on')"), resume="latest", formats=plugin()))
        self.assertEqual(answer["run"]["resume_from"], "checkpoints/model.gguf")


load_tests = side_by_side

if __name__ == "__main__":
    unittest.main()
