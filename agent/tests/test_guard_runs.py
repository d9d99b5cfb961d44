"""Limits with real processes: the machine keeps them alone."""

import json
import os
import shutil
import signal
import subprocess
import time
import unittest

from runctl_agent import clock
from tests.agent_case import AgentCase, eventually, side_by_side
from tests.fake_s3 import FakeS3

load_tests = side_by_side

# Saves when it is asked by the stop file.
SAVES = """
import json, os, sys, time
json.dump({"step": 1}, open("checkpoints/step_1.json", "w"))
print("up", flush=True)
while not os.path.exists(os.environ["RUNCTL_STOP_FILE"]):
    time.sleep(0.02)
json.dump({"step": 9}, open("checkpoints/step_9.json", "w"))
"""
STALLED = "import json\njson.dump({'step': 1}, open('checkpoints/step_1.json', 'w'))\nprint('up', flush=True)\nwhile True:\n    pass\n"
DEAF = "import time\nprint('up', flush=True)\nwhile True:\n    time.sleep(0.02)\n"
TALKS = "import time\nprint('up', flush=True)\nwhile True:\n    time.sleep(0.2)\n    print('.', flush=True)\n"


class Machine(AgentCase):
    def setUp(self):
        super().setUp()
        self.env.update(RUNCTL_BOOT_AT=clock.iso(time.time()), RUNCTL_GUARD_TICK_S="0.1")

    def guard(self, **request):
        answer = self.agent("guard", dict({"request_id": os.urandom(8).hex()}, **request))
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
            try:
                with open("/proc/%d/cmdline" % pid, "rb") as file:
                    words = file.read().split(b"\0")
            except OSError:
                continue
            if b"_guard" in words and not self.is_zombie(pid):
                found.append(pid)
        return found

    def power_off(self):
        return eventually(lambda: self.json("power-off"), "the power-off")

    def up(self, text, **changes):
        run_id = self.start(text, **changes)
        self.wait_for_log(run_id, b"up")
        self.wait_for(run_id, "running")
        return run_id

    def limits(self, **limits):
        """A short overrun: the scripts have a second to save."""
        return {"request_id": "first", "set": limits or {"max_seconds": 3600}, "price": None, "overrun_s": 4}

    def over(self, **changes):
        """The hours are over now: only then, however slow this machine is."""
        return self.guard(set={"max_seconds": 0}, **changes)

    def edit_limits(self, **changes):
        for name in ("limits.json", "limits.last.json"):
            path = self.home / ".runctl" / name
            new = path.with_name(name + ".changed")
            new.write_text(json.dumps(dict(json.loads(path.read_text()), **changes)))
            os.replace(str(new), str(path))


