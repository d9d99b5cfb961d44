"""Kills at random moments, by a seed: never a checkpoint that is called complete and is not, never a wrong resume, and the work gets done.

RUNCTL_KILLS (25) and RUNCTL_KILL_SEED (1) say how many and which. What is killed: the script, its launcher, supervisor, uploader, the verb
that starts, all at once (the machine; its next start has another boot id), and the machine with its disk, so that only the store is left.
"""

import hashlib
import json
import os
import random
import shutil
import time
import unittest

from tests.agent_case import AgentCase, eventually, side_by_side
from tests.fake_s3 import FakeS3

load_tests = side_by_side

KILLS, SEED = int(os.environ.get("RUNCTL_KILLS", "25")), int(os.environ.get("RUNCTL_KILL_SEED", "1"))
STEPS, EVERY = 600, 15
KINDS = ("script", "launcher", "supervisor", "uploader", "both helpers", "machine", "gone")

# Each step's value follows from the one before: what a checkpoint holds can be proved. Every other one is written in place, slowly.
SCRIPT = """
import hashlib, json, os, sys, time
STEPS, EVERY = %d, %d
def after(value):
    return hashlib.sha256(value.encode()).hexdigest()
def value_at(step):
    value = "begin"
    for _ in range(step):
        value = after(value)
    return value
step, value, path = 0, "begin", os.environ.get("RUNCTL_RESUME_FROM")
if path:
    with open(path) as file:
        state = json.load(file)
    step, value = state["step"], state["value"]
    if value != value_at(step) or len(state["pad"]) != 200000:
        sys.exit(3)
print("from step %%d" %% step, flush=True)
folder = os.environ["RUNCTL_CHECKPOINT_DIR"]
while step < STEPS:
    step, value = step + 1, after(value)
    time.sleep(0.005)
    if step %% EVERY == 0:
        text = json.dumps({"step": step, "value": value, "pad": "p" * 200000})
        name = os.path.join(folder, "step_%%d.json" %% step)
        if step // EVERY %% 2:
            with open(name, "w") as file:
                file.write(text[:100000])
                file.flush()
                time.sleep(0.03)
                file.write(text[100000:])
        else:
            with open(name + ".tmp", "w") as file:
                file.write(text)
            os.replace(name + ".tmp", name)
        print("step %%d" %% step, flush=True)
with open(os.path.join(os.environ["RUNCTL_OUTPUT_DIR"], "final.json"), "w") as file:
    json.dump({"value": value}, file)
""" % (STEPS, EVERY)


def value_at(step):
    value = "begin"
    for _ in range(step):
        value = hashlib.sha256(value.encode()).hexdigest()
    return value


VALUES = {step: value_at(step) for step in range(0, STEPS + 1, EVERY)}


