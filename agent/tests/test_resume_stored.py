import hashlib
import json
import os
import threading
import time

from tests.agent_case import ROOT, AgentCase, eventually, side_by_side
from tests.fake_s3 import FakeS3

load_tests = side_by_side

SHOW = """
import hashlib, json, os, sys
path = os.environ.get("RUNCTL_RESUME_FROM")
def digest(path):
    return hashlib.sha256(open(path, "rb").read()).hexdigest()
files = {os.path.relpath(os.path.join(at, name), path): digest(os.path.join(at, name)) for at, _, names in os.walk(path) for name in names} if os.path.isdir(path) else digest(path)
print(json.dumps([path, sys.argv[1:], files]))
# understands --resume-from and --weights
"""
OTHER = "run-20261101-120000-abcdef01"


def sha(content):
    return hashlib.sha256(content).hexdigest()


class Stored(AgentCase):
    def setUp(self):
        super().setUp()
        self.world = FakeS3(self)
        self.env.update(self.world.env)

    def stored(self, name, content, step, at, mark=True, **facts):
        """Puts it there and says so, as the listing of the client does."""
        key = "results/demo/%s/checkpoints/%s" % (OTHER, name)
        headers = {"x-amz-meta-runctl-sha256": sha(content)} if mark else {}
        self.world.put(key, content, **headers)
        return dict({
            "uri": "s3://bench/" + key, "path": "checkpoints/" + name, "kind": "file", "state": "complete", "format": "json", "sha256": sha(content),
            "size_bytes": len(content), "step": step, "epoch": None, "metrics": {}, "modified_at": "2026-11-01T12:%02d:00.000Z" % at,
            "run_id": OTHER, "attempt": 3, "verified_at": "2026-11-01T13:00:00.000Z"}, **facts)

    def stored_folder(self, name, files, at):
        listing = [{"path": path, "size": len(content), "sha256": sha(content)} for path, content in sorted(files.items())]
        whole = hashlib.sha256("".join("%s  %s\n" % (one["sha256"], one["path"]) for one in listing).encode()).hexdigest()
        one = self.stored(name, b"", 5, at, kind="folder", sha256=whole, size_bytes=sum(map(len, files.values())), format="folder")
        key = one["uri"][len("s3://bench/"):]
        del self.world.objects[key]
        for path, content in files.items():
            self.world.put(key + "/" + path, content)
        self.world.put(key + ".manifest.json", json.dumps(dict(one, version=1, files=listing)).encode())
        return one

    def begin(self, *stored, text=SHOW, **changes):
        changes = dict({"resume": "latest"}, **changes)
        return self.agent("start", self.request(self.script(text), resume_stored=list(stored), resume_access=self.world.access, **changes))

    def seen(self, *stored, **changes):
        answer = self.begin(*stored, **changes)
        self.assertNotIn("error", answer)
        run = self.wait_for(answer["run"]["run_id"])
        self.assertEqual(run["exit_code"], 0, self.log(run["run_id"]))
        return run, json.loads(self.log(run["run_id"]).decode().strip().split("\n")[-1])

    def local(self, name, content, at):
        path = self.project / "checkpoints" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        moment = time.mktime((2026, 11, 1, 12, at, 0, 0, 0, 0)) - time.timezone
        os.utime(str(path), (moment, moment))
        return str(path)

    def test_the_newest_of_both_is_taken(self):
        content = b'{"step": 20, "weights": "%s"}' % (b"w" * 300000)
        self.local("step_10.json", b'{"step": 10}', 10)
        one = self.stored("step_20.json", content, 20, 20)
        run, (path, args, digest) = self.seen(one, self.stored("step_5.json", b'{"step": 5}', 5, 5))
        self.assertEqual((path, digest), (str(self.home / ".runctl" / "resumed" / one["sha256"][:16] / "step_20.json"), sha(content)))
        self.assertEqual(args, ["--resume-from", path])
        self.assertEqual((run["resume_from"], run["parent_run_id"], run["attempt"], run["args"], run["detail"]), (one["uri"], OTHER, 4, [], None))
        self.assertEqual(run["checkpoint_count"], 0)
        self.assertIn(b"verified", self.log(run["run_id"]))

    def test_one_of_the_disk_is_not_fetched(self):
        path = self.local("step_10.json", b'{"step": 10}', 10)
        self.local("step_20.json", b'{"step": 20', 30)
        for at in (5, 10, 20):  # older, or the same content under a newer time
            answer = self.begin(self.stored("step_10.json", b'{"step": 10}', 10, at))
            run = self.wait_for(answer["run"]["run_id"])
            self.assertEqual((run["resume_from"], self.world.count("GET", "results")), ("checkpoints/step_10.json", 0))
            self.assertIn(path.encode(), self.log(run["run_id"]))
        self.assertEqual([one["path"] for one in answer["resume_skipped"]], ["checkpoints/step_20.json"])

    def test_stored_ones_alone_and_the_name_of_the_argument(self):
        one = self.stored("step_20.json", b'{"step": 20}', 20, 20)
        self.local("step_30.json", b'{"step": 30}', 30)
        run, (path, args, _) = self.seen(one, resume=None, resume_argument="--weights")
        self.assertEqual((run["resume_from"], args), (one["uri"], ["--weights", path]))
        self.assertEqual(self.seen(one, resume=OTHER, resume_argument=None)[1][1], [])
        self.assertEqual(self.seen(one, resume=None, args=["--resume-from=x"])[1][1], ["--resume-from=x"])
        self.assertEqual(self.begin(resume=OTHER)["error"]["code"], "not_found")

    def test_a_run_id_takes_only_that_runs(self):
        first = self.start("import json\njson.dump({'step': 1}, open('checkpoints/step_1.json', 'w'))\n")
        self.wait_for(first)
        second = self.start("import json\njson.dump({'step': 2}, open('checkpoints/step_2.json', 'w'))\n")
        self.wait_for(second)
        run, _ = self.seen(resume=first)
        self.assertEqual((run["resume_from"], run["parent_run_id"], run["attempt"]), ("checkpoints/step_1.json", first, 2))

    def test_folders_come_file_by_file(self):
        files = {"config.json": b"{}", "deep/model.bin": os.urandom(100000), "empty": b""}
        _, (path, _, seen) = self.seen(self.stored_folder("checkpoint-5", files, 20))
        self.assertEqual((os.path.basename(path), seen), ("checkpoint-5", {name: sha(content) for name, content in files.items()}))

    def test_what_does_not_verify_or_is_gone_is_passed_over_and_said(self):
        broken = self.stored("step_40.json", b'{"step": 40}', 40, 40, mark=False)
        self.world.objects[broken["uri"][len("s3://bench/"):]]["body"] = b'{"step": 41}'
        gone = self.stored("step_30.json", b'{"step": 30}', 30, 30)
        del self.world.objects[gone["uri"][len("s3://bench/"):]]
        unsound = self.stored_folder("checkpoint-5", {"a.bin": b"1"}, 29)
        key = unsound["uri"][len("s3://bench/"):] + ".manifest.json"
        self.world.put(key, self.world.body(key).replace(b'"a.bin"', b'"../a.bin"'))
        good = self.local("step_10.json", b'{"step": 10}', 10)
        answer = self.begin(self.stored("step_50.json", b"{", 50, 50, state="partial"), broken, gone, unsound)
        self.assertEqual([one["path"].split("/")[-1] for one in answer["resume_skipped"]], ["step_50.json"])
        run = self.wait_for(answer["run"]["run_id"])
        log = self.log(run["run_id"]).decode()
        self.assertEqual((run["resume_from"], json.loads(log.strip().split("\n")[-1])[0]), ("checkpoints/step_10.json", good))
        self.assertRegex(log, "step_40.json is passed over: its bytes do not have the digest")
        self.assertRegex(log, "step_30.json is passed over: it is gone")
        self.assertRegex(log, "checkpoint-5 is passed over: the manifest of .* contradicts itself")
        self.assertEqual([one["path"].split("/")[-1] for one in self.state_file(run["run_id"], "run.json")["resume_skipped"]],
                         ["step_40.json", "step_30.json", "checkpoint-5"])

    def test_none_good_ends_the_run_before_its_script(self):
        one = self.stored("step_20.json", b'{"step": 20}', 20, 20)
        self.world.objects.clear()
        run = self.wait_for(self.begin(one)["run"]["run_id"])
        self.assertEqual((run["reason"], run["failed_code"], run["started_at"]), ("failed", "verification_failed", None))
        self.assertRegex(run["detail"], "none of the 1 checkpoints to resume from is good: s3://bench/.*step_20.json: it is gone")
        error = self.begin(dict(one, state="corrupt"))["error"]
        self.assertEqual((error["code"], error["details"]["looked_at"][-1]), ("verification_failed", one["uri"]))

    def test_no_way_to_the_store_is_not_taken_for_a_bad_checkpoint(self):
        self.local("step_10.json", b'{"step": 10}', 10)
        one = self.stored("step_20.json", b'{"step": 20}', 20, 20)
        self.world.fault("*", "step_20", "status", 403, "AccessDenied", times=99)
        run = self.wait_for(self.begin(one)["run"]["run_id"])
        self.assertEqual((run["reason"], run["failed_code"], run["started_at"]), ("failed", "platform_failed", None))

    def test_one_that_was_written_again_and_lost_its_manifest_is_good_if_it_proves_so(self):
        one = self.stored("last.json", b'{"step": 20}', 20, 20)
        self.stored("last.json", b'{"step": 21, "x": 1}', 21, 21)
        run, (_, _, digest) = self.seen(one)
        self.assertEqual((digest, run["resume_from"], self.state_file(run["run_id"], "run.json")["resume_step"]), (sha(b'{"step": 21, "x": 1}'), one["uri"], 21))
        self.stored("last.json", b'{"step": 22', 22, 22)
        run = self.wait_for(self.begin(one)["run"]["run_id"])
        self.assertRegex(run["detail"], "another one has taken its place, and that is cut off")

    def test_a_large_one_goes_on_where_a_killed_supervisor_left_it(self):
        content = b'{"step": 20, "weights": "%s"}' % (b"w" * (100 << 20))
        one = self.stored("step_20.json", content, 20, 20)
        gate = threading.Event()
        self.world.fault("GET", "step_20", "cut", 5 << 20, times=3)
        answer = self.begin(one)
        run_id = answer["run"]["run_id"]
        pieces = self.home / ".runctl" / "resumed" / one["sha256"][:16] / ".partial" / ".pieces"
        eventually(lambda: pieces.exists() and pieces.read_bytes().count(b"\n") >= 3, "some pieces")
        self.world.fault("GET", "step_20", "gate", gate, times=99)
        self.kill(self.supervisor_pid(run_id))
        before, there = len(self.world.calls), pieces.read_bytes().count(b"\n") - 1 if pieces.exists() else 4
        gate.set()
        run = self.wait_for(run_id)
        self.assertEqual((run["exit_code"], json.loads(self.log(run_id).decode().strip().split("\n")[-1])[2]), (0, sha(content)))
        ranges = [call for call in self.world.calls[before:] if call[0] == "GET" and "Range" in str(call[3]).title()]
        self.assertLessEqual(len(ranges), 4 - there + 1)

    def test_it_can_be_stopped_meanwhile(self):
        one = self.stored("step_20.json", b'{"step": 20}', 20, 20)
        self.world.fault("GET", "step_20", "slow", 20.0, times=9)
        run_id = self.begin(one)["run"]["run_id"]
        eventually(lambda: self.world.count("GET", "step_20"))
        begin = time.monotonic()
        self.assertEqual(self.stop(run_id)["reports"][0]["ended"], "graceful")
        self.assertLess(time.monotonic() - begin, 15)

    def test_what_no_active_run_uses_is_removed(self):
        self.seen(self.stored("step_20.json", b'{"step": 20}', 20, 20))
        self.seen(self.stored("step_21.json", b'{"step": 21}', 21, 21))
        self.assertEqual([path.name for path in (self.home / ".runctl" / "resumed").glob("*/*")], ["step_21.json"])
        self.wait_for(self.start("pass"))
        self.assertEqual(list((self.home / ".runctl" / "resumed").glob("*")), [])

    def test_what_is_no_stored_checkpoint_is_refused(self):
        one = self.stored("step_20.json", b'{"step": 20}', 20, 20)
        for changes in ({"uri": "file:///x"}, {"uri": "s3://bench/x/.."}, {"sha256": "../x"}, {"size_bytes": -1}, {"kind": "moon"}, {"step": "1"}):
            self.assertEqual(self.begin(dict(one, **changes))["error"]["code"], "bad_input")
        self.assertEqual(self.agent("start", self.request(self.script(SHOW), resume_stored=[one]))["error"]["code"], "bad_input")

    def test_a_store_that_wants_no_signature(self):
        self.world.unsigned = self.world.access["unsigned"] = True
        self.seen(self.stored("step_20.json", b'{"step": 20}', 20, 20))


