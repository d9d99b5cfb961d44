"""The machine is taken away, by a spot notice or by its own shutdown: the agent saves alone."""

import json
import signal
import threading
import time
import unittest
from unittest import mock

from runctl_agent import imds, spot_notice
from tests.agent_case import AgentCase, eventually, side_by_side
from tests.fake_s3 import FakeS3

load_tests = side_by_side

SAVES = """
import json, os, signal, sys, time
def leave(*_):
    json.dump({"step": 9}, open("checkpoints/step_9.json", "w"))
    print("saved")
    sys.exit(0)
signal.signal(signal.SIGTERM, leave)
json.dump({"step": 1}, open("checkpoints/step_1.json", "w"))
print("up", flush=True)
while True:
    time.sleep(0.02)
"""
DEAF = "import time\nprint('up', flush=True)\nwhile True:\n    time.sleep(0.02)\n"


def moment(in_s):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + in_s))


class TakenAway(AgentCase):
    def setUp(self):
        super().setUp()
        self.world = FakeS3(self)
        self.env.update(self.world.env, RUNCTL_INSTANCE_ID="i-1")
        self.output = {"uri": "s3://bench/results", "access": self.world.access}

    def up(self, text, **changes):
        run_id = self.start(text, **changes)
        self.wait_for_log(run_id, b"up")
        self.wait_for(run_id, "running")
        return run_id

    def object(self, run_id, name):
        return self.world.body("results/demo/%s/%s" % (run_id, name))

    def notice(self, in_s, action="terminate"):
        self.world.metadata["spot/instance-action"] = json.dumps({"action": action, "time": moment(in_s)})

    def test_a_notice_saves_and_brings_all_to_the_store(self):
        run_id = self.up(SAVES, output=self.output, interruptible=True)
        self.notice(120)
        run = self.wait_for(run_id)
        self.assertEqual((run["state"], run["reason"], run["last_checkpoint"]["step"]), ("stopped", "interrupted", 9))
        self.assertRegex(run["detail"], "the platform takes this machine back: notice to terminate at 20")
        self.assertIsInstance(run["save_took_s"], float)
        eventually(lambda: (self.state_file(run_id, "uploads.json") or {}).get("finished"), "the upload")
        record = json.loads(self.object(run_id, "run.json").decode())
        self.assertEqual((record["run"]["reason"], record["instance_id"], record["complete"]), ("interrupted", "i-1", True))
        self.assertEqual(self.object(run_id, "log/000001.log"), b"up\nsaved\n")
        self.assertEqual(json.loads(self.object(run_id, "checkpoints/step_9.json.manifest.json").decode())["step"], 9)
        self.assertEqual(self.status(run_id)["last_stored_checkpoint"]["step"], 9)

    def test_a_supervisor_that_comes_later_does_not_ask_twice(self):
        run_id = self.up(SAVES.replace("sys.exit(0)", "pass"), interruptible=True)
        self.notice(40)
        eventually(lambda: self.state_file(run_id, "stop-request.json"))
        self.kill(self.supervisor_pid(run_id))
        run = self.wait_for(run_id)
        self.assertEqual(run["reason"], "interrupted")
        self.assertEqual(len(self.state_file(run_id, "stop-request.json")), 1)
        self.assertLess(self.log(run_id).count(b"saved"), 3)

    def test_the_newest_checkpoint_the_log_and_the_end_overtake_an_older_one_on_its_way(self):
        self.world.fault("PUT", "step_1.json$", "slow", 2.0, times=99)
        run_id = self.up(SAVES.replace('{"step": 1}', '{"step": 1, "weights": "w" * (200 << 20)}'), output=self.output, interruptible=True)
        eventually(lambda: self.world.count("PUT", "step_1"))
        self.notice(60)
        self.wait_for(run_id)
        eventually(lambda: (self.state_file(run_id, "uploads.json") or {}).get("finished"), "the upload")
        puts = [call[1].rpartition(run_id + "/")[2] for call in self.world.calls if call[0] == "PUT" and run_id in call[1]]
        order = [puts.index(name) for name in ("checkpoints/step_9.json.manifest.json", "log/000001.log", "run.json", "checkpoints/step_1.json.manifest.json")]
        self.assertEqual(order, sorted(order))
        # What was there of the older one was not sent again: 26 parts, and the few that were broken off.
        self.assertLessEqual(puts.count("checkpoints/step_1.json"), 26 + 8)

    def test_the_log_and_the_end_overtake_an_older_one_where_nothing_new_was_saved(self):
        self.world.fault("PUT", "step_1.json$", "slow", 2.0, times=99)
        run_id = self.up("""
import json, os, time
json.dump({"step": 1, "weights": "w" * (200 << 20)}, open("checkpoints/.1", "w"))
json.dump({"step": 2}, open("checkpoints/.2", "w"))
for step in (1, 2):
    os.replace("checkpoints/.%d" % step, "checkpoints/step_%d.json" % step)
print("up", flush=True)
time.sleep(600)
""", output=self.output)
        eventually(lambda: self.world.count("PUT", "step_1"))
        self.stop(run_id, force=True, grace_s=1)
        eventually(lambda: (self.state_file(run_id, "uploads.json") or {}).get("finished"), "the upload")
        puts = [call[1].rpartition(run_id + "/")[2] for call in self.world.calls if call[0] == "PUT" and run_id in call[1]]
        order = [puts.index(name) for name in ("checkpoints/step_2.json.manifest.json", "log/000001.log", "checkpoints/step_1.json.manifest.json")]
        self.assertEqual(order, sorted(order))

    def test_a_machine_that_is_not_interruptible_is_not_asked(self):
        run_id = self.up(DEAF)
        self.notice(60)
        time.sleep(1)
        self.assertEqual((self.status(run_id)["state"], self.world.tokens), ("running", 0))

    def test_a_script_that_hears_nothing_is_ended_in_time(self):
        run_id = self.up(DEAF, interruptible=True)
        self.notice(12)
        begin = time.monotonic()
        run = self.wait_for(run_id)
        self.assertEqual((run["reason"], run["signal"]), ("interrupted", "SIGTERM"))
        self.assertLess(time.monotonic() - begin, 30)

    def test_the_shutdown_saves(self):
        run_id = self.up(SAVES, output=self.output)
        supervisor = self.supervisor_pid(run_id)
        for pid in self.marked_processes():
            self.kill(pid, signal.SIGTERM)
        run = self.wait_for(run_id)
        self.assertEqual((run["reason"], run["detail"], run["last_checkpoint"]["step"]), ("interrupted", "the machine is being shut down", 9))
        self.assertIsNotNone(supervisor)
        eventually(lambda: (self.state_file(run_id, "uploads.json") or {}).get("finished"), "the upload")
        self.assertEqual(json.loads(self.object(run_id, "run.json").decode())["run"]["reason"], "interrupted")
        eventually(lambda: not self.marked_processes(), "the end of all processes")

    def test_a_script_that_dies_of_the_shutdown_did_not_fail(self):
        run_id = self.up(DEAF)
        for pid in self.marked_processes():
            self.kill(pid, signal.SIGTERM)
        run = self.wait_for(run_id)
        self.assertEqual((run["reason"], run["signal"], run["detail"]), ("interrupted", "SIGTERM", "the machine is being shut down"))

    def test_the_shutdown_before_the_script_runs(self):
        self.world.put("sets/a.txt", b"content")
        self.world.fault("GET", "a.txt", "slow", 20.0, times=9)
        run_id = self.start("print('never')\n", data_source={"uri": "s3://bench/sets/", "access": self.world.access})
        eventually(lambda: self.world.count("GET", "a.txt"))
        self.kill(self.supervisor_pid(run_id), signal.SIGTERM)
        run = self.wait_for(run_id)
        self.assertEqual((run["reason"], run["started_at"], run["detail"]), ("interrupted", None, "the machine is being shut down"))

    def test_an_uploader_that_is_told_to_end_finishes(self):
        gate = threading.Event()
        self.world.fault("PUT", "step_1", "gate", gate)
        run_id = self.start("import json\njson.dump({'step': 1}, open('checkpoints/step_1.json', 'w'))\n", output=self.output)
        eventually(lambda: self.world.count("PUT", "step_1"))
        self.wait_for(run_id)
        pid = self.state_file(run_id, "uploader.lock")["pid"]
        self.kill(pid, signal.SIGTERM)
        gate.set()
        eventually(lambda: (self.state_file(run_id, "uploads.json") or {}).get("finished"), "the upload")
        self.assertEqual(self.state_file(run_id, "uploader.lock")["pid"], pid)


