import hashlib
import json
import os
import unittest
from unittest import mock

from runctl_agent import digests

from .temp_home import HomeTestCase


class Digests(HomeTestCase):
    def digest(self, path):
        with digests.Cache() as cache:
            return cache.sha256(path)

    def known(self):
        return json.loads(self.read(".runctl/digests.json"))

    def test_reads_a_file_once(self):
        path = self.write("a", b"content", age_s=10)
        self.assertEqual(self.digest(path), hashlib.sha256(b"content").hexdigest())
        with mock.patch.object(digests, "sha256_of", side_effect=AssertionError):
            self.assertEqual(self.digest(path), hashlib.sha256(b"content").hexdigest())

    def test_reads_again_what_changed_in_time_size_or_inode(self):
        path = self.write("a", b"content", age_s=10)
        self.digest(path)
        self.write("a", b"CONTENT", age_s=9)
        self.assertEqual(self.digest(path), hashlib.sha256(b"CONTENT").hexdigest())
        stat = os.stat(path)
        os.replace(self.write("b", b"cOnTeNt"), path)
        os.utime(path, ns=(stat.st_mtime_ns, stat.st_mtime_ns))
        self.assertEqual(self.digest(path), hashlib.sha256(b"cOnTeNt").hexdigest())

    def test_does_not_remember_what_changed_a_moment_ago(self):
        self.digest(self.write("a", b"content"))
        self.assertFalse(os.path.exists(self.path(".runctl/digests.json")))

    def test_remembers_a_file_from_the_future(self):
        self.digest(self.write("a", b"content", age_s=-3600))
        self.assertIn(self.path("a"), self.known())

    def test_stays_bounded_and_keeps_the_newest(self):
        with mock.patch.object(digests, "MAX_ENTRIES", 3):
            for name in "abcde":
                self.digest(self.write(name, b"x", age_s=10))
        self.assertEqual(list(self.known()), [self.path(name) for name in "cde"])

    def test_two_writers_do_not_lose_each_others_entries(self):
        with digests.Cache() as one, digests.Cache() as two:
            one.sha256(self.write("a", b"x", age_s=10))
            two.sha256(self.write("b", b"x", age_s=10))
        self.assertEqual(sorted(self.known()), [self.path("a"), self.path("b")])

    def test_a_broken_cache_is_none(self):
        path = self.write("a", b"x", age_s=10)
        for broken in ("[]", "{", json.dumps({path: "text"}), json.dumps({path: [1]})):
            self.write(".runctl/digests.json", broken)
            self.assertEqual(self.digest(path), hashlib.sha256(b"x").hexdigest())

    def test_a_folder_is_digested_over_its_sorted_files(self):
        self.write("f/b", b"B")
        self.write("f/a/c", b"C")
        lines = "%s  a/c\n%s  b\n" % (hashlib.sha256(b"C").hexdigest(), hashlib.sha256(b"B").hexdigest())
        self.assertEqual(digests.sha256_of_tree(self.path("f")), hashlib.sha256(lines.encode()).hexdigest())


if __name__ == "__main__":
    unittest.main()
