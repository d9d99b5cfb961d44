import json
import os
import subprocess
import threading
import time

from tests.agent_case import AgentCase, eventually, side_by_side
from tests.fake_s3 import FakeS3

load_tests = side_by_side

HEAD = """
import json, os, signal, sys, time
def save(step, size=50):
    with open("checkpoints/.new", "w") as file:
        file.write(json.dumps({"step": step, "weights": "w" * size}))
    os.replace("checkpoints/.new", "checkpoints/step_%d.json" % step)
def wait(name):
    while not os.path.exists(name):
        time.sleep(0.02)
stop_file = os.environ["RUNCTL_STOP_FILE"]
print("up")
"""


def cpu_ticks(pid):
    with open("/proc/%d/stat" % pid) as file:
        return sum(map(int, file.read().rpartition(")")[2].split()[11:13]))


class Outputs(AgentCase):
    def setUp(self):
        super().setUp()
        self.world = FakeS3(self)
        self.env.update(self.world.env, RUNCTL_INSTANCE_ID="i-1")
        self.output = {"uri": "s3://bench/results", "access": self.world.access}

    def begin(self, text, **changes):
        return self.start(HEAD + text, output=self.output, **changes)

    def prefix(self, run_id):
        return "results/demo/%s/" % run_id

    def there(self, run_id):
        prefix = self.prefix(run_id)
        return sorted(key[len(prefix):] for key in list(self.world.objects) if key.startswith(prefix))

    def object(self, run_id, name):
        return self.world.body(self.prefix(run_id) + name)

    def uploaded(self, run_id):
        eventually(lambda: (self.state_file(run_id, "uploads.json") or {}).get("finished"), "the upload", 20)
        return json.loads(self.object(run_id, "run.json").decode())

    def only(self, answer):
        self.assertNotIn("error", answer)
        self.assertEqual((answer["done"], len(answer["reports"])), (True, 1), answer)
        return answer["reports"][0]

    def uploader_pid(self, run_id):
        held = self.state_file(run_id, "uploader.lock")
        return held["pid"] if held and not self.is_zombie(held["pid"]) else None

    def test_checkpoints_log_and_results_go_there(self):
        run_id = self.begin("""
save(1)
wait("go")
save(2)
os.makedirs("checkpoints/checkpoint-3/deep")
open("checkpoints/checkpoint-3/deep/model.safetensors", "wb").write((2).to_bytes(8, "little") + b"{}")
open("checkpoints/checkpoint-3/config.json", "w").write("{}")
open("checkpoints/broken_step_4.json", "w").write("{")
open("output/plot ü.txt", "w").write("result")
open(b"output/no utf-8 \\xff", "w").write("cannot have a name in S3")
print("bye")
""")
        eventually(lambda: "checkpoints/step_1.json" in self.there(run_id), "the first checkpoint")
        eventually(lambda: len(self.status(run_id)["last_checkpoint"]["places"]) == 2)
        run = self.status(run_id)
        self.assertEqual((run["output_uri"], run["upload"]["error"], run["upload"]["done"] > 0), ("s3://bench/" + self.prefix(run_id), None, True))
        self.assertEqual(run["last_checkpoint"]["places"][1], {
            "kind": "s3", "where": "bench", "path": self.prefix(run_id) + "checkpoints/step_1.json", "verified_at": run["last_checkpoint"]["places"][1]["verified_at"]})
        (self.project / "go").touch()
        record = self.uploaded(run_id)
        self.assertEqual(self.there(run_id), [
            "checkpoints/checkpoint-3.manifest.json", "checkpoints/checkpoint-3/config.json", "checkpoints/checkpoint-3/deep/model.safetensors",
            "checkpoints/step_1.json", "checkpoints/step_1.json.manifest.json", "checkpoints/step_2.json", "checkpoints/step_2.json.manifest.json",
            "log/000001.log", "outputs/plot ü.txt", "run.json"])
        self.assertEqual(self.object(run_id, "log/000001.log"), b"up\nbye\n")
        self.assertEqual((record["run"]["state"], record["run"]["reason"], record["complete"]), ("stopped", "completed", True))
        self.assertEqual([(one["path"], one["step"], one["uri"].startswith("s3://bench/results/")) for one in record["checkpoints"]],
                         [("checkpoints/step_1.json", 1, True), ("checkpoints/step_2.json", 2, True), ("checkpoints/checkpoint-3", 3, True)])
        listed = self.agent("checkpoints", {"run_id": run_id})["checkpoints"]
        self.assertEqual({one["path"]: [place["kind"] for place in one["places"]] for one in listed}, {
            "checkpoints/step_1.json": ["instance", "s3"], "checkpoints/step_2.json": ["instance", "s3"],
            "checkpoints/checkpoint-3": ["instance", "s3"], "checkpoints/broken_step_4.json": ["instance"]})
        upload = self.status(run_id)["upload"]
        self.assertEqual({key: upload[key] for key in ("done", "pending", "pending_bytes", "error", "behind_since")},
                         {"done": 7, "pending": 0, "pending_bytes": 0, "error": None, "behind_since": None})
        self.assertEqual(self.stop(run_id)["only_here"], [])
        self.assertFalse(list((self.home / ".runctl" / "uploading").iterdir()))
        eventually(lambda: self.uploader_pid(run_id) is None, "the uploader's end")

    def test_a_stop_waits_for_all_of_it(self):
        run_id = self.begin("wait(stop_file)\nsave(9)\n")
        self.wait_for_log(run_id, b"up")
        self.world.fault("PUT", "step_9", "slow", 1.0)
        answer = self.stop(run_id)
        report = self.only(answer)
        self.assertEqual((report["ok"], report["why"], report["ended"], [place["kind"] for place in report["checkpoint"]["places"]]),
                         (True, None, "graceful", ["instance", "s3"]))
        self.assertEqual((answer["only_here"], json.loads(self.object(run_id, "run.json").decode())["run"]["reason"]), ([], "user"))

    def test_a_stop_that_waits_survives_its_supervisor(self):
        gate = threading.Event()
        self.world.fault("PUT", "step_9", "gate", gate)
        run_id = self.begin("wait(stop_file)\nsave(9)\n")
        self.wait_for_log(run_id, b"up")
        request = {"request_id": "x", "run_id": run_id, "grace_s": 25, "wait_s": 30, "force": False, "reason": "budget"}
        stop = self.agent_process("stop", request)
        eventually(lambda: self.world.count("PUT", "step_9"))
        eventually(lambda: self.status(run_id)["state"] == "stopped")
        self.kill(self.supervisor_pid(run_id))
        gate.set()
        report = self.only(self.answer_of(stop))
        self.assertEqual((report["ok"], report["why"], report["ended"], report["checkpoint"]["step"]), (True, None, "graceful", 9))
        self.assertEqual(self.status(run_id)["reason"], "budget")

    def test_a_save_waits_for_the_newest(self):
        run_id = self.begin("wait(stop_file)\nsave(9)\nwait('end')\n")
        self.wait_for_log(run_id, b"up")
        report = self.only(self.stop(run_id, verb="save"))
        self.assertEqual((report["ok"], report["why"], report["ended"]), (True, None, "running"))
        self.assertIn("checkpoints/step_9.json", self.there(run_id))

    def test_a_slow_store_does_not_hold_a_stop_longer_than_its_grace(self):
        run_id = self.begin("wait(stop_file)\nsave(9)\n")
        self.wait_for_log(run_id, b"up")
        self.world.fault("PUT", "", "slow", 20.0, times=99)
        begin = time.monotonic()
        answer = self.stop(run_id, grace_s=4)
        report = self.only(answer)
        self.assertLess(time.monotonic() - begin, 9)
        self.assertEqual((report["ok"], report["ended"]), (True, "graceful"))
        self.assertIn("checkpoints/step_9.json is not in s3://bench/results/demo/", report["why"])
        self.assertEqual([one["step"] for one in answer["only_here"]], [9])

    def test_a_refusal_is_told_and_harms_nothing(self):
        self.world.fault("PUT", "", "status", 403, "AccessDenied", times=1000)
        run_id = self.begin("save(1)\nwait(stop_file)\nsave(2)\n")
        eventually(lambda: self.status(run_id)["upload"]["error"])
        run = self.status(run_id)
        self.assertRegex(run["upload"]["error"], "403 AccessDenied for s3://bench/.*role may not s3:PutObject")
        self.assertEqual((run["state"], run["upload"]["pending"] > 0), ("running", True))
        report = self.only(self.stop(run_id))
        self.assertEqual((report["ok"], report["ended"], report["checkpoint"]["step"]), (True, "graceful", 2))
        self.assertRegex(report["why"], "is not in s3://bench.*403 AccessDenied")
        self.world.faults.clear()
        self.kill(self.uploader_pid(run_id))
        # Any later contact makes it go on.
        eventually(lambda: self.agent("processes", {}) and (self.state_file(run_id, "uploads.json") or {}).get("finished"))
        self.assertIn("checkpoints/step_2.json", self.there(run_id))

    def test_killed_while_it_sends_a_large_file(self):
        self.world.fault("PUT", "step_1", "slow", 0.4, times=1000)
        run_id = self.begin("save(1, 70 << 20)\nwait('end')\n")
        parts = lambda: sum(len(upload["parts"]) for upload in self.world.uploads.values())  # noqa: E731
        eventually(lambda: parts() >= 3, "some parts")
        supervisor = self.supervisor_pid(run_id)
        self.kill(supervisor)
        self.kill(self.uploader_pid(run_id))
        self.world.faults.clear()
        (self.project / "end").touch()
        self.assertEqual(self.wait_for(run_id)["exit_code"], 0)
        self.uploaded(run_id)
        self.assertEqual((self.world.count("POST", "step_1"), self.world.uploads), (2, {}))
        self.assertEqual(len(self.object(run_id, "checkpoints/step_1.json")), (70 << 20) + 26)
        sent = [call[2]["partNumber"] for call in self.world.calls if "partNumber" in call[2]]
        self.assertLess(len(sent), 2 * 9)

    def test_after_a_restart_of_the_machine_the_rest_goes_there(self):
        self.world.fault("*", "results/", "status", 503, "SlowDown", times=100000)
        run_id = self.begin("save(1)\nwait('end')\n")
        eventually(lambda: self.status(run_id)["checkpoint_count"] == 1)
        for pid in self.marked_processes():
            self.kill(pid)
        self.world.faults.clear()
        self.env["RUNCTL_BOOT_ID"] = "boot-2"
        self.agent("processes", {})
        record = self.uploaded(run_id)
        self.assertEqual((record["run"]["reason"], len(record["checkpoints"])), ("interrupted", 1))

    def test_a_checkpoint_that_is_written_again_and_again(self):
        run_id = self.begin("""
for step in range(30):
    with open("checkpoints/.new", "w") as file:
        json.dump({"step": step}, file)
    os.replace("checkpoints/.new", "checkpoints/last.json")
    time.sleep(0.1)
""")
        record = self.uploaded(run_id)
        self.assertEqual((record["checkpoints"][0]["step"], json.loads(self.object(run_id, "checkpoints/last.json").decode())), (29, {"step": 29}))

    def test_a_long_log_goes_in_pieces(self):
        run_id = self.begin("for number in range(40000):\n    print('line %06d of a log that is rather long, yes, very long' % number)\n")
        record = self.uploaded(run_id)
        pieces = [self.object(run_id, "log/%06d.log" % number) for number in range(1, record["log"]["segments"] + 1)]
        self.assertEqual(b"".join(pieces), self.log(run_id))
        self.assertTrue(all(piece.endswith(b"\n") for piece in pieces))

    def test_a_stop_when_the_run_is_over_waits_for_the_rest(self):
        gate = threading.Event()
        self.world.fault("PUT", "step_1", "gate", gate)
        run_id = self.begin("save(1)\n")
        self.wait_for(run_id)
        eventually(lambda: self.world.count("PUT", "step_1"))
        request = {"request_id": "x", "run_id": None, "grace_s": 20, "wait_s": 30, "force": False, "reason": "user"}
        stop = self.agent_process("stop", request)
        eventually(lambda: list((self.home / ".runctl" / "stop-requests").glob("*.json")), "the stop")
        time.sleep(0.3)
        self.assertIsNone(stop.poll())
        gate.set()
        answer = self.answer_of(stop)
        self.assertEqual((self.only(answer)["ended"], self.only(answer)["why"], answer["only_here"]), ("before", None, []))
        self.assertIn("run.json", self.there(run_id))

    def test_it_costs_next_to_nothing_while_nothing_happens(self):
        run_id = self.begin("for step in range(100):\n    save(step)\nwait('end')\n")
        eventually(lambda: sum("step_" in name for name in self.there(run_id)) == 200, "all checkpoints")
        eventually(lambda: self.status(run_id)["upload"]["pending"] == 0)
        pid = self.uploader_pid(run_id)
        before = cpu_ticks(pid)
        time.sleep(3.0)
        self.assertLess((cpu_ticks(pid) - before) / os.sysconf("SC_CLK_TCK") / 3.0, 0.03)

    def test_many_results(self):
        run_id = self.begin("""
for number in range(300):
    open("output/%d.txt" % number, "w").write(str(number))
os.symlink("/etc/hostname", "output/out")
os.symlink("7.txt", "output/in")
""")
        record = self.uploaded(run_id)
        self.assertEqual(sorted(one["path"] for one in record["outputs"]), sorted(["%d.txt" % number for number in range(300)] + ["in"]))
        self.assertEqual(self.object(run_id, "outputs/in"), b"7")

    def test_earlier_results_and_checkpoints_below_the_results_are_left_out(self):
        (self.project / "output").mkdir()
        old = self.project / "output" / "old.txt"
        old.write_text("of another run")
        run_id = self.begin("""
save(1)
open("output/new.txt", "w").write("new")
os.makedirs("output/checkpoints/x")
""".replace("save(1)", "json.dump({'step': 1}, open('output/checkpoints/step_1.json', 'w'))"), checkpoint_dir="output/checkpoints")
        self.uploaded(run_id)
        self.assertEqual(self.there(run_id), ["checkpoints/step_1.json", "checkpoints/step_1.json.manifest.json", "log/000001.log", "outputs/new.txt", "run.json"])

    def test_an_output_that_is_no_uri(self):
        answer = self.agent("start", self.request(self.script("pass"), output={"uri": "file:///x", "access": self.world.access}))
        self.assertEqual(answer["error"]["code"], "bad_input")


