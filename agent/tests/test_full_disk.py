import shutil
import subprocess
import unittest

from tests.agent_case import AgentCase, eventually, side_by_side

load_tests = side_by_side

# Fills the disk, then goes on writing what does not fit.
FILLS = """
import json, os, time
json.dump({'step': 1}, open('checkpoints/step_1.json', 'w'))
print('up', flush=True)
while not os.path.exists('fill'):
    time.sleep(0.02)
full = open('filler', 'wb', buffering=0)
try:
    while True:
        full.write(b'x' * 4096)
except OSError:
    pass
try:
    while True:
        full.write(b'x')
except OSError:
    pass
try:
    os.mkdir('full')
except OSError:
    pass
while not os.path.exists(%s):
    time.sleep(0.02)
raise SystemExit(6)
"""


class FullDisk(AgentCase):
    def setUp(self):
        super().setUp()
        # Enough for the agent's files, quickly filled.
        mount = ["mount", "-t", "tmpfs", "-o", "size=2m,mode=700", "runctl-test", str(self.home)]
        mounted = subprocess.run(mount, stderr=subprocess.DEVNULL)
        if mounted.returncode != 0:
            raise unittest.SkipTest("a small disk cannot be made here")
        self.addCleanup(shutil.rmtree, str(self.home), ignore_errors=True)
        self.addCleanup(subprocess.run, ["umount", "-l", str(self.home)], stderr=subprocess.DEVNULL)
        self.project.mkdir(parents=True)
        (self.home / ".runctl").mkdir(mode=0o700)

    def full(self, until):
        run_id = self.start(FILLS % until)
        self.wait_for_log(run_id, b"up")
        eventually(lambda: self.status(run_id)["checkpoint_count"] == 1)
        (self.project / "fill").touch()
        eventually(lambda: (self.project / "full").exists())
        return run_id

    def test_the_run_goes_on_and_its_end_is_known(self):
        run_id = self.full("'leave'")
        supervisor = self.supervisor_pid(run_id)
        self.assertEqual(self.status(run_id)["state"], "running")
        (self.project / "leave").touch()
        run = self.wait_for(run_id)
        self.assertEqual((run["reason"], run["exit_code"], run["last_checkpoint"]["step"]), ("failed", 6, 1))
        self.assertIsNotNone(supervisor)

    def test_it_can_be_stopped(self):
        run_id = self.full("os.environ['RUNCTL_STOP_FILE']")
        answer = self.stop(run_id, grace_s=5)
        self.assertNotIn("error", answer)
        self.assertEqual((answer["done"], answer["ok"], answer["reports"][0]["ended"]), (True, True, "graceful"))
        self.assertEqual(self.status(run_id)["state"], "stopped")

    def test_what_could_not_be_written_is_written_when_there_is_room(self):
        run_id = self.full("'leave'")
        (self.folder(run_id) / "reserve").unlink()
        with open(str(self.home / "more"), "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 512)
            except OSError:
                pass
        (self.project / "leave").touch()
        self.assertEqual(self.wait_for(run_id)["exit_code"], 6)
        supervisor = self.supervisor_pid(run_id)
        self.assertIsNotNone(supervisor, "it waits until it can write")
        (self.project / "filler").unlink()
        eventually(lambda: self.state_file(run_id, "run.json")["state"] == "stopped")
        eventually(lambda: self.is_zombie(supervisor))

    def test_a_start_without_room_says_so(self):
        self.full("'leave'")
        with open(str(self.home / "more"), "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 512)
            except OSError:
                pass
        error = self.agent("start", self.request(concurrent=True))["error"]
        self.assertEqual(error["code"], "wrong_state")
        self.assertIn("full", error["message"])
