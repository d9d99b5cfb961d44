import base64
import hashlib
import json
import os
import socket
import unittest
import zlib

from runctl_agent import digests, files
from runctl_agent.errors import AgentError

from .temp_home import HomeTestCase


class Listing(HomeTestCase):
    def list(self, path):
        return files.list_files({"path": path})

    def test_lists_a_folder_sorted_with_modes_and_links(self):
        self.write("out/b/run.sh", b"sh")
        os.chmod(self.path("out/b/run.sh"), 0o750)
        self.write("out/a", b"A", age_s=10)
        os.symlink("b/run.sh", self.path("out/l"))
        os.symlink("b", self.path("out/folder"))
        answer = self.list("out")
        self.assertEqual((answer["base"], answer["kind"], answer["skipped"]), (self.path("out"), "folder", []))
        self.assertEqual([(one["path"], one["kind"], one["mode"], one["size"], one.get("target")) for one in answer["entries"]], [
            ("a", "file", 0o644, 1, None), ("b/run.sh", "file", 0o755, 2, None),
            ("folder", "symlink", 0o755, 1, "b"), ("l", "symlink", 0o755, 8, "b/run.sh"),
        ])
        self.assertEqual(answer["entries"][0]["mtime_ns"], str(os.stat(self.path("out/a")).st_mtime_ns))

    def test_skips_links_that_lead_out_and_what_is_no_file(self):
        self.write("secret", b"S")
        self.write("out/a", b"A")
        os.symlink("../secret", self.path("out/up"))
        os.symlink("/etc", self.path("out/etc"))
        os.symlink(self.path("out/a"), self.path("out/absolute"))
        os.mkfifo(self.path("out/pipe"))
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self.path("out/socket"))
            answer = self.list(self.path("out"))
        self.assertEqual([one["path"] for one in answer["entries"]], ["a"])
        out = "a link that leads out of the folder"
        self.assertEqual([(one["path"], one["why"]) for one in answer["skipped"]], [
            ("absolute", out), ("etc", out), ("pipe", "neither a file nor a folder"),
            ("socket", "neither a file nor a folder"), ("up", out),
        ])

    def test_a_single_file_is_its_own_base(self):
        self.write("out/a", b"A")
        for path in ("out/a", "~/out/a"):
            answer = self.list(path)
            self.assertEqual((answer["base"], answer["kind"]), (self.path("out/a"), "file"))
            self.assertEqual([one["path"] for one in answer["entries"]], [""])

    def test_gives_a_long_listing_in_parts(self):
        names = ["f%03d" % number for number in range(100)]
        for name in names:
            self.write("out/" + name, b"x")
        os.symlink("/etc", self.path("out/f050x"))
        found, after, parts = [], None, 0
        while True:
            answer = files.list_files(dict({"path": "out", "max_bytes": 3000}, **({} if after is None else {"after": after})))
            self.assertLess(len(json.dumps(answer)), 3000)
            some = [one["path"] for one in answer["entries"] + answer["skipped"]]
            found, parts = found + some, parts + 1
            if not answer["more"]:
                break
            after = max(some)
        self.assertEqual(sorted(found), sorted(names + ["f050x"]))
        self.assertGreater(parts, 3)

    def test_tells_a_folder_from_a_file_without_listing_it(self):
        self.write("out/a", b"A")
        answer = files.list_files({"path": "out", "max_bytes": 0})
        self.assertEqual((answer["kind"], answer["entries"], answer["more"]), ("folder", [], True))

    def test_what_does_not_exist_is_not_found(self):
        with self.assertRaises(AgentError) as caught:
            self.list("nowhere")
        self.assertEqual(caught.exception.code, "not_found")
        for path in ("a\0b", None):
            with self.assertRaises(AgentError):
                self.list(path)


class Reading(HomeTestCase):
    def read_pieces(self, base, *reads):
        answer = files.read_files({"base": base, "reads": [dict(zip(("path", "offset", "length"), one)) for one in reads]})
        return zlib.decompress(base64.b64decode(answer["data"])), answer["reads"]

    def test_reads_pieces_of_several_files(self):
        self.write("out/a", b"0123456789")
        self.write("out/b/c", b"BC")
        data, reads = self.read_pieces("out", ("a", 0, 10), ("b/c", 1, 50), ("a", 3, 2), ("a", 20, 5))
        self.assertEqual(data, b"0123456789" + b"C" + b"34")
        self.assertEqual([(one["length"], one["size"], one["sha256"]) for one in reads], [
            (10, 10, hashlib.sha256(b"0123456789").hexdigest()), (1, 2, None), (2, 10, None), (0, 10, None),
        ])
        self.assertEqual(self.read_pieces(self.path("out/a"), ("", 0, 5))[0], b"01234")

    def test_the_last_piece_brings_the_digest_where_it_is_known(self):
        path = self.write("out/a", b"0123456789", age_s=10)
        with digests.Cache() as cache:
            cache.sha256(path)
        reads = self.read_pieces("out", ("a", 0, 5), ("a", 5, 5))[1]
        self.assertEqual([one["sha256"] for one in reads], [None, hashlib.sha256(b"0123456789").hexdigest()])

    def test_the_digest_is_worked_out_where_it_is_asked_for(self):
        self.write("out/a", b"abc", age_s=60)
        read = {"path": "a", "offset": 1, "length": 2}
        for asked, expected in ((False, None), (True, hashlib.sha256(b"abc").hexdigest())):
            answer = files.read_files({"base": "out", "reads": [dict(read, digest=asked)]})
            self.assertEqual(answer["reads"][0]["sha256"], expected)

    def test_an_empty_file_has_a_digest(self):
        self.write("out/empty")
        self.assertEqual(self.read_pieces("out", ("empty", 0, 0))[1][0]["sha256"], hashlib.sha256(b"").hexdigest())

    def test_reads_nothing_outside_of_the_folder(self):
        self.write("secret", b"S")
        self.write("out/a", b"A")
        os.symlink("../secret", self.path("out/l"))
        os.symlink("..", self.path("out/up"))
        for path in ("../secret", "l", "up/secret", "/etc/passwd", "b/../../secret", "a\0"):
            with self.assertRaises(AgentError) as caught:
                self.read_pieces("out", (path, 0, 10))
            self.assertEqual(caught.exception.code, "bad_input", path)

    def test_refuses_too_much_at_once_and_what_is_no_file(self):
        self.write("out/a", b"A")
        os.mkfifo(self.path("out/pipe"))
        half = (files.MAX_READ_BYTES >> 1) + 1
        for reads in ([("a", 0, half), ("a", 0, half)], [("a", -1, 1)], [("pipe", 0, 1)], [("", 0, 1)]):
            with self.assertRaises(AgentError) as caught:
                self.read_pieces("out", *reads)
            self.assertEqual(caught.exception.code, "bad_input")
        with self.assertRaises(AgentError) as caught:
            self.read_pieces("out", ("gone", 0, 1))
        self.assertEqual(caught.exception.code, "not_found")


if __name__ == "__main__":
    unittest.main()