class Kills(AgentCase):
    def setUp(self):
        super().setUp()
        self.rng, self.boots, self.laps, self.kills = random.Random(SEED), 1, 0, {}
        self.new_world()

    def new_world(self):
        """Another training from its beginning."""
        self.world = FakeS3(self)
        # Slow enough to be hit in the middle.
        self.world.fault("PUT", "checkpoints/", "slow", 0.05, times=10 ** 9)
        self.env.update(self.world.env)
        self.new_home()
        self.best = 0

    def new_home(self):
        shutil.rmtree(str(self.home), ignore_errors=True)
        self.project.mkdir(parents=True)
        self.run_id = None

    def new_run_id(self):
        self._runs %= 99
        return super().new_run_id()

    # What must hold at any time.

    def check(self, content, what):
        state = json.loads(content.decode())
        self.assertEqual(state["value"], VALUES[state["step"]], what)
        self.assertEqual(len(state["pad"]), 200000, what)
        return state["step"]

    def check_disk(self):
        """The steps that are called complete; each proves to be."""
        steps = []
        for one in self.agent("checkpoints", {"project": "demo"})["checkpoints"] if self.run_id else ():
            if one["state"] == "complete":
                content = (self.project / one["path"]).read_bytes()
                # A script that goes on may be writing it again.
                if hashlib.sha256(content).hexdigest() == one["sha256"]:
                    self.assertEqual(self.check(content, one["path"]), one["step"])
                    steps.append(one["step"])
        return steps

    def stored(self):
        """What the store holds, the newest first, as a client lists it; each manifest describes what is there."""
        found = []
        for key in sorted(self.world.objects):
            if key.endswith(".manifest.json"):
                manifest = json.loads(self.world.body(key).decode())
                content = self.world.body(key[:-len(".manifest.json")])
                self.assertEqual((hashlib.sha256(content).hexdigest(), len(content)), (manifest["sha256"], manifest["size_bytes"]), key)
                self.assertEqual(self.check(content, key), manifest["step"])
                found.append(dict({name: manifest[name] for name in manifest if name not in ("version", "files")}, uri="s3://bench/" + key[:-len(".manifest.json")]))
        return sorted(found, key=lambda one: one["modified_at"], reverse=True)

    # What happens.

    def begin(self):
        """The next run: from the newest that is good, wherever it is."""
        stored = self.stored()
        on_disk = self.check_disk()
        may_be = max(on_disk + [one["step"] for one in stored] + [0])
        request = self.request(self.script(SCRIPT), output={"uri": "s3://bench/results", "access": self.world.access})
        if may_be:
            request.update(resume="latest" if on_disk else None, resume_stored=stored, resume_access=self.world.access)
        elif self.run_id:
            error = self.agent("start", dict(request, resume="latest", run_id=self.new_run_id())).get("error")
            self.assertEqual(error and error["code"], "verification_failed")
        if self.rng.random() < 0.3:
            child = self.agent_process("start", request)
            time.sleep(self.rng.random() * 0.3)
            self.kill(child.pid)
            child.communicate()
            self.count("start")
        answer = self.agent("start", request)
        self.assertNotIn("error", answer)
        self.run_id = request["run_id"]
        self.wait_for(self.run_id, "running", "stopped")
        eventually(lambda: b"from step" in self.log(self.run_id) or self.status(self.run_id)["state"] == "stopped")
        run = self.status(self.run_id)
        self.assertNotEqual(run["exit_code"], 3, "resumed from a checkpoint that is none")
        self.assertIsNone(run["failed_code"], run["detail"])
        if run["started_at"] is not None:
            begun = int(self.log(self.run_id).decode().split("from step ")[1].split()[0])
            # Whatever was called complete before is not lost: never a step back.
            self.assertGreaterEqual(begun, may_be)
            self.assertIn(begun, VALUES)
            self.assertIsNone(run["resume_alarm"])

    def count(self, kind):
        self.kills[kind] = self.kills.get(kind, 0) + 1

    def is_active(self):
        return self.run_id is not None and self.status(self.run_id)["state"] != "stopped"

    def one_kill(self):
        kind = self.rng.choice(KINDS)
        time.sleep(self.rng.random() * 0.9)
        main = self.state_file(self.run_id, "main.json") or {}
        helpers = {name: (self.state_file(self.run_id, name + ".lock") or {}).get("pid") for name in ("supervisor", "uploader")}
        pids = {
            "script": [main.get("pid")], "launcher": [main.get("launcher_pid")], "supervisor": [helpers["supervisor"]], "uploader": [helpers["uploader"]],
            "both helpers": list(helpers.values()), "machine": self.marked_processes(), "gone": self.marked_processes()}[kind]
        mine = set(self.marked_processes())
        for pid in pids:
            if pid in mine:
                self.kill(pid)
        self.count(kind)
        if kind in ("machine", "gone"):
            while self.marked_processes():
                for pid in self.marked_processes():
                    self.kill(pid)
                time.sleep(0.02)
            self.boots += 1
            self.env["RUNCTL_BOOT_ID"] = "boot-%d" % self.boots
        if kind == "gone":
            self.new_home()
        elif kind == "script":
            self.wait_for(self.run_id)

    def finished(self):
        """Whether this training has reached its end; its result is that of a run that nobody disturbed."""
        path = self.project / "output" / "final.json"
        run = self.run_id and self.status(self.run_id)
        if not run or run["state"] != "stopped" or not path.exists() or run["reason"] != "completed":
            return False
        self.assertEqual(json.loads(path.read_text())["value"], value_at(STEPS))
        eventually(self.is_uploaded, "the upload")
        self.assertEqual(max(one["step"] for one in self.stored()), STEPS)
        return True

    def is_uploaded(self):
        self.agent("processes", {})  # any verb makes an uploader that was killed go on
        return (self.state_file(self.run_id, "uploads.json") or {}).get("finished")

    def test_random_kills(self):
        killed = 0
        while killed < KILLS:
            if self.finished():
                self.laps += 1
                self.new_world()
            if not self.is_active():
                self.begin()
            self.one_kill()
            killed += 1
            self.check_disk()
            self.stored()
        # And then it is left alone.
        for _ in range(3):
            if not self.is_active() and not self.finished():
                self.begin()
            self.wait_for(self.run_id)
            if self.finished():
                break
        self.assertTrue(self.finished(), self.status(self.run_id))
        if KILLS > 25:
            print("seed %d: %s; %d trainings to their end" % (SEED, self.kills, self.laps + 1))


if __name__ == "__main__":
    unittest.main()
