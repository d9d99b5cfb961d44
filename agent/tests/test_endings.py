"""Whoever is killed: what is said of the run afterwards is true."""

import json
import os
import signal
import time
from datetime import datetime, timezone

from tests.agent_case import AgentCase, eventually, side_by_side

load_tests = side_by_side

SLEEP = "import time\nprint('up')\ntime.sleep(600)\n"
# Writes a checkpoint each time the file `more` is put there.
ON_DEMAND = """
import json, os, time
print('up')
step = 0
while not os.path.exists('leave'):
    if os.path.exists('more'):
        os.unlink('more')
        step += 1
        with open('checkpoints/step_%d.json' % step, 'w') as file:
            json.dump({'step': step}, file)
    time.sleep(0.02)
raise SystemExit(5)
"""
IGNORES = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('up')\ntime.sleep(600)\n"
DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for fd in (0, 1, 2):
            os.close(fd)
        os.environ.clear()
        %s
        open('daemon', 'w').write(str(os.getpid()))
        time.sleep(600)
    os._exit(0)
os.wait()
while not os.path.exists('daemon') or not open('daemon').read():
    time.sleep(0.01)
print('up')
%s
"""
AS_NEW_PROGRAM = "os.execve(sys.executable, ['x', '-c', 'import os,time; open(\"daemon\",\"w\").write(str(os.getpid())); time.sleep(600)'], {%s})"


class Endings(AgentCase):
    def running(self, text=SLEEP, **changes):
        run_id = self.start(text, **changes)
        run = self.wait_for(run_id, "running")
        self.wait_for_log(run_id, b"up")
        return run_id, run

    def launcher_pid(self, run_id):
        return self.state_file(run_id, "main.json")["launcher_pid"]

    def test_a_killed_script_is_seen_within_a_second(self):
        run_id, run = self.running()
        self.kill(run["pid"])
        killed_at = time.time()
        run = eventually(lambda: [one for one in [self.status(run_id)] if one["state"] == "stopped"])[0]
        ended_at = datetime.strptime(run["ended_at"], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc).timestamp()
        self.assertLess(ended_at - killed_at, 1)
        self.assertEqual((run["reason"], run["signal"], run["exit_code"]), ("failed", "SIGKILL", None))

    def test_a_supervisor_that_is_killed_is_replaced_by_one(self):
        run_id, run = self.running(ON_DEMAND)
        first = self.supervisor_pid(run_id)
        self.kill(first)
        eventually(lambda: self.is_zombie(first))
        (self.project / "more").touch()
        children = [self.agent_process("status", {"run_id": run_id}) for _ in range(4)]
        for child in children:
            self.assertEqual(self.answer_of(child)["runs"][0]["pid"], run["pid"])
        eventually(lambda: self.status(run_id)["last_checkpoint"], "a recorded checkpoint")
        supervisors = [pid for pid in self.marked_processes() if "_supervise" in _command_line(pid)]
        self.assertEqual(supervisors, [self.supervisor_pid(run_id)])
        self.assertNotEqual(supervisors, [first])
        (self.project / "leave").touch()
        run = self.wait_for(run_id)
        self.assertEqual((run["reason"], run["exit_code"]), ("failed", 5))
        self.assertEqual(run["last_checkpoint"]["step"], 1)

    def test_the_end_is_known_although_the_supervisor_was_killed_and_nobody_looked(self):
        run_id, _ = self.running(ON_DEMAND)
        self.kill(self.supervisor_pid(run_id))
        (self.project / "more").touch()
        eventually(lambda: not (self.project / "more").exists())
        (self.project / "leave").touch()
        eventually(lambda: self.state_file(run_id, "exit.json"))
        run = self.status(run_id)
        self.assertEqual((run["state"], run["reason"], run["exit_code"]), ("stopped", "failed", 5))
        self.assertEqual((run["checkpoint_count"], run["last_checkpoint"]["state"]), (1, "complete"))

    def test_without_its_launcher_the_script_goes_on_and_only_the_status_is_lost(self):
        run_id, run = self.running(ON_DEMAND)
        self.kill(self.launcher_pid(run_id))
        (self.project / "more").touch()
        eventually(lambda: self.status(run_id)["last_checkpoint"])
        self.assertEqual(self.status(run_id)["state"], "running")
        (self.project / "leave").touch()
        run = self.wait_for(run_id)
        self.assertEqual((run["reason"], run["exit_code"], run["signal"]), ("failed", None, None))
        self.assertIn("lost", run["detail"])

    def test_a_run_that_a_restart_of_the_machine_ended_was_interrupted(self):
        run_id, _ = self.running()
        for _ in range(3):
            for pid in self.marked_processes():
                self.kill(pid)
        eventually(lambda: not self.marked_processes())
        self.env["RUNCTL_BOOT_ID"] = "boot-2"
        run = self.status(run_id)
        self.assertEqual((run["state"], run["reason"], run["exit_code"]), ("stopped", "interrupted", None))
        eventually(lambda: self.state_file(run_id, "run.json")["state"] == "stopped")
        self.assertEqual(self.status(run_id)["reason"], "interrupted")
        self.assertNotIn("error", self.agent("start", self.request()))

    def test_all_killed_without_a_restart_is_a_failure(self):
        run_id, _ = self.running()
        for _ in range(3):
            for pid in self.marked_processes():
                self.kill(pid)
        eventually(lambda: not self.marked_processes())
        run = self.status(run_id)
        self.assertEqual((run["state"], run["reason"]), ("stopped", "failed"))
        self.assertIn("lost", run["detail"])

    def test_another_process_with_the_same_pid_is_not_the_script(self):
        run_id, run = self.running()
        main = self.state_file(run_id, "main.json")
        for pid in (self.supervisor_pid(run_id), main["launcher_pid"], run["pid"]):
            self.kill(pid)
        eventually(lambda: not self.marked_processes())
        (self.folder(run_id) / "main.json").write_text(json.dumps(dict(main, pid=os.getpid())))
        self.assertEqual(self.status(run_id)["state"], "stopped")

    def test_a_script_that_closes_its_streams_is_still_running(self):
        run_id, run = self.running("import os, time\nprint('up')\n[os.close(fd) for fd in (0, 1, 2)]\ntime.sleep(600)\n")
        self.assertEqual(self.status(run_id)["state"], "running")
        self.kill(run["pid"], signal.SIGTERM)
        self.assertEqual(self.wait_for(run_id)["signal"], "SIGTERM")

    def test_a_daemon_is_counted_and_ends_with_stop(self):
        bare = AS_NEW_PROGRAM % ""
        marked = AS_NEW_PROGRAM % "'RUNCTL_RUN_ID': os.environ.get('RUNCTL_RUN_ID', %r)"
        for how, text, orphaned in (
            ("below the launcher", DAEMON % (bare, ""), False),
            ("by its mark", DAEMON.replace("os.environ.clear()", "") % (marked % "", ""), True),
        ):
            with self.subTest(how):
                if (self.project / "daemon").exists():
                    (self.project / "daemon").unlink()
                run_id = self.start(text)
                run = self.wait_for(run_id)
                daemon = int((self.project / "daemon").read_text())
                self.assertEqual((run["reason"], run["processes_alive"]), ("completed", 1))
                if orphaned:
                    self.kill(self.launcher_pid(run_id))
                    self.assertEqual(self.status(run_id)["processes_alive"], 1)
                answer = self.stop(run_id)
                self.assertEqual((answer["done"], answer["ok"], answer["reports"][0]["ended"]), (True, True, "before"))
                self.assertTrue(self.is_zombie(daemon))
                run = self.status(run_id)
                self.assertEqual((run["reason"], run["processes_alive"]), ("completed", 0))

    def test_what_a_failed_script_left_behind_ends_with_stop(self):
        run_id = self.start(DAEMON % (AS_NEW_PROGRAM % "", "sys.exit(3)"))
        self.assertEqual(self.wait_for(run_id)["processes_alive"], 1)
        answer = self.stop()
        self.assertEqual((answer["ok"], answer["reports"][0]["ended"]), (True, "before"))
        self.assertEqual([self.status(run_id)[key] for key in ("reason", "exit_code", "processes_alive")], ["failed", 3, 0])

    def test_what_ignores_sigterm_is_ended_by_force(self):
        run_id, _ = self.running(DAEMON % ("import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)", IGNORES))
        self.assertEqual(self.status(run_id)["processes_alive"], 2)
        begin = time.monotonic()
        report = self.stop(run_id, grace_s=2, force=True)["reports"][0]
        self.assertLess(time.monotonic() - begin, 6)
        self.assertEqual((report["ended"], report["killed"], report["ok"]), ("forced", 2, False))
        run = self.status(run_id)
        self.assertEqual((run["state"], run["reason"], run["processes_alive"]), ("stopped", "user", 0))

    def test_the_log_is_not_read_whole_for_its_last_line(self):
        run_id, run = self.running()
        with open(str(self.folder(run_id) / "log"), "r+b") as log:
            log.seek(3 << 30)
            log.write(b"x" * (50 << 20) + b"\nlast \xff line\n50%\r60%\rpart")
        begin = time.monotonic()
        run = self.status(run_id)
        self.assertLess(time.monotonic() - begin, 3)
        self.assertEqual(run["last_log_line"], "last \ufffd line")
        self.assertGreater(run["log_size_bytes"], 3 << 30)
        self.kill(run["pid"])
        self.assertEqual(self.wait_for(run_id)["last_log_line"], "part")

    def test_watching_costs_next_to_nothing(self):
        run_id, _ = self.running(ON_DEMAND)
        for _ in range(3):
            (self.project / "more").touch()
            eventually(lambda: not (self.project / "more").exists())
        eventually(lambda: self.status(run_id)["checkpoint_count"] == 3)
        time.sleep(1.0)
        pid = self.supervisor_pid(run_id)
        before = _cpu_ticks(pid)
        time.sleep(3.0)
        self.assertLess((_cpu_ticks(pid) - before) / os.sysconf("SC_CLK_TCK") / 3.0, 0.03)


class States(AgentCase):
    def test_newest_and_all_and_unknown_runs(self):
        self.assertEqual(self.agent("status", {})["runs"], [])
        self.assertEqual(self.agent("status", {"run_id": "run-20261123-195501-0000"})["error"]["code"], "not_found")
        first = self.start("print(1)\n")
        self.wait_for(first)
        second = self.start("print(2)\n")
        self.wait_for(second)
        self.assertEqual(self.status()["run_id"], second)
        self.assertEqual([run["run_id"] for run in self.agent("status", {"all": True})["runs"]], [second, first])
        self.assertEqual([run["run_id"] for run in self.agent("status", {"all": True, "limit": 1})["runs"]], [second])
        page = self.agent("status", {"all": True, "max_bytes": 100})
        self.assertEqual(([run["run_id"] for run in page["runs"]], page["more"]), ([second], True))
        page = self.agent("status", {"all": True, "max_bytes": 100, "after": second})
        self.assertEqual([run["run_id"] for run in page["runs"]], [first])
        self.assertEqual(self.agent("status", {"all": True, "after": "run-20261123-000000-0000"})["runs"], [])
        self.assertEqual(self.agent("status", {"project": "other"})["runs"], [])
        self.assertEqual(self.agent("status", {})["boot_id"], "boot-1")

    def test_waiting_ends_when_its_time_is_over(self):
        run_id = self.start(SLEEP)
        begin = time.monotonic()
        self.assertNotEqual(self.status(run_id, wait_s=0.5, wait_for=["stopped"])["state"], "stopped")
        self.assertLess(time.monotonic() - begin, 5)


def _command_line(pid):
    try:
        with open("/proc/%d/cmdline" % pid) as file:
            return file.read()
    except OSError:
        return ""


def _cpu_ticks(pid):
    with open("/proc/%d/stat" % pid) as file:
        fields = file.read().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
