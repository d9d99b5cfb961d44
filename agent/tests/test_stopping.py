import time

from tests.agent_case import AgentCase, eventually, side_by_side

load_tests = side_by_side

HEAD = """
import json, os, signal, sys, time
def save(step, whole=True):
    text = json.dumps({"step": step, "weights": [0] * 50})
    with open("checkpoints/.new", "w") as file:
        file.write(text if whole else text[:20])
    os.replace("checkpoints/.new", "checkpoints/step_%d.json" % step)
stop_file = os.environ["RUNCTL_STOP_FILE"]
"""
# Saves when told by the file, and goes on.
BY_FILE = HEAD + """
print("up")
step = 0
while True:
    if os.path.exists(stop_file) and step == 0:
        step = 1
        save(step)
    time.sleep(0.02)
"""
LEAVES_BY_FILE = HEAD + """
print("up")
while not os.path.exists(stop_file):
    time.sleep(0.02)
save(9)
"""
BY_SIGNAL = HEAD + """
def leave(*_):
    print("asked")
    save(7)
    sys.exit(int(os.environ.get("LEAVE_WITH", "0")))
signal.signal(signal.SIGTERM, leave)
print("up")
while True:
    time.sleep(0.02)
"""
DEAF = HEAD + """
print("up")
while True:
    time.sleep(0.02)
"""
WITH_OLD = HEAD + 'save(3)\nprint("up")\nwhile True:\n    time.sleep(0.02)\n'
WITH_BROKEN = HEAD + 'save(3, whole=False)\nprint("up")\nwhile True:\n    time.sleep(0.02)\n'
NEVER_LEAVES = HEAD + """
def ask(*_):
    print("asked")
    save(7)
signal.signal(signal.SIGTERM, ask)
print("up")
while True:
    time.sleep(0.02)
"""


