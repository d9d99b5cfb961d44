import json
import os
import stat
import subprocess
import sys
import time

from tests.agent_case import AgentCase, built_agent, eventually, side_by_side

load_tests = side_by_side

SHOW = """
import json, os, sys
json.dump({"args": [os.fsencode(a).hex() for a in sys.argv[1:]], "env": {k.decode("latin-1"): v.decode("latin-1") for k, v in os.environb.items()},
           "cwd": os.getcwd(), "umask": os.umask(0)}, open("shown.json", "w"))
"""
SLEEP = "import time\nprint('up')\ntime.sleep(600)\n"


class Start(AgentCase):
    def shown(self):
        return json.loads((self.project / "shown.json").read_text())

    def test_runs_the_script_and_tells_how_it_ended(self):
        run_id = self.start("print('hello')\n", args=["--epochs", "3"], name="first")
        run = self.wait_for(run_id)
        self.assertEqual((run["state"], run["reason"], run["exit_code"], run["signal"]), ("stopped", "completed", 0, None))
        self.assertEqual((run["name"], run["project"], run["script"], run["args"]), ("first", "demo", "train.py", ["--epochs", "3"]))
        self.assertEqual((run["last_log_line"], run["log_size_bytes"]), ("hello", 6))
        self.assertEqual((run["attempt"], run["parent_run_id"], run["resume_from"], run["processes_alive"]), (1, None, None, 0))
        for name in ("created_at", "started_at", "ended_at"):
            self.assertRegex(run[name], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")

    def test_a_failing_script_ends_as_failed_with_its_exit_status(self):
        run = self.wait_for(self.start("raise SystemExit(7)\n"))
        self.assertEqual((run["reason"], run["exit_code"], run["signal"]), ("failed", 7, None))

    def test_waits_for_the_script_to_run_where_that_is_asked_for(self):
        self.script(SLEEP)
        request = self.request(wait_s=30)
        self.assertEqual([self.agent("start", request)["run"]["state"] for _ in range(2)], ["running", "running"])

    def test_returns_at_once_and_leaves_no_stream_open(self):
        self.script(SLEEP)
        begin = time.monotonic()
        done = subprocess.run(
            [sys.executable, built_agent(), "start"], input=json.dumps(self.request()).encode() + b"\n", stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=self.env, timeout=30)
        self.assertLess(time.monotonic() - begin, 5)
        self.assertEqual(done.stderr, b"")
        run_id = json.loads(done.stdout)["run"]["run_id"]
        pid = self.wait_for(run_id, "running")["pid"]
        for one in (pid, self.supervisor_pid(run_id), self.state_file(run_id, "main.json")["launcher_pid"]):
            for fd in os.listdir("/proc/%d/fd" % one):
                target = os.readlink("/proc/%d/fd/%s" % (one, fd))
                self.assertNotRegex(target, r"^(pipe|socket):")
        self.assertNotEqual(os.getpgid(pid), os.getpgid(os.getpid()))

    def test_arguments_and_environment_arrive_byte_for_byte(self):
        args = ["", "a b", "$HOME `id` 'q' \"d\" \\", "ünï☃\U0001f600", "-", "--", "line\nbreak", "*", "\udcff\udc80"]
        run_id = self.start(SHOW, args=args, env={"GREETING": "ünï \n$x", "EMPTY": ""}, python=sys.executable)
        self.assertEqual(self.wait_for(run_id)["reason"], "completed", self.log(run_id))
        shown = self.shown()
        self.assertEqual([bytes.fromhex(arg) for arg in shown["args"]], [arg.encode("utf-8", "surrogateescape") for arg in args])
        env = shown["env"]
        self.assertEqual(env["GREETING"].encode("latin-1").decode("utf-8"), "ünï \n$x")
        self.assertEqual(env["EMPTY"], "")

    def test_the_script_sees_where_everything_is(self):
        (self.home / "data" / "mnist").mkdir(parents=True)
        run_id = self.start(SHOW, data="mnist", env={"FROM_REQUEST": "1", "RUNCTL_RUN_ID": "mine"})
        self.wait_for(run_id)
        shown = self.shown()
        env = shown["env"]
        self.assertEqual(shown["cwd"], str(self.project))
        expected = {
            "RUNCTL_RUN_ID": run_id, "RUNCTL_CHECKPOINT_DIR": str(self.project / "checkpoints"), "RUNCTL_OUTPUT_DIR": str(self.project / "output"),
            "RUNCTL_DATA_DIR": str(self.home / "data" / "mnist"), "RUNCTL_STOP_FILE": str(self.folder(run_id) / "stop"), "PYTHONUNBUFFERED": "1",
            "FROM_REQUEST": "1", "RUNCTL_BOOT_ID": "boot-1", "HOME": str(self.home),
        }
        self.assertEqual({key: env.get(key) for key in expected}, expected)
        self.assertNotIn("RUNCTL_RESUME_FROM", env)
        self.assertTrue((self.project / "checkpoints").is_dir() and (self.project / "output").is_dir())

    def test_what_can_hold_secrets_is_for_the_user_alone(self):
        run_id = self.start(SLEEP, env={"TOKEN": "secret"})
        self.wait_for(run_id, "running")
        self.assertEqual(stat.S_IMODE(self.folder(run_id).stat().st_mode), 0o700)
        for path in self.folder(run_id).iterdir():
            self.assertEqual(stat.S_IMODE(path.stat().st_mode) & 0o077, 0, path)

    def test_the_same_run_twice_at_the_same_moment_starts_one(self):
        self.script("import os\nopen('starts', 'a').write('x')\nimport time\ntime.sleep(600)\n")
        request = self.request()
        children = [self.agent_process("start", request) for _ in range(4)]
        self.assertEqual({self.answer_of(child)["run"]["run_id"] for child in children}, {request["run_id"]})
        self.wait_for(request["run_id"], "running")
        eventually(lambda: (self.project / "starts").exists())
        time.sleep(0.5)
        self.assertEqual((self.project / "starts").read_text(), "x")
        self.assertEqual(self.agent("start", request)["run"]["state"], "running")

    def test_a_second_run_in_the_project_is_refused_unless_concurrent(self):
        first = self.start(SLEEP)
        answer = self.agent("start", self.request())
        self.assertEqual((answer["error"]["code"], answer["error"]["details"]), ("run_active", {"run_id": first}))
        second = self.start(SLEEP, concurrent=True)
        self.assertEqual({self.wait_for(one, "running")["state"] for one in (first, second)}, {"running"})

    def test_nothing_is_left_of_a_start_that_is_refused(self):
        self.script("print(1)\n")
        (self.project / "folder.py").mkdir()
        self.script("echo", "plain")
        refused = {
            "not_found": [{"script": "none.py"}, {"script": "folder.py"}, {"data": "none"}, {"data": "/none"}, {"project": "none"},
                          {"python": "no-such-python"}, {"resume": "checkpoints/none.pt"}],
            "bad_input": [{"script": "../train.py"}, {"script": "/bin/ls"}, {"script": "plain"}, {"script": "tr\0ain.py"}, {"args": ["a\0b"]},
                          {"env": {"A=B": "x"}}, {"env": {"": "x"}}, {"project": "../x"}, {"run_id": "../x"}, {"checkpoint_dir": "train.py"},
                          {"args": ["\ud800"]}, {"args": [1]}, {"resume": "a\0b"}, {"script": "tr\ud800.py"}],
            "verification_failed": [{"resume": "latest"}],
        }
        for code, requests in refused.items():
            for changes in requests:
                answer = self.agent("start", self.request(**changes))
                self.assertEqual(answer.get("error", {}).get("code"), code, (changes, answer))
        self.assertEqual(list((self.home / ".runctl" / "runs").iterdir()), [])

    def test_shell_scripts_and_executables_run(self):
        self.script("echo sh $1\n", "run.sh")
        self.script("#!/bin/bash\necho ${BASH_VERSION:+bash} $1\n", "run.bash")
        self.script("echo no first line $1\n", "bare")
        for name, expected in (("run.sh", b"sh x\n"), ("run.bash", b"bash x\n"), ("bare", b"no first line x\n")):
            if name != "run.sh":
                (self.project / name).chmod(0o755)
            request = self.request(name, args=["x"], python=None)
            self.agent("start", request)
            self.wait_for(request["run_id"])
            self.assertEqual(self.log(request["run_id"]), expected)

    def test_a_program_that_cannot_be_started_says_so(self):
        self.script("#!/no/such/interpreter\n", "broken")
        (self.project / "broken").chmod(0o755)
        request = self.request("broken", python=None)
        self.agent("start", request)
        run = self.wait_for(request["run_id"])
        self.assertEqual((run["reason"], run["exit_code"]), ("failed", None))
        self.assertIn("No such file", run["detail"])

    def test_a_request_that_is_none_is_an_error_answer(self):
        self.assertEqual(self.agent("start", [])["error"]["code"], "bad_input")
        self.assertEqual(self.agent("no-verb", {})["error"]["code"], "bad_input")
