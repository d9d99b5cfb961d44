import time

from tests.agent_case import AgentCase, side_by_side

load_tests = side_by_side

WRITES = """
import json, os, time
for step in (1, 2, 3):
    json.dump({"step": step}, open("checkpoints/step_%d.json" % step, "w"))
print("up")
while not os.path.exists("end"):
    time.sleep(0.02)
"""


class Needed(AgentCase):
    def remove(self, *names):
        listed = {one["path"]: one["sha256"] for one in self.agent("checkpoints", {"project": "demo"})["checkpoints"]}
        answer = self.agent("remove-checkpoints", {"project": "demo", "remove": [{"path": name, "sha256": listed[name]} for name in names]})
        return [one["path"] for one in answer["removed"]], [one["why"] for one in answer["kept"]]

    def test_what_a_run_resumed_from_stays_until_it_has_one_of_its_own(self):
        first = self.start(WRITES)
        (self.project / "end").touch()
        self.wait_for(first)
        (self.project / "end").unlink()
        listed = self.agent("checkpoints", {"run_id": first})["checkpoints"]
        self.assertEqual([(one["run_id"], one["attempt"]) for one in listed], [(first, 1)] * 3)
        second = self.start("import os, time\nprint('up')\nwhile not os.path.exists('end'):\n    time.sleep(0.02)\n", resume="checkpoints/step_1.json")
        self.wait_for_log(second, b"up")
        self.assertEqual(self.remove("checkpoints/step_1.json"), ([], ["run %s, which is active, resumed from it" % second]))
        (self.project / "end").touch()
        self.wait_for(second)
        self.assertEqual(self.remove("checkpoints/step_1.json"), ([], ["run %s resumed from it and has no checkpoint of its own" % second]))
        third = self.start("import json, time\ntime.sleep(0.1)\njson.dump({'step': 9}, open('checkpoints/step_9.json', 'w'))\n", resume="checkpoints/step_2.json")
        self.wait_for(third)
        time.sleep(1.1)  # a file that has just been written counts as being written
        self.assertEqual(self.remove("checkpoints/step_2.json", "checkpoints/step_3.json"), (["checkpoints/step_2.json", "checkpoints/step_3.json"], []))