class Stopping(AgentCase):
    def running(self, text, **changes):
        run_id = self.start(text, **changes)
        self.wait_for(run_id, "running")
        self.wait_for_log(run_id, b"up")
        return run_id

    def only(self, answer):
        self.assertTrue(answer["done"])
        self.assertEqual(len(answer["reports"]), 1)
        return answer["reports"][0]

    def stop_file(self, run_id):
        return (self.folder(run_id) / "stop").exists()

    def test_a_script_that_watches_the_file_leaves_by_itself(self):
        run_id = self.running(LEAVES_BY_FILE)
        answer = self.stop(run_id)
        report = self.only(answer)
        self.assertEqual((report["ok"], report["asked"], report["ended"], report["killed"], report["saved_on_request"], report["why"]),
                         (True, "stop-file", "graceful", 0, True, None))
        self.assertEqual((report["checkpoint"]["step"], report["checkpoint"]["run_id"]), (9, run_id))
        self.assertEqual([one["path"] for one in answer["only_here"]], ["checkpoints/step_9.json"])
        run = self.status(run_id)
        self.assertEqual((run["state"], run["reason"], run["exit_code"]), ("stopped", "user", 0))

    def test_a_script_that_catches_sigterm_gets_it_once(self):
        run_id = self.running(BY_SIGNAL, env={"LEAVE_WITH": "3"})
        report = self.only(self.stop(run_id, reason="budget"))
        self.assertEqual((report["ok"], report["asked"], report["ended"], report["saved_on_request"]),
                         (True, "stop-file+sigterm", "graceful", True))
        self.assertEqual(self.log(run_id).count(b"asked"), 1)
        run = self.status(run_id)
        self.assertEqual((run["reason"], run["exit_code"]), ("budget", 3))

    def test_after_saving_by_file_the_script_is_ended(self):
        run_id = self.running(BY_FILE)
        report = self.only(self.stop(run_id))
        self.assertEqual((report["ok"], report["asked"], report["ended"], report["saved_on_request"]), (True, "stop-file", "graceful", True))
        self.assertLess(report["took_s"], 6)
        self.assertEqual(self.status(run_id)["signal"], "SIGTERM")

    def test_nothing_good_and_no_force_lets_the_run_go_on(self):
        for text, why in ((DEAF, "no complete checkpoint"), (WITH_BROKEN, "step_3.json is partial")):
            with self.subTest(why):
                run_id = self.running(text, concurrent=True, checkpoint_dir="checkpoints")
                pid = self.status(run_id)["pid"]
                answer = self.stop(run_id, grace_s=1.5)
                report = self.only(answer)
                self.assertFalse(answer["ok"])
                self.assertEqual((report["ok"], report["ended"], report["asked"], report["killed"], report["checkpoint"]),
                                 (False, "running", "stop-file", 0, None))
                self.assertIn(why, report["why"])
                eventually(lambda: not self.stop_file(run_id))
                run = self.wait_for(run_id, "running")
                self.assertEqual((run["state"], run["pid"], run["reason"]), ("running", pid, None))
                self.kill(pid)
                self.assertEqual(self.wait_for(run_id)["reason"], "failed")

    def test_an_old_checkpoint_that_is_good_is_enough_when_the_grace_is_over(self):
        run_id = self.running(WITH_OLD)
        report = self.only(self.stop(run_id, grace_s=2))
        self.assertEqual((report["ok"], report["saved_on_request"], report["checkpoint"]["step"], report["ended"]), (True, False, 3, "graceful"))
        self.assertGreaterEqual(report["took_s"], 2)

    def test_force_ends_a_run_that_saved_nothing(self):
        run_id = self.running(DEAF)
        report = self.only(self.stop(run_id, grace_s=1, force=True))
        self.assertEqual((report["ok"], report["ended"], report["killed"]), (False, "graceful", 0))
        self.assertEqual(self.status(run_id)["state"], "stopped")

    def test_save_leaves_the_run_running(self):
        run_id = self.running(BY_FILE)
        answer = self.stop(run_id, verb="save")
        report = self.only(answer)
        self.assertEqual((report["ok"], report["ended"], report["saved_on_request"], report["checkpoint"]["step"]), (True, "running", True, 1))
        eventually(lambda: not self.stop_file(run_id))
        self.assertIsNone(self.wait_for(run_id, "running")["reason"])

    def test_the_grace_is_honoured_by_a_script_that_saves_and_stays(self):
        run_id = self.running(NEVER_LEAVES)
        report = self.only(self.stop(run_id, grace_s=2))
        self.assertEqual((report["ok"], report["ended"], report["killed"], report["asked"]), (True, "forced", 1, "stop-file+sigterm"))
        self.assertGreaterEqual(report["took_s"], 2)
        self.assertEqual(self.status(run_id)["signal"], "SIGKILL")

    def test_it_goes_on_without_the_caller_and_without_its_supervisor(self):
        run_id = self.running(NEVER_LEAVES)
        request = {"request_id": "again", "run_id": run_id, "grace_s": 3, "wait_s": 30, "force": False, "reason": "user"}
        child = self.agent_process("stop", request)
        self.wait_for_log(run_id, b"asked")
        child.kill()
        child.communicate()
        self.assertEqual(self.status(run_id)["state"], "stopping")
        self.kill(self.supervisor_pid(run_id))
        answer = self.agent("stop", dict(request, wait_s=0.2))
        self.assertEqual((answer["done"], answer["ok"]), (False, False))
        first = self.agent("stop", request)
        self.assertEqual((self.only(first)["ok"], self.only(first)["ended"]), (True, "forced"))
        self.assertEqual(self.log(run_id).count(b"asked"), 2, "once when asked, once when ended")
        self.assertEqual(self.agent("stop", request)["reports"], first["reports"])

    def test_a_stop_that_is_delivered_again_leaves_a_later_run_alone(self):
        self.running(LEAVES_BY_FILE)
        first = self.stop(request_id="all")
        later = self.running(DEAF)
        self.assertEqual(self.stop(request_id="all")["reports"], first["reports"])
        self.assertEqual(self.status(later)["state"], "running")

    def test_save_and_stop_may_have_the_same_id(self):
        run_id = self.running(BY_FILE)
        self.assertEqual(self.only(self.stop(run_id, verb="save", request_id="x"))["ended"], "running")
        self.assertEqual(self.only(self.stop(run_id, request_id="x", grace_s=1))["ended"], "graceful")

    def test_says_what_ran_last_where_nothing_runs(self):
        run_id = self.start(HEAD + "save(2)\n")
        self.wait_for(run_id)
        answer = self.stop()
        self.assertEqual(answer["reports"], [])
        last = answer["last"]
        self.assertEqual((last["run_id"], last["project"], last["checkpoint"]["step"]), (run_id, self.status(run_id)["project"], 2))

    def test_a_run_that_is_over_has_nothing_to_save(self):
        self.assertEqual(self.stop(), {"done": True, "ok": True, "reports": [], "only_here": [], "last": None})
        run_id = self.start(HEAD + "save(2)\n")
        self.wait_for(run_id)
        for verb in ("save", "stop"):
            answer = self.stop(run_id, verb=verb)
            report = self.only(answer)
            self.assertEqual((report["ok"], report["ended"], report["checkpoint"]["step"]), (True, "before", 2))
            self.assertEqual(len(answer["only_here"]), 1)
        self.assertEqual(self.status(run_id)["reason"], "completed")
        self.assertEqual(self.stop("run-20261123-195501-ffff")["error"]["code"], "not_found")

    def test_every_active_run_is_stopped_where_none_is_named(self):
        first = self.running(LEAVES_BY_FILE)
        second = self.running(LEAVES_BY_FILE, concurrent=True)
        answer = self.stop()
        self.assertEqual({report["run_id"]: report["ended"] for report in answer["reports"]}, {first: "graceful", second: "graceful"})
        self.assertTrue(answer["ok"])

    def test_a_script_below_a_shell_is_asked_itself(self):
        self.script(BY_SIGNAL, "inner.py")
        self.script("python3 -u inner.py\nexit $?\n", "run.sh")
        request = self.request("run.sh", python=None)
        self.agent("start", request)
        self.wait_for_log(request["run_id"], b"up")
        report = self.only(self.stop(request["run_id"]))
        self.assertEqual((report["ok"], report["asked"], report["ended"]), (True, "stop-file+sigterm", "graceful"))
        self.assertEqual(self.log(request["run_id"]).count(b"asked"), 1)

    def test_a_script_that_ends_without_saving_is_reported(self):
        run_id = self.running(HEAD + 'print("up")\nwhile not os.path.exists(stop_file):\n    time.sleep(0.02)\nsys.exit(4)\n')
        report = self.only(self.stop(run_id))
        self.assertEqual((report["ok"], report["ended"], report["checkpoint"]), (False, "graceful", None))
        self.assertIn("exit status 4", report["why"])

    def test_force_later_ends_what_a_first_stop_still_waits_for(self):
        run_id = self.running(DEAF)
        first = self.stop(run_id, request_id="1", grace_s=60, wait_s=0.1)
        self.assertFalse(first["done"])
        begin = time.monotonic()
        self.assertEqual(self.only(self.stop(run_id, request_id="2", grace_s=0.5, force=True))["ended"], "graceful")
        self.assertLess(time.monotonic() - begin, 5)
        self.assertTrue(self.stop(run_id, request_id="1", grace_s=60)["done"])
