import hashlib
import json
import os
import shutil
import threading
import unittest
from unittest import mock

from runctl_agent import data_source, imds, s3
from runctl_agent.errors import AgentError
from runctl_agent.s3_uri import data_folder
from tests.fake_s3 import FakeS3
from tests.temp_home import HomeTestCase

URI = "s3://bench/sets/mnist"


class CalledOff(Exception):
    pass


class DataSource(HomeTestCase):
    def setUp(self):
        super().setUp()
        self.world = FakeS3(self)
        self.set_env(AWS_ACCESS_KEY_ID=None, AWS_SECRET_ACCESS_KEY=None, **self.world.env)
        imds._token[:] = [None, 0.0]
        patch = mock.patch.multiple(s3, FIRST_WAIT_S=0.01, LONGEST_WAIT_S=0.02)
        patch.start()
        self.addCleanup(patch.stop)
        self.said = []

    def fetch(self, uri=URI, check=lambda: None):
        data_source.fetch({"uri": uri, "access": self.world.access}, self.said.append, check)
        return data_folder(uri)

    def refused(self, pattern, uri=URI):
        with self.assertRaisesRegex(AgentError, pattern) as caught:
            self.fetch(uri)
        return caught.exception

    def index(self, uri=URI):
        return json.loads(self.read(".runctl/data/%s.json" % os.path.basename(data_folder(uri))).decode())["files"]

    def put(self, **files):
        for name, body in files.items():
            self.world.put("sets/mnist/" + name.replace("__", "/"), body)

    def gets(self):
        return self.world.count("GET", "mnist/")

    def test_a_prefix(self):
        self.put(a=b"1", sub__b=b"22" * 1000, empty=b"")
        self.world.put("sets/mnist/", b"")
        self.world.put("sets/mnist/sub/", b"")
        self.world.put("sets/mnist-other", b"not below it")
        folder = self.fetch()
        self.assertEqual(self.tree(folder), ["a", "empty", "sub/b"])
        self.assertEqual(self.read(os.path.join(folder, "sub/b")), b"22" * 1000)
        self.assertEqual({path: one["verified"] for path, one in self.index().items()}, {"a": "md5", "sub/b": "md5", "empty": "empty"})
        self.assertIn("data: 3 files, 0.0 MB in %s (3 had changed, 0 were removed)" % folder, self.said[-1])

    def test_only_what_changed(self):
        self.put(a=b"1", b=b"2", c=b"3", d__e=b"4")
        folder = self.fetch()
        self.world.calls.clear()
        self.fetch()
        self.assertEqual(self.gets(), 0)
        self.put(b=b"9")
        del self.world.objects["sets/mnist/c"], self.world.objects["sets/mnist/d/e"]
        self.write(os.path.join(folder, "a"), b"!")
        self.write(os.path.join(folder, "own"), b"of a script")
        self.fetch()
        self.assertEqual((self.tree(folder), os.path.exists(os.path.join(folder, "d"))), (["a", "b", "own"], False))
        self.assertEqual((self.read(os.path.join(folder, "a")), self.read(os.path.join(folder, "b")), self.gets()), (b"1", b"9", 2))

    def test_a_file_that_was_changed_here_is_not_removed(self):
        self.put(a=b"1", b=b"2")
        folder = self.fetch()
        self.write(os.path.join(folder, "b"), b"mine")
        del self.world.objects["sets/mnist/b"]
        self.fetch()
        self.assertEqual(self.tree(folder), ["a", "b"])

    def test_a_single_object(self):
        self.put(a=b"1")
        self.world.put("sets/mnist", b"the object itself")
        folder = self.fetch()
        self.assertEqual((self.tree(folder), self.read(os.path.join(folder, "mnist"))), (["mnist"], b"the object itself"))
        self.assertEqual(self.tree(self.fetch(URI + "/")), ["a"])

    def test_many_keys(self):
        for number in range(1100):
            self.world.put("sets/mnist/%d/%d" % (number % 7, number), b"%d" % number)
        self.world.page = 300
        folder = self.fetch()
        self.assertEqual((len(self.tree(folder)), self.read(os.path.join(folder, "1/1093"))), (1100, b"1093"))

    def test_a_large_file_comes_in_pieces(self):
        body = os.urandom(1000000)
        self.put(big=body)
        with mock.patch.object(data_source, "PIECE_BYTES", 300000):
            folder = self.fetch()
        self.assertEqual((self.read(os.path.join(folder, "big")) == body, self.gets()), (True, 4))

    def test_a_lost_connection_is_gone_on_with(self):
        body = os.urandom(1000000)
        self.put(big=body)
        self.world.fault("GET", "big", "cut", 400000)
        self.world.fault("GET", "big", "cut", 100000)
        folder = self.fetch()
        self.assertEqual(self.read(os.path.join(folder, "big")), body)
        self.assertEqual([call[3]["range"] for call in self.world.calls if call[1].endswith("big")],
                         ["bytes=0-999999", "bytes=400000-999999", "bytes=500000-999999"])

    def test_a_corrupt_body_is_fetched_again(self):
        self.put(a=b"12345")
        self.world.fault("GET", "a", "corrupt")
        folder = self.fetch()
        self.assertEqual(self.read(os.path.join(folder, "a")), b"12345")
        self.put(a=b"67890")
        self.world.fault("GET", "a", "corrupt", times=9)
        self.assertEqual(self.refused("sets/mnist/a does not arrive whole").code, "verification_failed")
        self.assertEqual((self.read(os.path.join(folder, "a")), self.tree(folder)), (b"12345", ["a"]))

    def test_uploads_in_parts(self):
        def etag(body, part):
            parts = [hashlib.md5(body[at:at + part]).digest() for at in range(0, len(body), part)]
            return "%s-%d" % (hashlib.md5(b"".join(parts)).hexdigest(), len(parts))

        body = os.urandom(9 << 20)
        self.world.put("sets/mnist/usual", body, etag(body, 8 << 20))
        self.world.put("sets/mnist/odd", body, etag(body, 1234567))
        self.world.put("sets/mnist/told", body, etag(body, 1234567))
        self.world.objects["sets/mnist/told"]["part_bytes"] = 1234567
        self.world.put("sets/mnist/kms", body, "0" * 32, **{"x-amz-server-side-encryption": "aws:kms"})
        self.fetch()
        self.assertEqual({path: one["verified"] for path, one in self.index().items()},
                         {"usual": "md5 of parts", "odd": "size", "told": "md5 of parts", "kms": "size"})
        self.assertIn("2 of them could be checked by their size alone", self.said[-1])

    def test_nothing_there(self):
        self.assertEqual(self.refused("nothing at s3://bench/sets/mnist").code, "not_found")
        self.world.fault("GET", "", "status", 403, "AccessDenied", times=9)
        self.refused("role may not s3:ListBucket")

    def test_keys_that_lead_out(self):
        for key in ("../x", "a/../../x", "/etc/x", "a//b", "a/./b", "a\0b", ".runctl-partial/x", "x" * 300):
            self.world.objects.clear()
            self.put(good=b"1")
            self.world.put("sets/mnist/" + key, b"2")
            self.refused("would leave the data folder or is no file name.*nothing was fetched")
        self.assertEqual(self.tree("."), [path for path in self.tree(".") if path.startswith(".runctl/")])

    def test_a_link_does_not_lead_it_out(self):
        self.put(a__b=b"1")
        os.makedirs(data_folder(URI))
        os.symlink(self.home, os.path.join(data_folder(URI), "a"))
        self.refused("in the way")
        self.assertFalse(os.path.exists(self.path("b")))

    def test_an_object_that_is_also_a_folder(self):
        self.put(a=b"1", a__b=b"2")
        self.refused("both an object and a folder")

    def test_a_folder_that_becomes_a_file_and_back(self):
        self.put(a__b=b"1")
        self.fetch()
        self.world.objects.clear()
        self.put(a=b"2")
        self.assertEqual(self.tree(self.fetch()), ["a"])
        self.world.objects.clear()
        self.put(a__b=b"3")
        self.assertEqual(self.tree(self.fetch()), ["a/b"])

    def test_no_room(self):
        self.put(a=b"1" * 1000)
        with mock.patch.object(shutil, "disk_usage", return_value=mock.Mock(free=500)):
            self.refused("needs 1.0 MB, and the instance's disk has 0.0 MB free: use a larger disk")
        self.assertEqual(self.gets(), 0)

    def test_it_changes_under_way(self):
        self.put(a=b"1")
        self.world.fault("GET", "a", "status", 412, "PreconditionFailed")
        self.refused("changed while it was fetched")

    def test_it_can_be_called_off(self):
        self.put(**{"f%d" % number: b"x" for number in range(50)})
        self.world.fault("GET", "f", "slow", 0.5, times=50)
        asked = []

        def check():
            asked.append(1)
            if self.gets() > 4:
                raise CalledOff()

        with self.assertRaises(CalledOff):
            self.fetch(check=check)
        self.assertLess(self.gets(), 20)
        self.assertNotIn(data_source.PARTIAL, os.listdir(data_folder(URI)))

    def test_two_runs_share_it(self):
        self.put(**{"f%d" % number: b"x" for number in range(20)})
        second = threading.Thread(target=self.fetch)
        second.start()
        self.fetch()
        second.join()
        self.assertEqual(self.gets(), 20)


if __name__ == "__main__":
    unittest.main()
