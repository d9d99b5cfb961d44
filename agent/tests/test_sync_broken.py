import errno
import json
import os
import signal
import subprocess
import sys
import unittest
import zlib
from unittest import mock

from .sync_case import SyncTestCase, file, pieces

AGENT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class FullDisk(SyncTestCase):
    def test_says_so_and_keeps_the_old_files_and_no_staged_bytes(self):
        self.put_in_place("t1", {"a": b"A", "b": b"B", "gone": b"G"})
        full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "somewhere")
        for failing in ("runctl_agent.staging._Inflated.read", "runctl_agent.sync.write_json", "runctl_agent.staging.shutil.copyfile"):
            with mock.patch(failing, side_effect=full):
                error = self.refuses("platform_failed", "t2", manifest=[file("a", b"new"), file("b", b"new")], contents=[b"new"])
            self.assertGreater(error.details["free_bytes"], 0)
            self.assertIn("disk is full", error.message)
            self.assertEqual(self.tree(self.root), ["a", "b", "gone"])
            self.assertEqual((self.read("projects/demo/a"), self.read("projects/demo/b")), (b"A", b"B"))
            self.assertFalse(os.path.exists(self.path(".runctl/sync/project-demo/staging")))
        self.assertTrue(self.put("t2", {"a": b"new", "b": b"new"})["applied"])
        self.assertEqual(self.tree(self.root), ["a", "b"])


class Killed(SyncTestCase):
    """The process is ended at every system call that changes anything; the next sync, to another state, puts all right."""

    STATE_1 = {"a": b"A", "d/b": b"B", "x": b"X", "file": b"F"}
    STATE_2 = {"a": b"A2", "n/new": b"N", "n/copy": b"N", "x/y": b"Y", "d/b": b"B"}
    STATE_3 = {"a": b"A3", "d/b": b"B", "z": b"Z"}
    SCRIPT = """
import io, json, os, sys
sys.path.insert(0, sys.argv[1])
request = json.loads(sys.stdin.buffer.readline())
left = [int(sys.argv[2])]
def watched(module, name):
    real = getattr(module, name)
    def call(*args, **more):
        left[0] -= 1
        if left[0] < 0:
            os._exit(99)
        return real(*args, **more)
    setattr(module, name, call)
for name in "replace unlink rmdir mkdir chmod symlink utime fsync".split():
    watched(os, name)
from runctl_agent.sync import apply_sync
print(json.dumps(apply_sync(request, sys.stdin.buffer)))
"""

    def request(self, tree, state):
        contents = list(dict.fromkeys(state.values()))
        manifest = [file(*one) for one in state.items()]
        request = {"target": self.target, "base": None, "tree": tree, "pieces": pieces(*contents), "manifest": manifest}
        return json.dumps(request).encode() + b"\n" + zlib.compress(b"".join(contents))

    def test_is_repaired_wherever_it_was_killed(self):
        killed = 0
        for step in range(200):
            subprocess.run(["rm", "-rf", self.path("projects"), self.path(".runctl")], check=True)
            self.put_in_place("t1", self.STATE_1)
            self.write("projects/demo/n/mine", "mine")
            command = [sys.executable, "-c", self.SCRIPT, AGENT, str(step)]
            ended = subprocess.run(command, input=self.request("t2", self.STATE_2), stdout=subprocess.PIPE)
            if ended.returncode == 0:
                break
            self.assertEqual(ended.returncode, 99)
            killed += 1
            # To the same state for some, to a third for the others: nothing of the second may be left.
            state, tree = (self.STATE_2, "t2") if step % 2 else (self.STATE_3, "t3")
            answer = self.put_in_place(tree, state)
            self.assertEqual(answer["kept_modified"], [])
            self.assertEqual(self.tree(self.root), sorted(list(state) + ["n/mine"]), "killed at step %d" % step)
            for path, content in state.items():
                self.assertEqual(self.read(os.path.join(self.root, path)), content)
            self.assertEqual(self.tree(".runctl/sync/project-demo"), ["index.json", "lock"])
        self.assertGreater(killed, 15)

    def test_the_lock_dies_with_its_holder(self):
        script = (
            "import sys,time; sys.path.insert(0, sys.argv[1])\nfrom runctl_agent.locks import exclusive\n"
            "with exclusive(sys.argv[2]): print('held', flush=True); time.sleep(60)"
        )
        self.put_in_place("t1", {"a": b"A"})
        lock = self.path(".runctl/sync/project-demo/lock")
        holder = subprocess.Popen([sys.executable, "-c", script, AGENT, lock], stdout=subprocess.PIPE)
        self.assertEqual(holder.stdout.readline(), b"held\n")
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        holder.stdout.close()
        self.assertTrue(self.sync("t1", base="t1")["applied"])


if __name__ == "__main__":
    unittest.main()
