import hashlib
import os
import threading
import time
import unittest
from unittest import mock

from runctl_agent import checkpoints, digests, formats
from runctl_agent.checkpoints import latest_good, list_checkpoints, snapshot
from runctl_agent.errors import AgentError

from .fake_runs import FakeRuns
from .sample_checkpoints import LEGACY_TORCH, safetensors, zipped
from .temp_home import HomeTestCase

FOLDER = "projects/demo/checkpoints"


class CheckpointCase(HomeTestCase):
    def add(self, name, content=None, age_s=60):
        return self.write(FOLDER + "/" + name, zipped() if content is None else content, age_s)

    def list(self, patterns=(), **more):
        return list_checkpoints(self.path(FOLDER), self.path("projects/demo"), list(patterns), **more)

    def names(self, patterns=(), **more):
        return [os.path.relpath(one["path"], "checkpoints") for one in self.list(patterns, **more)]


class Finding(CheckpointCase):
    def test_describes_each_oldest_first(self):
        self.add("epoch_2.pt", age_s=60)
        self.add("epoch_1.pt", age_s=90)
        first, second = self.list()
        self.assertEqual([first["epoch"], second["epoch"]], [1, 2])
        self.assertEqual({key: first[key] for key in first if key != "modified_at"}, {
            "path": "checkpoints/epoch_1.pt", "state": "complete", "state_detail": None, "format": "torch-zip", "size_bytes": len(zipped()),
            "sha256": hashlib.sha256(zipped()).hexdigest(), "step": None, "epoch": 1, "metrics": {}, "run_id": None,
            "attempt": None, "tags": [], "places": [],
        })
        self.assertRegex(first["modified_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")

    def test_no_folder_is_no_checkpoint(self):
        self.assertEqual((self.list(), snapshot(self.path(FOLDER), [])), ([], {}))

    def test_default_patterns_to_three_folders_down(self):
        for name in ("a.pt", "b.txt", "1/b.safetensors", "1/2/c.npz", "1/2/3/d.h5", "1/2/3/4/e.pt", ".hidden.pt", ".git/x.pt",
                     "f.pt.tmp", "g.part", "h.tmp.partial", "tmp-checkpoint-9/model.safetensors"):
            self.add(name)
        self.assertEqual(sorted(self.names()), ["1/2/3/d.h5", "1/2/c.npz", "1/b.safetensors", "a.pt"])

    def test_checkpoint_folders_count_as_one(self):
        self.add("checkpoint-400/model.safetensors", safetensors())
        self.add("checkpoint-400/trainer_state.json", '{"epoch": 1.0, "global_step": 400}')
        self.add("last.ckpt/weights.bin")
        self.add("config.json", "{}")
        by_name = {os.path.basename(one["path"]): one for one in self.list()}
        self.assertEqual(sorted(by_name), ["checkpoint-400", "last.ckpt"])
        folder = by_name["checkpoint-400"]
        self.assertEqual((folder["state"], folder["step"], folder["epoch"], folder["format"]), ("complete", 400, 1, "folder"))
        self.assertEqual(folder["size_bytes"], len(safetensors()) + 34)

    def test_json_is_a_checkpoint_unless_it_describes_weights_beside_it(self):
        self.add("epoch_1.json", '{"epoch": 1}')
        self.add("final.json", "{}")
        self.assertEqual(sorted(self.names()), ["epoch_1.json", "final.json"])
        self.add("epoch_2.pt")
        self.add("epoch_2.json", "{}")
        self.assertEqual(sorted(self.names()), ["epoch_1.json", "epoch_2.pt"])

    def test_patterns_of_the_user_replace_the_default_ones(self):
        for name in ("a.pt", "b.weights", "sub/c.weights", "sub/d.txt", "shards-1/x.weights"):
            self.add(name)
        self.assertEqual(sorted(self.names(["*.weights"])), ["b.weights", "shards-1/x.weights", "sub/c.weights"])
        self.assertEqual(sorted(self.names(["sub/*"])), ["sub/c.weights", "sub/d.txt"])
        self.assertEqual(sorted(self.names(["shards-*"])), ["shards-1"])
        self.assertEqual(len(self.names(["*"])), 5)

    def test_links_are_not_counted_twice_and_loops_end(self):
        real = self.add("epoch_1.pt")
        os.symlink(real, self.path(FOLDER, "last.pt"))
        os.symlink(".", self.path(FOLDER, "loop"))
        os.symlink("../..", self.path(FOLDER, "up"))
        os.symlink("nowhere.pt", self.path(FOLDER, "dangling.pt"))
        os.symlink("self.pt", self.path(FOLDER, "self.pt"))
        self.write("disk/epoch_2.pt", zipped(), 60)
        os.symlink(self.path("disk"), self.path(FOLDER, "large"))
        os.symlink(self.path("disk"), self.path(FOLDER, "large2"))
        os.symlink(self.path("disk"), self.path("disk/again"))
        names = self.names()
        self.assertEqual(len(names), 2)
        self.assertIn("epoch_1.pt", names)

    def test_a_folder_outside_of_the_project_gives_absolute_paths(self):
        self.write("elsewhere/a.pt", zipped(), 60)
        self.assertEqual(list_checkpoints(self.path("elsewhere"), self.path("projects/demo"), [])[0]["path"], self.path("elsewhere/a.pt"))

    def test_with_a_baseline_only_what_differs(self):
        self.add("old.pt")
        self.add("rewritten.pt")
        self.add("checkpoint-1/model.safetensors", safetensors())
        before = snapshot(self.path(FOLDER), [])
        self.assertEqual(before["old.pt"], digests.stamp_of(os.stat(self.path(FOLDER, "old.pt"))))
        self.assertEqual(self.list(baseline=before), [])
        self.add("rewritten.pt", age_s=30)
        self.add("new.pt", age_s=20)
        self.add("checkpoint-1/model.safetensors", safetensors(), age_s=10)
        self.assertEqual(self.names(baseline=before), ["rewritten.pt", "new.pt", "checkpoint-1"])

    def test_thousands_are_listed_quickly_once_they_are_known(self):
        for number in range(3000):
            self.add("step-%d.json" % number, "{}")
        self.assertEqual(len(self.list()), 3000)
        started = time.process_time()
        self.assertEqual(len(self.list()), 3000)
        self.assertLess(time.process_time() - started, 1.0)


class Settling(CheckpointCase):
    def test_a_fresh_file_is_still_being_written(self):
        self.add("epoch_1.pt", age_s=0.2)
        one = self.list()[0]
        self.assertEqual((one["state"], one["state_detail"], one["sha256"], one["epoch"]), ("partial", "still being written", None, 1))

    def test_it_is_judged_after_its_time_or_when_the_run_has_ended(self):
        self.add("epoch_1.pt", age_s=0.2)
        self.assertEqual(self.list(settle_s=0.1)[0]["state"], "complete")
        self.add("epoch_1.pt", age_s=0)
        self.assertEqual(self.list(ended=True)[0]["state"], "complete")

    def test_a_time_in_the_future_is_no_reason_to_wait_for_ever(self):
        self.add("epoch_1.pt", age_s=-7200)
        self.assertEqual(self.list(settle_s=0.05)[0]["state"], "complete")
        with mock.patch.object(checkpoints.time, "sleep", side_effect=AssertionError):
            self.assertEqual(self.list()[0]["state"], "complete")

    def test_a_file_with_a_time_in_the_future_that_grows_is_being_written(self):
        path = self.add("epoch_1.pt", age_s=-7200)

        def grow(_):
            with open(path, "ab") as file:
                file.write(b"more")
        with mock.patch.object(checkpoints.time, "sleep", grow):
            self.assertEqual(self.list()[0]["state_detail"], "still being written")

    def test_a_file_that_changes_while_it_is_read_is_being_written(self):
        path = self.add("epoch_1.pt")
        real = formats.judge

        def judge(full, plugins):
            with open(path, "ab") as file:
                file.write(b"more")
            return real(full, plugins)
        with mock.patch.object(formats, "judge", judge):
            self.assertEqual(self.list()[0]["state_detail"], "still being written")

    def test_a_file_that_vanishes_is_left_out(self):
        path = self.add("epoch_1.pt")
        with mock.patch.object(formats, "judge", lambda full, plugins: os.unlink(path) or os.stat(full)):
            self.assertEqual(self.list(), [])

    def test_each_state_of_a_file_is_judged_once(self):
        self.add("epoch_1.pt")
        self.list()
        with mock.patch.object(formats, "judge", side_effect=AssertionError):
            self.assertEqual(self.list()[0]["state"], "complete")
        self.add("epoch_1.pt", zipped()[:100], age_s=50)
        self.assertEqual(self.list()[0]["state"], "partial")

    def test_judging_while_others_write_never_fails(self):
        stop = threading.Event()

        def churn():
            number = 0
            while not stop.is_set():
                number += 1
                self.add("epoch_%d.pt" % (number % 5), zipped()[: 50 * (number % 40)], age_s=5)
                self.add("checkpoint-%d/model.safetensors" % (number % 3), safetensors(), age_s=5)
                try:
                    os.unlink(self.path(FOLDER, "epoch_%d.pt" % ((number + 2) % 5)))
                    os.unlink(self.path(FOLDER, "checkpoint-%d/model.safetensors" % ((number + 1) % 3)))
                except OSError:
                    pass
        writer = threading.Thread(target=churn)
        writer.start()
        try:
            for _ in range(60):
                self.list(settle_s=0)
        finally:
            stop.set()
            writer.join()


def made(path, state, second):
    return {"path": path, "state": state, "state_detail": "why", "modified_at": "2026-01-01T00:00:%02d.000Z" % second, "sha256": None}


class LatestGood(unittest.TestCase):
    def test_is_the_newest_complete_one_and_tells_what_it_passed_over(self):
        states = ["complete", "complete", "corrupt", "partial", "unverified"]
        good, skipped = latest_good([made(path, state, second) for second, (path, state) in enumerate(zip("abcde", states))])
        self.assertEqual(good["path"], "b")
        passed_over = [("e", "unverified: why"), ("d", "partial: why"), ("c", "corrupt: why")]
        self.assertEqual([(one["path"], one["why"]) for one in skipped], passed_over)

    def test_is_the_newest_unverified_one_only_where_none_is_complete(self):
        good, skipped = latest_good([made("a", "unverified", 1), made("b", "unverified", 2), made("c", "corrupt", 3)])
        self.assertEqual((good["path"], [one["path"] for one in skipped]), ("b", ["c"]))

    def test_there_may_be_none(self):
        self.assertEqual(latest_good([]), (None, []))
        good, skipped = latest_good([made("a", "corrupt", 1), made("b", "partial", 2)])
        self.assertEqual((good, [one["path"] for one in skipped]), (None, ["b", "a"]))


class Verb(CheckpointCase):
    def setUp(self):
        super().setUp()
        self.runs = FakeRuns(self)

    def ask(self, **request):
        return checkpoints.checkpoints(request)

    def test_tells_which_run_wrote_each(self):
        self.add("before.pt", age_s=90)
        first = self.runs.add("run-20260101-000000-aaaa", state="stopped", baseline=snapshot(self.path(FOLDER), []))
        self.add("epoch_1.pt", age_s=80)
        self.add("best.pt", age_s=80)
        second = self.runs.add("run-20260102-000000-bbbb", baseline=snapshot(self.path(FOLDER), []))
        self.add("epoch_2.pt", age_s=70)
        self.add("best.pt", age_s=70)
        answer = self.ask(project="demo")
        self.assertEqual({one["path"]: one["run_id"] for one in answer["checkpoints"]}, {
            "checkpoints/before.pt": None, "checkpoints/epoch_1.pt": first, "checkpoints/best.pt": second, "checkpoints/epoch_2.pt": second,
        })
        self.assertEqual((answer["dir"], answer["project_dir"]), (self.path(FOLDER), self.path("projects/demo")))
        self.assertEqual([one["path"] for one in self.ask(run_id=first)["checkpoints"]], ["checkpoints/epoch_1.pt"])
        self.assertEqual(self.ask()["latest_good"]["run_id"], second)

    def test_judges_at_once_what_an_ended_run_left(self):
        self.runs.add("run-20260101-000000-aaaa", state="running")
        self.add("epoch_1.pt", age_s=0)
        self.assertEqual(self.ask()["checkpoints"][0]["state"], "partial")
        self.runs.states["run-20260101-000000-aaaa"] = "stopped"
        self.assertEqual(self.ask()["checkpoints"][0]["state"], "complete")

    def test_lists_any_folder_and_a_project_without_runs(self):
        self.write("other/a.pt", zipped(), 60)
        answer = self.ask(dir="other")
        self.assertEqual(([one["path"] for one in answer["checkpoints"]], answer["project_dir"]), ([self.path("other/a.pt")], None))
        self.assertEqual(self.ask(dir=self.path("other"), patterns=["*.json"])["checkpoints"], [])
        self.add("epoch_1.pt")
        self.assertEqual(len(self.ask(project="demo")["checkpoints"]), 1)

    def test_gives_the_one_with_a_path_whatever_its_name(self):
        self.runs.add("run-20260101-000000-aaaa")
        self.add("epoch_1.pt")
        self.add("odd.weights", b"x")
        for path in ("checkpoints/odd.weights", "odd.weights", self.path(FOLDER, "odd.weights")):
            answer = self.ask(path=path)
            self.assertEqual([(one["path"], one["state"]) for one in answer["checkpoints"]], [("checkpoints/odd.weights", "unverified")])
        with self.assertRaises(AgentError) as caught:
            self.ask(path="checkpoints/none.pt")
        self.assertEqual(caught.exception.code, "not_found")

    def test_says_that_there_is_no_run(self):
        with self.assertRaises(AgentError) as caught:
            self.ask()
        self.assertEqual(caught.exception.code, "not_found")
        with self.assertRaises(AgentError):
            self.ask(run_id="run-20260101-000000-aaaa")

    def test_gives_the_places_of_recorded_copies_and_the_unverified_as_last_resort(self):
        from runctl_agent import copies
        self.runs.add("run-20260101-000000-aaaa")
        self.add("epoch_1.pt", LEGACY_TORCH)
        place = {"kind": "s3", "where": "bucket", "path": "k", "verified_at": "2026-01-01T00:00:00.000Z"}
        copies.record_copy({"copies": [{"path": "p", "sha256": hashlib.sha256(LEGACY_TORCH).hexdigest(), "place": place}]})
        answer = self.ask()
        self.assertEqual(answer["latest_good"]["state"], "unverified")
        here, copy = answer["checkpoints"][0]["places"]
        self.assertEqual(copy, place)
        self.assertEqual(here["kind"], "instance")
        self.assertTrue(here["path"].endswith("/projects/demo/checkpoints/epoch_1.pt"))


if __name__ == "__main__":
    unittest.main()
