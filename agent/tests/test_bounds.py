import hashlib
import io
import json
import unittest

from runctl_agent import bounds, checkpoints, sync
from tests.fake_runs import FakeRuns
from tests.temp_home import HomeTestCase


class Bounds(unittest.TestCase):
    def test_what_fits(self):
        items = ["x" * 8] * 10
        self.assertEqual(bounds.fitting(items, 33), (items[:3], True))
        self.assertEqual(bounds.fitting(items, 110), (items, False))
        self.assertEqual(bounds.fitting(items, None), (items, False))
        self.assertEqual(bounds.fitting(items, 3, least=1), (items[:1], True))
        self.assertEqual(bounds.fitting([], 3, least=1), ([], False))
        self.assertIsNone(bounds.room({}))


class Answers(HomeTestCase):
    def test_checkpoints_come_page_by_page(self):
        FakeRuns(self).add("run-20261123-195501-aaaaaaaa", state="stopped")
        for number in range(100):
            self.write("projects/demo/checkpoints/step_%d.json" % number, b"{}" if number != 7 else b"{", age_s=1000 - number * 3 % 100)
        whole = checkpoints.checkpoints({})
        self.assertEqual((len(whole["checkpoints"]), whole["more"]), (100, False))
        found, request, pages = [], {"max_bytes": 16000}, 0
        while True:
            answer = checkpoints.checkpoints(request)
            self.assertLessEqual(len(json.dumps(answer)), 16000)
            self.assertEqual(answer["latest_good"]["path"], whole["latest_good"]["path"])
            found += [one["path"] for one in answer["checkpoints"]]
            pages += 1
            if not answer["more"]:
                break
            request = {"max_bytes": 16000, "after": found[-1]}
        self.assertEqual((found, pages > 2), (sorted(one["path"] for one in whole["checkpoints"]), True))

    def test_what_lacks_is_named_bit_by_bit(self):
        contents = {"f%d" % number: b"%d" % number for number in range(1000)}
        manifest = [{"path": path, "kind": "file", "mode": 0o644, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
                    for path, content in contents.items()]
        request = {"target": {"kind": "project", "name": "demo"}, "base": None, "tree": "t", "manifest": manifest, "pieces": [], "max_bytes": 20000}
        answer = sync.apply_sync(request, io.BytesIO())
        self.assertLess(len(json.dumps(answer)), 20000)
        self.assertGreater(len(answer["need"]["blobs"]), 100)
        self.assertEqual(len(sync.apply_sync(dict(request, max_bytes=None), io.BytesIO())["need"]["blobs"]), 1000)


if __name__ == "__main__":
    unittest.main()