class GuardRuns(Machine):
    def test_hours_save_and_power_off_with_nobody_there(self):
        run_id = self.up(SAVES, guard=dict(self.limits(), overrun_s=900))
        self.over()
        asked = self.power_off()
        self.assertEqual(asked["reason"], "budget")
        self.assertRegex(asked["detail"], r"its limit of \d+ s of running was reached; saved: checkpoints/step_9.json")
        run = self.state_file(run_id, "run.json")
        self.assertEqual((run["state"], run["reason"], run["detail"]), ("stopped", "budget", asked["detail"].partition(";")[0]))
        eventually(lambda: not self.marked_processes(), "the end of all processes")
        self.assertEqual(self.guard()["last_stop"], {name: asked[name] for name in ("at", "reason", "detail")})

    def test_a_stalled_loop_is_idle(self):
        run_id = self.up(STALLED, guard=self.limits(idle_s=2))
        self.assertEqual(self.power_off()["reason"], "idle")
        run = self.wait_for(run_id)
        self.assertEqual((run["reason"], run["last_checkpoint"]["step"]), ("idle", 1))

    def test_a_run_that_says_something_is_not_idle_and_neither_is_a_machine_to_which_somebody_comes(self):
        run_id = self.up(TALKS, guard=self.limits(idle_s=8))
        time.sleep(12)
        self.assertEqual((self.status(run_id)["state"], self.json("power-off")), ("running", None))
        self.stop(run_id, force=True, grace_s=1)
        until = time.monotonic() + 12
        while time.monotonic() < until:
            self.agent("list-files", {"path": "projects"})
        self.assertIsNone(self.json("power-off"))
        while not self.json("power-off"):
            self.agent("status", {})  # who only looks is no sign
            time.sleep(0.1)

    def test_a_save_that_is_refused_puts_the_stop_off_and_at_the_hard_limit_it_is_forced(self):
        run_id = self.up(DEAF, guard=dict(self.limits(), overrun_s=40))
        self.over()
        put_off = eventually(lambda: self.agent("status", {})["guard"]["put_off"], "the putting off")
        self.assertEqual(put_off["why"], run_id + ": the script saved no complete checkpoint")
        # It may just be asked again.
        self.assertIn(self.status(run_id)["state"], ("running", "stopping"))
        self.assertIsNone(self.json("power-off"))
        self.edit_limits(overrun_s=0)
        self.assertRegex(self.power_off()["detail"], "ended by force: " + put_off["why"])
        run = self.wait_for(run_id)
        self.assertEqual((run["reason"], run["signal"]), ("budget", "SIGTERM"))

    def test_limits_that_were_there_before_the_agent_hold_from_its_first_call_on(self):
        (self.home / ".runctl").mkdir(mode=0o700)
        (self.home / ".runctl" / "limits.json").write_text(json.dumps({"set": {"max_seconds": 1}, "price": None}))
        self.assertEqual(self.agent("status", {})["guard"]["max_seconds"], 1)
        self.assertEqual(self.power_off()["reason"], "budget")

    def test_the_next_call_of_any_verb_brings_a_killed_guard_back(self):
        self.guard(set={"max_seconds": 3600})
        first = eventually(self.guards)
        self.kill(first[0])
        eventually(lambda: not self.guards())
        self.agent("status", {})
        self.assertNotEqual(eventually(self.guards), first)

    def test_with_nobody_coming_a_run_brings_it_back(self):
        self.up(TALKS, guard=self.limits())
        first = eventually(self.guards)
        self.kill(first[0])
        self.assertNotEqual(eventually(lambda: [pid for pid in self.guards() if pid != first[0]]), first)

    def test_there_is_never_more_than_one(self):
        children = [self.agent_process("guard", {"request_id": str(number), "set": {"max_seconds": 3600}}) for number in range(6)]
        for child in children:
            self.assertNotIn("error", self.answer_of(child))
        self.assertEqual(len(eventually(self.guards)), 1)
        for _ in range(3):
            self.kill(self.guards()[0])
            for child in [self.agent_process("status", {}) for _ in range(4)]:
                self.answer_of(child)
            self.assertEqual(len(eventually(self.guards)), 1)

    def test_killed_again_and_again_it_stops_the_machine_all_the_same(self):
        run_id = self.up(SAVES, guard=dict(self.limits(), overrun_s=900))
        self.over()

        def turn():
            if self.json("power-off"):
                return True
            for pid in self.guards():
                self.kill(pid)
            self.agent("status", {})
            time.sleep(0.3)
            return False
        eventually(turn)
        self.assertEqual((self.json("power-off")["reason"], self.status(run_id)["last_checkpoint"]["step"]), ("budget", 9))

    def test_told_to_end_it_writes_what_it_has_seen(self):
        self.guard(set={"max_seconds": 3600})
        state = eventually(lambda: self.json("guard-state.json"))
        time.sleep(1)
        pid = self.guards()[0]
        self.kill(pid, signal.SIGTERM)
        eventually(lambda: not self.guards())
        self.assertGreater(self.json("guard-state.json")["boot_s"], state["boot_s"] + 0.9)

    def test_a_notice_at_the_same_time_ends_the_run_once(self):
        world = FakeS3(self)
        self.env.update(world.env, RUNCTL_INSTANCE_ID="i-1")
        run_id = self.up(SAVES, interruptible=True, guard=dict(self.limits(), overrun_s=900))
        self.over()
        world.metadata["spot/instance-action"] = json.dumps({"action": "terminate", "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 120))})
        self.assertEqual(self.power_off()["reason"], "budget")
        run = self.wait_for(run_id)
        self.assertIn(run["reason"], ("budget", "interrupted"))
        self.assertEqual((run["exit_code"], run["last_checkpoint"]["step"]), (0, 9))

    def test_a_stop_that_is_called_off_leaves_the_run_running(self):
        run_id = self.up(DEAF, guard=dict(self.limits(), overrun_s=900))
        self.over()
        eventually(lambda: self.status(run_id)["state"] == "stopping")
        self.assertTrue((self.folder(run_id) / "stop").exists())
        self.guard(extend={"seconds": 3600})
        self.wait_for(run_id, "running")
        eventually(lambda: not (self.folder(run_id) / "stop").exists())
        self.assertEqual(self.json("power-off"), None)

    def test_limits_that_cannot_be_kept_start_nothing(self):
        answer = self.agent("start", self.request(self.script(DEAF), guard=dict(self.limits(), install="echo no sudo >&2; exit 1")))
        self.assertEqual((answer["error"]["code"], "no sudo" in answer["error"]["message"]), ("wrong_state", True))
        self.assertEqual((os.listdir(str(self.home / ".runctl" / "runs")), self.json("limits.json")), ([], None))

    def test_a_second_start_of_the_same_run_sets_nothing_again(self):
        request = self.request(self.script(DEAF), guard=self.limits())
        first = self.agent("start", request)["guard"]
        second = self.agent("start", dict(request, guard=dict(request["guard"], request_id="other")))["guard"]
        self.assertEqual((first["max_seconds"], second["stops_because"]), (second["max_seconds"], "hours"))

    def test_taken_away_the_guard_ends(self):
        self.guard(set={"max_seconds": 3600})
        eventually(self.guards)
        self.assertIsNone(self.guard(set={"max_seconds": None})["stops_at"])
        eventually(lambda: not self.guards())
        self.assertEqual((self.home / ".runctl" / "watch").read_text(), "- -\n")
        self.assertIsNone(self.agent("status", {})["guard"])
        self.assertEqual(self.guards(), [])


class FullDisk(Machine):
    """On a disk that is filled before the limit is reached."""

    def setUp(self):
        super().setUp()
        mount = ["mount", "-t", "tmpfs", "-o", "size=2m,mode=700", "runctl-test", str(self.home)]
        if subprocess.run(mount, stderr=subprocess.DEVNULL).returncode != 0:
            raise unittest.SkipTest("a small disk cannot be made here")
        self.addCleanup(shutil.rmtree, str(self.home), ignore_errors=True)
        self.addCleanup(subprocess.run, ["umount", "-l", str(self.home)], stderr=subprocess.DEVNULL)
        self.project.mkdir(parents=True)
        (self.home / ".runctl").mkdir(mode=0o700)

    def fill(self):
        with open(str(self.home / "filler"), "wb", buffering=0) as file:
            for size in (4096, 1):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    pass

    def test_the_limit_holds(self):
        run_id = self.up(STALLED, guard=self.limits(idle_s=30))
        eventually(lambda: self.status(run_id)["checkpoint_count"])
        eventually(lambda: (self.home / ".runctl" / ".power-off").exists())
        self.fill()
        self.assertEqual(self.power_off()["reason"], "idle")
        eventually(lambda: not self.guards())
