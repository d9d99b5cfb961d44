"""S3 fails, is slow, cuts connections: nothing is lost, what is left drains, the newest first, and the log tells of it."""

import hashlib
import json
import unittest
from unittest import mock

from runctl_agent import copies, manifests, s3, tags, upload_ledger, uploads
from tests.upload_case import RUN_ID, UploadCase


class Storm(UploadCase):
    def assert_all_there(self):
        for one in self.listed:
            name = uploads.name_of(self.run_facts, one)
            manifest = json.loads(self.object(name + ".manifest.json").decode())
            self.assertEqual(hashlib.sha256(self.object(name)).hexdigest(), manifest["sha256"])
            self.assertEqual(manifest["sha256"], one["sha256"])
        self.assertEqual(json.loads(self.object("run.json").decode())["complete"], True)

    def fail_for(self, *fault, saves=10, span_s=600):
        """Ten minutes of it; each minute a checkpoint, each two a line in the log."""
        self.world.fault("*", "results/", *fault, times=10 ** 6)
        for minute in range(saves):
            self.clock.at(minute * span_s / saves, lambda minute=minute: self.save("step_%d.json" % minute, b'{"step": %d}' % minute))
        self.clock.at(span_s, self.world.faults.clear)
        self.clock.at(span_s + 300, self.end)
        self.uploader.work()

    def test_ten_minutes_of_503(self):
        self.fail_for("status", 503, "SlowDown")
        self.assert_all_there()
        there = [name for name in self.puts() if name.endswith(".manifest.json")]
        self.assertEqual(there[-10:], ["checkpoints/step_%d.json.manifest.json" % step for step in range(9, -1, -1)])
        lines = [line for line in self.log_lines() if "uploads: " in line]
        behind = [line for line in lines if "behind: " in line]
        self.assertRegex(behind[0], r"behind: \d+ files, 0.0 MB wait since 3\d s; 503 SlowDown")
        self.assertTrue(2 <= len(behind) <= 4, behind)
        self.assertRegex([line for line in lines if "caught up" in line][0], r"caught up: 10 files, 0.0 MB went in \d{3} s")
        self.assertTrue(600 <= int(lines[-1].split(" went in ")[1].split()[0]) <= 700, lines)
        self.assertEqual({key: self.state()[key] for key in ("pending", "error", "behind_since", "finished")},
                         {"pending": 0, "error": None, "behind_since": None, "finished": True})

    def test_ten_minutes_of_lost_and_cut_connections(self):
        for kind in ("drop", "hang up"):
            self.fail_for(kind)
        self.assert_all_there()

    def test_every_other_request_fails(self):
        real, count = self.world._fault, [0]

        def fault(method, key, *kinds):
            count[0] += not kinds
            return ("status", (503, "SlowDown")) if not kinds and count[0] % 2 else real(method, key, *kinds)

        self.world._fault = fault
        for step in range(20):
            self.save("step_%d.json" % step, b'{"step": %d}' % step)
        self.clock.at(60, self.end)
        self.uploader.work()
        self.assert_all_there()

    def test_each_request_takes_twenty_seconds(self):
        real = self.world._fault

        def slow(method, key, *kinds):
            self.clock.passed_s += 0 if kinds else 20.0
            return real(method, key, *kinds)

        self.world._fault = slow
        for step in range(10):
            self.save("step_%d.json" % step, b'{"step": %d}' % step)
        self.clock.at(900, self.end)
        self.uploader.work()
        self.assert_all_there()
        lines = "\n".join(self.log_lines())
        self.assertRegex(lines, r"behind: 9 files, 0.0 MB wait since \d\d s")
        self.assertRegex(lines, r"caught up: 10 files, 0.0 MB went in [56]\d\d s")

    def test_what_waits_is_told_while_it_waits(self):
        self.world.fault("PUT", "step_1", "status", 503, "SlowDown", times=10 ** 6)
        self.save("step_1.json", b'{"step": 1}')
        with self.assertRaises(s3.S3Error):
            self.uploader._turn()
        self.uploader._ledger.save()
        state = uploads.state_of(self.run_facts, False)
        self.assertEqual((state["pending"], state["pending_bytes"], state["bytes_per_s"]), (1, 11, None))
        since = state["behind_since"]
        self.clock.sleep(100)
        self.save("step_2.json", b'{"step": 2}')
        with self.assertRaises(s3.S3Error):
            self.uploader._turn()
        self.assertEqual(uploads.state_of(self.run_facts, False)["behind_since"], since)
        self.world.faults.clear()
        self.uploader._turn()
        self.assertIsNone(uploads.state_of(self.run_facts, False)["behind_since"])

    def test_the_speed_is_that_of_real_transfers(self):
        real = self.world._fault

        def slow(method, key, *kinds):
            if method == "PUT" and key.endswith("big.json") and not kinds:
                self.clock.passed_s += 2.0
            return real(method, key, *kinds)

        self.world._fault = slow
        self.save("step_1.json", b'{"step": 1}')
        self.uploader._turn()
        self.assertIsNone(uploads.state_of(self.run_facts, False)["bytes_per_s"])  # a small one says nothing
        self.save("big.json", b'{"w": "%s"}' % (b"w" * (4 << 20)))
        self.uploader._turn()
        self.uploader._ledger.save()
        speed = uploads.state_of(self.run_facts, False)["bytes_per_s"]
        self.assertTrue(1.5e6 < speed < 2.2e6, speed)