class Alarm(AgentCase):
    def resumed(self, text):
        path = self.project / "checkpoints" / "step_218.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text('{"step": 218}')
        os.utime(str(path), (time.time() - 60, time.time() - 60))
        return self.start(text, resume="latest")

    def test_a_script_that_starts_over_is_told(self):
        run_id = self.resumed("import time\nprint('step 20', flush=True)\ntime.sleep(60)\n")
        eventually(lambda: self.status(run_id)["resume_alarm"])
        self.assertRegex(self.status(run_id)["resume_alarm"], "^the first step logged after the resume is 20, below the checkpoint's 218: ")
        self.assertIn("below the checkpoint's 218", self.supervisor_log(run_id))

    def test_one_that_goes_on_or_is_new_is_not(self):
        run_id = self.resumed("print('step 219')\nprint('step 1')\n")
        self.assertIsNone(self.wait_for(run_id)["resume_alarm"])
        run_id = self.start("print('step 1')\n")
        self.assertIsNone(self.wait_for(run_id)["resume_alarm"])

    def test_the_sample_training_is_not(self):
        text = (ROOT / "training" / "train_with_checkpoints.py").read_text()
        self.script((ROOT / "training" / "data" / "iris.csv").read_text(), "data/iris.csv")
        arguments = ["--epochs", "3", "--steps-per-epoch", "40", "--step-seconds", "0.02"]
        first = self.start(text, args=arguments)
        self.wait_for_log(first, b"epoch 1/3")
        self.assertTrue(self.stop(first)["ok"])
        second = self.start(text, args=["--epochs", "3", "--step-seconds", "0"], resume="latest")
        run = self.wait_for(second)
        facts = self.state_file(second, "run.json")
        self.assertEqual((run["exit_code"], run["resume_alarm"], run["attempt"]), (0, None, 2), self.log(second))
        self.assertTrue(facts["resume_step"] >= 40 and facts["resume_epoch"] >= 1, facts)