class Notice(unittest.TestCase):
    """Without waiting: what is asked for, and what is logged."""

    def looks(self, answers):
        """What was laid down and logged while the metadata service gave these answers."""
        asked, said, left = [], [], list(answers)

        class Over:
            def is_set(self):
                return not left

            def wait(self, _):
                pass

        def get(path):
            if path == spot_notice.REBALANCE:
                return left[0][1] if isinstance(left[0], tuple) else None
            answer = left[0]
            if isinstance(answer, tuple):
                return None
            if isinstance(answer, Exception):
                raise answer
            return answer

        notice = spot_notice.SpotNotice.__new__(spot_notice.SpotNotice)
        notice._run, notice._log, notice._trouble, notice._advised = {"run_id": "run-20261101-120000-abcdef01"}, said.append, None, False

        class Waits(Over):
            def wait(self, _):
                left.pop(0)

        notice._over = Waits()
        with mock.patch.multiple(spot_notice, lay_down=lambda run, name, grace_s, detail: asked.append((name, grace_s)) or len(asked) == 1):
            with mock.patch.object(spot_notice.SpotNotice, "_margin_s", lambda self, left_s: 15.0), mock.patch.object(imds, "get", get):
                notice._loop()
        return asked, said

    def test_silence_is_said_once_and_its_end_too(self):
        asked, said = self.looks([OSError("silent"), OSError("silent"), None, OSError("silent")])
        self.assertEqual((asked, len(said)), ([], 3))
        self.assertRegex(said[0], "cannot be known now: silent")

    def test_the_grace_ends_before_the_notices_time(self):
        asked, said = self.looks([json.dumps({"action": "stop", "time": moment(100)})])
        self.assertTrue(80 <= asked[0][1] <= 86, asked)
        self.assertRegex(said[0], "notice to stop at")
        self.assertEqual(self.looks([json.dumps({"action": "stop", "time": moment(5)})])[0][0][1], 10.0)
        self.assertEqual(self.looks(["what?"])[0][0][1], 105.0)

    def test_a_recommendation_is_only_logged_once(self):
        asked, said = self.looks([(None, '{"noticeTime": "x"}'), (None, '{"noticeTime": "x"}')])
        self.assertEqual((asked, len(said)), ([], 1))


class Metadata(AgentCase):
    def test_a_refusal_is_not_no_notice(self):
        world = FakeS3(self)
        with mock.patch.dict("os.environ", world.env):
            imds._token[:] = [None, 0.0]
            self.assertIsNone(imds.get(spot_notice.ACTION))
            world.tokens += 1  # the token is not taken any more: a new one is fetched
            self.assertIsNone(imds.get(spot_notice.ACTION))
            for status in (401, 403):
                world.metadata["spot/instance-action"] = status
                with self.assertRaises(OSError):
                    imds.get(spot_notice.ACTION)
            imds._token[:] = [None, 0.0]