class Many(UploadCase):
    def test_a_backlog_does_not_write_its_state_for_each_file(self):
        written, real = [], upload_ledger.write_json

        def write_json(path, value):
            written.append(path)
            self.clock.passed_s += 0.01  # as a real one takes its time
            real(path, value)

        for step in range(300):
            self.save("step_%d.json" % step, b'{"step": %d}' % step, write=False)
        self.record()
        with mock.patch.object(upload_ledger, "write_json", write_json), mock.patch.object(copies, "write_json", write_json):
            self.uploader._turn()
        self.uploader._ledger.save()
        self.assertEqual(len(self.state()["stored"]), 300)
        self.assertLess(len(written), 12)
        self.assertTrue(all(one["places"] for one in copies.with_places(self.listed)))


class Manifests(UploadCase):
    def test_the_manifest_comes_last_and_tells_all(self):
        self.save("step_1.json", b'{"step": 1}')
        self.uploader._turn()
        self.assertEqual(self.puts()[:2], ["checkpoints/step_1.json", "checkpoints/step_1.json.manifest.json"])
        manifest = json.loads(self.object("checkpoints/step_1.json.manifest.json").decode())
        self.assertEqual({key: manifest[key] for key in manifest if key not in ("verified_at", "modified_at", "sha256")}, {
            "version": 1, "kind": "file", "path": "checkpoints/step_1.json", "state": "complete", "format": "json", "size_bytes": 11, "step": 0, "epoch": None,
            "metrics": {"loss": 0.5}, "run_id": RUN_ID, "attempt": 2, "files": []})
        self.assertEqual([call[0] for call in self.world.calls if call[1].endswith("step_1.json")], ["PUT", "HEAD"])

    def test_killed_before_the_manifest_it_is_not_there_and_not_sent_again(self):
        self.save("step_1.json", b'{"step": 1}')
        self.world.fault("PUT", "manifest", "status", 503, "SlowDown", times=10 ** 6)
        with self.assertRaises(s3.S3Error):
            self.uploader._turn()
        self.uploader._ledger.save()
        self.assertFalse(uploads.holds(self.run_facts, self.listed[0]))
        self.world.faults.clear()
        type(self.uploader)(RUN_ID)._turn()
        self.assertTrue(uploads.holds(self.run_facts, self.listed[0]))
        self.assertEqual(self.puts().count("checkpoints/step_1.json"), 1)

    def test_one_that_is_written_again_gets_a_new_manifest_after_its_bytes(self):
        self.save("last.json", b'{"step": 1}')
        self.uploader._turn()
        old = self.object("checkpoints/last.json.manifest.json")
        self.save("last.json", b'{"step": 2, "x": 0}')
        self.world.fault("PUT", "manifest", "status", 503, "SlowDown", times=10 ** 6)
        with self.assertRaises(s3.S3Error):
            self.uploader._turn()
        # In between the old manifest does not describe what is there, and by its digest anyone can tell.
        self.assertEqual(self.object("checkpoints/last.json.manifest.json"), old)
        self.assertNotEqual(json.loads(old.decode())["sha256"], hashlib.sha256(self.object("checkpoints/last.json")).hexdigest())
        self.world.faults.clear()
        self.uploader._turn()
        self.assertEqual(json.loads(self.object("checkpoints/last.json.manifest.json").decode())["sha256"], self.listed[-1]["sha256"])

    def test_one_that_the_script_removed_is_still_in_the_record(self):
        import os
        self.save("step_1.json", b'{"step": 1}')
        self.uploader._turn()
        os.unlink(self.path("projects/demo/checkpoints/step_1.json"))
        self.listed = []
        self.record()
        self.end()
        self.uploader.work()
        record = json.loads(self.object("run.json").decode())
        self.assertEqual([(one["uri"], one["kind"], one["metrics"]) for one in record["checkpoints"]],
                         [("s3://bench/" + self.prefix + "checkpoints/step_1.json", "file", {"loss": 0.5})])
        self.assertEqual((record["instance_id"], record["run"]["last_stored_checkpoint"]["places"][-1]["kind"]), ("i-1", "s3"))

    def test_a_name_that_was_given_is_in_the_store_too_before_and_after_the_end(self):
        self.save("step_1.json", b'{"step": 1}')
        tags.tag_checkpoint({"sha256": self.listed[0]["sha256"], "add": ["paper"], "remove": []})
        self.uploader._turn()
        self.assertEqual(self.object("checkpoints/step_1.json.tag.paper"), b"")
        self.end()
        self.uploader.work()
        self.write(".runctl/tags.json", json.dumps({self.listed[0]["sha256"]: ["paper", "best"]}))
        again = type(self.uploader)(RUN_ID)
        again.work()
        self.assertEqual(self.object("checkpoints/step_1.json.tag.best"), b"")
        self.assertEqual(sum(".tag.paper" in name for name in self.puts()), 1)

    def test_a_manifest_from_outside_is_not_trusted(self):
        content = {"version": 1, "kind": "folder", "files": [{"path": "a", "size": 1, "sha256": "0" * 64}]}
        content["sha256"] = manifests.sha256_of_listing(content["files"])
        self.assertEqual(len(manifests.checked_files(content, "x")), 1)
        for path in ("../a", "/a", "a//b", "", "a\0"):
            bad = dict(content, files=[dict(content["files"][0], path=path)])
            with self.assertRaises(Exception) as caught:
                manifests.checked_files(bad, "x")
            self.assertEqual(caught.exception.code, "verification_failed")
        both = [dict(content["files"][0], path=path) for path in ("a", "a/b/c")]
        with self.assertRaises(Exception):
            manifests.checked_files(dict(content, files=both, sha256=manifests.sha256_of_listing(both)), "x")


if __name__ == "__main__":
    unittest.main()
