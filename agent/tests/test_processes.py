import os
import subprocess
import sys
import time
import unittest
from unittest import mock

from runctl_agent import processes

from .agent_case import eventually
from .temp_home import HomeTestCase

RUN = "run-20260101-000000-aaaa"


class Processes(HomeTestCase):
    def start(self, code="import time; time.sleep(60)", **environment):
        process = subprocess.Popen([sys.executable, "-c", code], env=dict(os.environ, **environment), stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        time.sleep(0.1)
        return process.pid

    def by_pid(self, **request):
        return {one["pid"]: one for one in processes.processes(request)["processes"]}

    def fake_nvidia(self, script):
        path = self.write("bin/nvidia-smi", "#!/bin/sh\n" + script)
        os.chmod(path, 0o755)
        self.set_env(PATH=self.path("bin") + os.pathsep + os.environ["PATH"])

    def test_tells_of_the_machine(self):
        answer = processes.processes({})
        self.assertGreaterEqual(answer["cpu_count"], 1)
        self.assertGreater(answer["disk_total_bytes"], answer["disk_free_bytes"])
        self.assertGreater(answer["memory_total_bytes"], answer["memory_used_bytes"] or 0)

    def test_samples_what_a_process_uses(self):
        busy = self.start("while True: pass")
        idle = self.start("data = bytearray(50 << 20)\nimport time; time.sleep(60)")

        def sample():
            found = self.by_pid()
            # On a busy machine one gets little of it, and starting the other takes a while.
            return found if found[busy]["cpu_percent"] > 2 and found[idle]["cpu_percent"] < found[busy]["cpu_percent"] / 2 else None

        found = eventually(sample, "the busy one uses more than the idle one")
        self.assertGreater(found[idle]["memory_bytes"], 50 << 20)
        self.assertEqual(found[busy]["ppid"], os.getpid())
        self.assertIn("while True: pass", found[busy]["command"])
        self.assertLess(found[busy]["elapsed_s"], 60)
        self.assertNotIn(os.getpid(), found)

    def test_shows_only_this_instances_processes_where_several_share_a_machine(self):
        os.makedirs(self.path(".runctl/runs", RUN))
        other = self.start(RUNCTL_INSTANCE_ID="local-2")
        others_run = self.start(RUNCTL_INSTANCE_ID="local-2", RUNCTL_RUN_ID="run-20260101-000000-bbbb")
        none = self.start()
        own = self.start(RUNCTL_INSTANCE_ID="local-1")
        run = self.start(RUNCTL_RUN_ID=RUN, RUNCTL_INSTANCE_ID="local-1")
        self.set_env(RUNCTL_INSTANCE_ID="local-1")
        found = self.by_pid()
        self.assertEqual({own: None, run: RUN}, {pid: found[pid]["run_id"] for pid in (other, others_run, none, own, run) if pid in found})
        self.assertEqual(list(self.by_pid(run_id=RUN)), [run])
        self.set_env(RUNCTL_INSTANCE_ID=None)
        self.assertIn(none, self.by_pid())

    @unittest.skipUnless(os.path.exists("/proc/self/stat"), "needs /proc to compare with")
    def test_ps_tells_the_same_where_there_is_no_proc(self):
        pid = self.start()
        with mock.patch.object(processes.os.path, "exists", lambda path: False):
            with mock.patch.object(processes.process_table, "scan", return_value=[{"pid": pid, "run_id": None}]):
                found = self.by_pid()[pid]
        self.assertEqual((found["ppid"], found["gpu_memory_bytes"]), (os.getpid(), None))
        self.assertGreater(found["memory_bytes"], 1 << 20)
        self.assertIn("time.sleep(60)", found["command"])

    def test_reads_elapsed_times(self):
        for text, seconds in (("00:07", 7), ("12:34", 754), ("01:00:00", 3600), ("2-01:00:01", 176401)):
            self.assertEqual(processes._elapsed(text), seconds)

    def test_no_nvidia_smi_is_null(self):
        self.set_env(PATH=self.path("bin"))
        self.assertIsNone(processes.processes({})["gpus"])

    def test_reads_gpus_and_who_uses_them(self):
        pid = self.start()
        self.fake_nvidia(
            'case "$1" in\n'
            '--query-gpu=index,name,utilization.gpu,memory.used,memory.total,temperature.gpu) echo "0, NVIDIA A10G, 87, 10240, 23028, 61"\n'
            '  echo "1, Odd, name, [N/A], [Not Supported], 100, [N/A]"; echo "Warning: text" ;;\n'
            '*) echo "%d, 512"; echo "%d, 256"; echo "1, [N/A]" ;;\nesac\n' % (pid, pid))
        answer = processes.processes({})
        self.assertEqual(answer["gpus"], [
            {"index": 0, "name": "NVIDIA A10G", "utilization_percent": 87, "memory_used_bytes": 10240 << 20,
             "memory_total_bytes": 23028 << 20, "temperature_c": 61},
            {"index": 1, "name": "Odd, name", "utilization_percent": None, "memory_used_bytes": None,
             "memory_total_bytes": 100 << 20, "temperature_c": None},
        ])
        self.assertEqual([one["gpu_memory_bytes"] for one in answer["processes"] if one["pid"] == pid], [768 << 20])

    def test_a_driver_that_fails_or_hangs_is_not_waited_for(self):
        self.fake_nvidia("echo broken; exit 9\n")
        self.assertIsNone(processes.processes({})["gpus"])
        self.fake_nvidia("exec sleep 60\n")
        started = time.monotonic()
        with mock.patch.object(processes, "GPU_TIMEOUT_S", 0.3):
            self.assertIsNone(processes.processes({})["gpus"])
        self.assertLess(time.monotonic() - started, 10)


if __name__ == "__main__":
    unittest.main()
