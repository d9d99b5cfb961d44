import os
import subprocess
import sys
import time
import unittest

from runctl_agent import process_table
from tests.agent_case import eventually

CATCHES = "import signal, time\nsignal.signal(signal.SIGTERM, lambda *_: None)\nprint('up', flush=True)\ntime.sleep(60)\n"
PLAIN = "import time\nprint('up', flush=True)\ntime.sleep(60)\n"


class ProcessTable(unittest.TestCase):
    def child(self, text=PLAIN, **env):
        child = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, env=dict(os.environ, **env))
        self.addCleanup(child.stdout.close)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        child.stdout.readline()
        return child

    def test_both_ways_of_looking_see_the_same(self):
        child = self.child(RUNCTL_RUN_ID="run-x")
        for scan in (process_table.scan, process_table._scan_ps):
            found = [one for one in scan() if one["pid"] == child.pid][0]
            self.assertEqual((found["ppid"], found["run_id"], found["pgid"]), (os.getpid(), "run-x", os.getpgid(child.pid)))
        listed = {one["pid"]: one["start_time"] for one in process_table._scan_ps()}
        self.assertEqual(process_table._scan_ps(child.pid)[0]["start_time"], listed[child.pid])

    def test_a_dead_process_that_nobody_waited_for_is_dead(self):
        child = self.child()
        found = process_table.find(child.pid)
        self.assertTrue(process_table.is_alive(child.pid, found["start_time"]))
        self.assertFalse(process_table.is_alive(child.pid, "1"))
        child.kill()
        eventually(lambda: not process_table.is_alive(child.pid, found["start_time"]))
        self.assertNotIn(child.pid, [one["pid"] for one in process_table.scan()])
        self.assertNotIn(child.pid, [one["pid"] for one in process_table._scan_ps()])
        self.assertFalse(process_table.send(found, 0))

    def test_who_catches_sigterm(self):
        self.assertTrue(process_table.catches_sigterm(self.child(CATCHES).pid))
        self.assertFalse(process_table.catches_sigterm(self.child().pid))
        self.assertFalse(process_table.catches_sigterm(2 ** 22 + 1))

    def test_descendants(self):
        table = [{"pid": pid, "ppid": ppid} for pid, ppid in ((2, 1), (3, 2), (4, 3), (5, 1), (6, 9))]
        self.assertEqual(sorted(one["pid"] for one in process_table.below(table, [2])), [3, 4])
        self.assertEqual(process_table.below(table, []), [])

    def test_looking_is_cheap(self):
        begin = time.process_time()
        for _ in range(200):
            process_table.find(os.getpid())
        self.assertLess((time.process_time() - begin) / 200, 0.001)
