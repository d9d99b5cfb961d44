import json
import os
import time

from tests.agent_case import AgentCase, side_by_side

load_tests = side_by_side

SHOW = """
import json, os, sys
print(json.dumps([os.environ.get("RUNCTL_RESUME_FROM"), sys.argv[1:]]))
"""
TAKES_IT = SHOW + "# understands --resume-from\n"
SAVES = "import json\njson.dump({'step': 4}, open('checkpoints/step_4.json', 'w'))\n"


class Resume(AgentCase):
    def checkpoint(self, name, text, age_s):
        path = self.project / "checkpoints" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        os.utime(str(path), (time.time() - age_s, time.time() - age_s))
        return str(path)

    def seen(self, text, **changes):
        answer = self.agent("start", self.request(self.script(text), **changes))
        self.assertNotIn("error", answer)
        run = self.wait_for(answer["run"]["run_id"])
        return answer, run, json.loads(self.log(run["run_id"]).decode())

    def test_latest_is_the_newest_that_is_complete(self):
        good = self.checkpoint("step_1.json", '{"step": 1}', 30)
        self.checkpoint("step_0.json", '{"step": 0}', 40)
        self.checkpoint("step_2.json", '{"step": 2', 20)
        answer, run, seen = self.seen(SHOW, resume="latest")
        self.assertEqual(seen, [good, []])
        self.assertEqual(run["resume_from"], "checkpoints/step_1.json")
        self.assertEqual([one["path"] for one in answer["resume_skipped"]], ["checkpoints/step_2.json"])

    def test_none_good_is_an_error_with_what_was_passed_over(self):
        self.checkpoint("step_2.json", '{"step": 2', 20)
        self.script(SHOW)
        error = self.agent("start", self.request(resume="latest"))["error"]
        self.assertEqual(error["code"], "verification_failed")
        self.assertEqual([one["path"] for one in error["details"]["skipped"]], ["checkpoints/step_2.json"])

    def test_a_named_one_is_verified(self):
        good = self.checkpoint("step_1.json", '{"step": 1}', 30)
        self.checkpoint("a[1]*.json", '{"step": ]', 30)
        self.script(SHOW)
        error = self.agent("start", self.request(resume="checkpoints/a[1]*.json"))["error"]
        self.assertEqual(error["code"], "verification_failed")
        for named in ("checkpoints/step_1.json", good):
            self.assertEqual(self.seen(SHOW, resume=named)[2], [good, []])
        elsewhere = self.home / "weights.custom"
        elsewhere.write_bytes(b"\0" * 10)
        _, run, seen = self.seen(SHOW, resume=str(elsewhere))
        self.assertEqual((run["resume_from"], seen[0]), (str(elsewhere), str(elsewhere)))

    def test_the_option_is_added_for_scripts_that_know_it(self):
        good = self.checkpoint("step_1.json", '{"step": 1}', 30)
        _, run, seen = self.seen(TAKES_IT, resume="latest", args=["--epochs", "2"])
        self.assertEqual(seen, [good, ["--epochs", "2", "--resume-from", good]])
        self.assertEqual(run["args"], ["--epochs", "2"])
        for args in (["--resume-from", "x"], ["--resume-from=x"]):
            self.assertEqual(self.seen(TAKES_IT, resume="latest", args=args)[2], [good, args])
        self.assertEqual(self.seen(TAKES_IT, args=["a"])[2], [None, ["a"]])

    def test_a_resumed_run_knows_the_run_that_it_continues(self):
        first = self.start(SAVES)
        self.wait_for(first)
        _, second, _ = self.seen(SHOW, resume="latest")
        self.assertEqual((second["parent_run_id"], second["attempt"], second["checkpoint_count"]), (first, 2, 0))
        third = self.start(SAVES.replace("4", "5"))
        self.wait_for(third)
        self.assertEqual([self.status(third)[key] for key in ("parent_run_id", "attempt", "checkpoint_count")], [None, 1, 1])