class Data(AgentCase):
    def setUp(self):
        super().setUp()
        self.world = FakeS3(self)
        self.env.update(self.world.env)
        self.source = {"uri": "s3://bench/sets/mnist/", "access": self.world.access}

    def test_the_script_finds_it(self):
        self.world.put("sets/mnist/a.txt", b"content")
        run_id = self.start("import os\nprint(open(os.path.join(os.environ['RUNCTL_DATA_DIR'], 'a.txt')).read())\n", data_source=self.source)
        self.assertEqual(self.wait_for(run_id)["exit_code"], 0)
        self.assertRegex(self.log(run_id), rb"data: 1 files, 0.0 MB in .*/data/s3-bench-[0-9a-f]{8} \(1 had changed, 0 were removed\)\ncontent")

    def test_a_failure_is_the_runs_end(self):
        run_id = self.start("print('never')\n", data_source=self.source)
        run = self.wait_for(run_id)
        self.assertEqual((run["reason"], run["exit_code"]), ("failed", None))
        self.assertIn("nothing at s3://bench/sets/mnist/", run["detail"])
        self.assertNotIn(b"never", self.log(run_id))

    def test_it_can_be_stopped_meanwhile(self):
        self.world.put("sets/mnist/a.txt", b"content")
        self.world.fault("GET", "a.txt", "slow", 20.0, times=9)
        run_id = self.start("print('never')\n", data_source=self.source)
        eventually(lambda: self.world.count("GET", "a.txt"))
        self.assertEqual(self.status(run_id)["state"], "preparing")
        begin = time.monotonic()
        self.assertEqual(self.stop(run_id)["reports"][0]["ended"], "graceful")
        self.assertLess(time.monotonic() - begin, 5)
        supervisor = self.supervisor_pid(run_id)
        eventually(lambda: supervisor is None or self.is_zombie(supervisor), "the supervisor's end")

    def test_a_supervisor_that_is_killed_meanwhile(self):
        self.world.put("sets/mnist/a.txt", b"content")
        self.world.fault("GET", "a.txt", "slow", 20.0)
        run_id = self.start("print('ran')\n", data_source=self.source)
        eventually(lambda: self.world.count("GET", "a.txt"))
        self.kill(self.supervisor_pid(run_id))
        self.assertEqual(self.wait_for(run_id)["exit_code"], 0)
        self.assertEqual(self.log(run_id).count(b"ran\n"), 1)

    def test_not_together_with_synced_data(self):
        answer = self.agent("start", self.request(self.script("pass"), data="/tmp", data_source=self.source))
        self.assertEqual(answer["error"]["code"], "bad_input")
        self.assertFalse(os.path.exists(str(self.home / "data")))

    def test_a_disk_that_becomes_full(self):
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "runctl-test", str(self.home)], stderr=subprocess.DEVNULL)
        if mounted.returncode != 0:
            self.skipTest("a small disk cannot be made here")
        self.addCleanup(subprocess.run, ["umount", "-l", str(self.home)], stderr=subprocess.DEVNULL)
        self.project.mkdir(parents=True)
        self.world.put("sets/mnist/a", b"x" * 4000000)
        run_id = self.start("print('never')\n", data_source=self.source)
        self.assertRegex(self.wait_for(run_id)["detail"], "needs 5.0 MB, and the instance's disk has .* free")
        self.world.put("sets/mnist/a", b"x" * 500000)
        self.world.fault("GET", "/a", "slow", 1.5)
        run_id = self.start("print('never')\n", data_source=self.source)
        eventually(lambda: self.world.count("GET", "/a"))
        with open(str(self.home / "filler"), "wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 512)
            except OSError:
                pass
        self.assertRegex(self.wait_for(run_id)["detail"], "disk became full while the data")
