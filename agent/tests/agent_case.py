"""A machine for one test: a home folder, the agent built as it travels, real processes, nothing left behind."""

import concurrent.futures
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import build_agent  # noqa: E402

# Generous: what is waited for is there in a second or two, but for a pip that makes an environment while all cores are busy.
DEADLINE_S = 120.0
AT_A_TIME = 8
_suites = []
_built = None


def built_agent():
    """Path of the zipapp, built once for all tests."""
    global _built
    if _built is None:
        _built = tempfile.TemporaryDirectory(prefix="runctl-agent-")
        build_agent.build(os.path.join(_built.name, "agent.pyz"))
    return os.path.join(_built.name, "agent.pyz")


def eventually(condition, what="it", deadline_s=DEADLINE_S):
    """The first true value of the condition; fails after the deadline."""
    until = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > until:
            raise AssertionError("%s did not happen within %s s" % (what, deadline_s))
        time.sleep(0.02)


class SideBySide(unittest.TestSuite):
    """These tests mostly wait, each in a home of its own: several at a time, those of all modules together.

    What went wrong is told at the end.
    """

    def run(self, result, debug=False):
        together = [test for suite in _suites for test in _each(suite)]
        del _suites[:]

        def run_one(test):
            own = unittest.TestResult()
            test(own)
            return own

        with concurrent.futures.ThreadPoolExecutor(AT_A_TIME) as pool:
            for own in pool.map(run_one, together):
                result.testsRun += own.testsRun
                for kind in ("failures", "errors", "skipped", "expectedFailures", "unexpectedSuccesses"):
                    getattr(result, kind).extend(getattr(own, kind))
        return result


def _each(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from _each(test)
        else:
            yield test


def side_by_side(loader, tests, pattern):
    """For a module's `load_tests`."""
    built_agent()
    _suites.append(SideBySide(tests))
    return _suites[-1]


class AgentCase(unittest.TestCase):
    def setUp(self):
        self.home = Path(tempfile.mkdtemp(prefix="runctl-home-"))
        self.mark = "RUNCTL_TEST_MARK=%s" % uuid.uuid4()
        name, value = self.mark.split("=")
        kept = {key: os.environ[key] for key in ("PATH", "PYENV_ROOT", "PYENV_VERSION") if key in os.environ}
        self.env = dict(kept, **{"HOME": str(self.home), "LC_ALL": "C", "RUNCTL_BOOT_ID": "boot-1", name: value})
        self.project = self.home / "projects" / "demo"
        self.project.mkdir(parents=True)
        self._runs = 0

    def tearDown(self):
        for _ in range(100):
            mine = self.marked_processes()
            if not mine:
                break
            for pid in mine:
                self.kill(pid)
            time.sleep(0.02)
        shutil.rmtree(str(self.home), ignore_errors=True)

    def marked_processes(self):
        """Everything that this test started, found by its mark in the environment."""
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit() and int(entry) != os.getpid():
                try:
                    with open("/proc/%s/environ" % entry, "rb") as file:
                        marked = self.mark.encode() in file.read().split(b"\0")
                except OSError:
                    continue
                if marked:
                    found.append(int(entry))
        return found

    def kill(self, pid, number=signal.SIGKILL):
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass

    def agent_process(self, verb, request, attachment=b"", env=None):
        child = subprocess.Popen(
            [sys.executable, "-I", built_agent(), verb], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=dict(self.env, **(env or {})), cwd=str(self.home))
        child.stdin.write(json.dumps(request).encode() + b"\n" + attachment)
        child.stdin.close()
        child.stdin = None
        return child

    def answer_of(self, child):
        output, errors = child.communicate(timeout=DEADLINE_S + 60)
        self.assertEqual((child.returncode, errors), (0, b""))
        self.assertEqual(output.count(b"\n"), 1)
        return json.loads(output.decode("ascii"))

    def agent(self, verb, request, **options):
        return self.answer_of(self.agent_process(verb, request, **options))

    def script(self, text, name="train.py"):
        path = self.project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return name

    def new_run_id(self):
        self._runs += 1
        return "run-20261123-1955%02d-%s" % (self._runs, uuid.uuid4().hex[:8])

    def request(self, script="train.py", **changes):
        request = {
            "run_id": self.new_run_id(), "project": "demo", "name": None, "script": script, "args": [], "python": sys.executable, "env": {},
            "checkpoint_dir": "checkpoints", "checkpoint_patterns": [], "output_dir": "output", "data": None, "resume": None,
            "concurrent": False, "sync": None,
        }
        request.update(changes)
        return request

    def start(self, text, **changes):
        """Starts a script with this text; its run id."""
        answer = self.agent("start", self.request(self.script(text), **changes))
        self.assertNotIn("error", answer)
        return answer["run"]["run_id"]

    def status(self, run_id=None, **request):
        return self.agent("status", dict(request, run_id=run_id) if run_id else request)["runs"][0]

    def wait_for(self, run_id, *states):
        run = self.status(run_id, wait_s=DEADLINE_S, wait_for=list(states or ("stopped",)))
        self.assertIn(run["state"], states or ("stopped",), self.supervisor_log(run_id))
        return run

    def stop(self, run_id=None, verb="stop", **changes):
        request = {"request_id": str(uuid.uuid4()), "run_id": run_id, "grace_s": 10, "wait_s": 30, "force": False, "reason": "user"}
        request.update(changes)
        return self.agent(verb, request)

    def folder(self, run_id):
        return self.home / ".runctl" / "runs" / run_id

    def log(self, run_id):
        return (self.folder(run_id) / "log").read_bytes()

    def supervisor_log(self, run_id):
        try:
            return (self.folder(run_id) / "supervisor.log").read_text("utf-8", "replace")
        except OSError:
            return ""

    def state_file(self, run_id, name):
        try:
            return json.loads((self.folder(run_id) / name).read_text())
        except (OSError, ValueError):
            return None

    def supervisor_pid(self, run_id):
        held = self.state_file(run_id, "supervisor.lock")
        return held["pid"] if held and os.path.exists("/proc/%d" % held["pid"]) and not self.is_zombie(held["pid"]) else None

    def is_zombie(self, pid):
        try:
            with open("/proc/%d/stat" % pid) as file:
                return file.read().rpartition(")")[2].split()[0] in "ZX"
        except OSError:
            return True

    def wait_for_log(self, run_id, text):
        eventually(lambda: text in self.log(run_id), "%r in the log" % text)
