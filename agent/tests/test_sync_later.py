import os
import time
import unittest

from .sync_case import SyncTestCase, file, sha


class LaterSync(SyncTestCase):
    def setUp(self):
        super().setUp()
        self.put_in_place("t1", {"a": b"A", "d/b": b"B", "d/e/c": b"C"})

    def test_does_nothing_when_nothing_changed(self):
        before = os.stat(self.full("a"))
        index = os.stat(self.path(".runctl/sync/project-demo/index.json"))
        answer = self.sync("t1", base="t1")
        self.assertEqual((answer["applied"], answer["files_written"], answer["files_removed"]), (True, 0, 0))
        self.assertEqual(os.stat(self.full("a")).st_mtime_ns, before.st_mtime_ns)
        self.assertEqual(os.stat(self.path(".runctl/sync/project-demo/index.json")).st_ino, index.st_ino)

    def test_applies_a_delta_and_the_same_delta_again(self):
        delta = {"set": [file("a", b"A2"), file("new/n", b"N")], "remove": ["d/e/c"]}
        for written, removed in ((2, 1), (0, 0)):
            answer = self.sync("t2", base="t1", delta=delta, contents=[b"A2", b"N"])
            self.assertEqual((answer["applied"], answer["tree"]), (True, "t2"))
            self.assertEqual((answer["files_written"], answer["files_removed"]), (written, removed))
        self.assertEqual(self.tree(self.root), ["a", "d/b", "new/n"])
        self.assertFalse(os.path.exists(self.full("d/e")))

    def test_asks_for_the_manifest_when_the_base_is_another(self):
        for base in ("t0", None):
            answer = self.sync("t2", base=base, delta={"set": [file("a", b"A2")], "remove": []}, contents=[b"A2"])
            self.assertEqual((answer["applied"], answer["tree"], answer["need"]), (False, "t1", {"manifest": True, "blobs": []}))
        self.assertTrue(self.sync("t9", base="t9")["need"]["manifest"])
        self.assertEqual(self.read("projects/demo/a"), b"A")
        # What was sent in vain is still there.
        self.assertTrue(self.sync("t2", manifest=[file("a", b"A2")])["applied"])

    def test_writes_over_a_file_that_changed_here_asking_for_its_blob(self):
        for content in ("edited here", "Z"):
            self.write("projects/demo/a", content)
            answer = self.sync("t1", base="t1")
            self.assertEqual((answer["applied"], answer["need"]["blobs"]), (False, [sha(b"A")]))
            self.assertEqual(self.sync("t1", base="t1", contents=[b"A"])["files_written"], 1)
            self.assertEqual(self.read("projects/demo/a"), b"A")

    def test_accepts_a_file_that_was_only_touched(self):
        os.utime(self.full("a"), (1, 1))
        self.assertEqual(self.sync("t1", base="t1")["files_written"], 0)
        self.assertEqual(self.sync("t1", base="t1")["need"], None)

    def test_puts_a_mode_and_a_lost_file_back(self):
        os.chmod(self.full("a"), 0o600)
        os.unlink(self.full("d/b"))
        answer = self.sync("t1", base="t1", contents=[b"B"])
        self.assertEqual((answer["applied"], answer["files_written"]), (True, 2))
        self.assertEqual(os.stat(self.full("a")).st_mode & 0o777, 0o644)

    def test_copies_content_that_is_already_here(self):
        answer = self.sync("t2", base="t1", delta={"set": [file("moved/b", b"B", 0o755), file("a", b"C")], "remove": ["d/b", "d/e/c"]})
        self.assertEqual((answer["applied"], answer["files_written"], answer["files_removed"]), (True, 2, 2))
        self.assertEqual((self.read("projects/demo/moved/b"), self.read("projects/demo/a")), (b"B", b"C"))
        self.assertEqual(os.listdir(self.path(self.root)) and self.tree(self.root), ["a", "moved/b"])
        self.assertFalse(os.path.exists(self.full("d")))

    def test_swaps_two_files_without_a_byte(self):
        self.assertTrue(self.sync("t2", base="t1", delta={"set": [file("a", b"B"), file("d/b", b"A")], "remove": []})["applied"])
        self.assertEqual((self.read("projects/demo/a"), self.read("projects/demo/d/b")), (b"B", b"A"))

    def test_leaves_a_removed_file_that_changed_here_and_what_it_did_not_bring(self):
        self.write("projects/demo/d/b", "edited here")
        self.write("projects/demo/d/e/epoch_1.pt", "weights")
        answer = self.sync("t2", manifest=[])
        self.assertEqual((answer["files_removed"], answer["kept_modified"]), (2, ["d/b"]))
        self.assertEqual(self.tree(self.root), ["d/b", "d/e/epoch_1.pt"])
        self.assertEqual(self.sync("t3", manifest=[])["kept_modified"], [])

    def test_leaves_folders_that_it_did_not_make(self):
        os.makedirs(self.full("checkpoints"))
        self.put_in_place("t2", {"checkpoints/.gitkeep": b""})
        self.put_in_place("t3", {"x": b"X"})
        self.assertTrue(os.path.isdir(self.full("checkpoints")))
        self.assertEqual(sorted(os.listdir(self.path(self.root))), ["checkpoints", "x"])

    def test_replaces_a_file_by_a_folder_and_back(self):
        self.put_in_place("t2", {"a/x/y": b"Y", "d": b"D"})
        self.assertEqual(self.tree(self.root), ["a/x/y", "d"])
        self.put_in_place("t3", {"a": b"A", "d/b": b"B"})
        self.assertEqual(self.tree(self.root), ["a", "d/b"])

    def test_replaces_a_link_by_a_folder_and_back(self):
        self.put_in_place("t2", {"d/b": b"B"}, links=[("l", "d")])
        self.put_in_place("t3", {"d/b": b"B", "l/b": b"B"})
        self.assertFalse(os.path.islink(self.full("l")))
        self.put_in_place("t4", {"d/b": b"B"}, links=[("l", "d")])
        self.assertEqual(os.readlink(self.full("l")), "d")
        self.assertEqual(self.tree(self.root), ["d/b", "l"])

    def test_replaces_a_link_by_a_file_and_not_what_it_leads_to(self):
        self.put_in_place("t2", {"a": b"A"}, links=[("l", "a")])
        self.put_in_place("t3", {"a": b"A", "l": b"L"})
        self.assertEqual((self.read("projects/demo/a"), self.read("projects/demo/l")), (b"A", b"L"))

    def test_removes_nothing_through_a_link_that_leads_out(self):
        os.makedirs(self.path("elsewhere"))
        os.rename(self.full("d/b"), self.path("elsewhere/b"))
        os.rename(self.full("d/e"), self.path("elsewhere/e"))
        os.rmdir(self.full("d"))
        os.symlink(self.path("elsewhere"), self.full("d"))
        self.put_in_place("t2", {"a": b"A"})
        self.assertEqual(self.tree("elsewhere"), ["b", "e/c"])

    def test_a_second_edit_within_a_second_gets_another_time(self):
        self.put_in_place("t2", {"m.py": b"x = 1"})
        first = int(os.stat(self.full("m.py")).st_mtime)
        self.put_in_place("t3", {"m.py": b"x = 2"})
        self.assertGreater(int(os.stat(self.full("m.py")).st_mtime), first)
        self.assertEqual(self.sync("t3", base="t3")["need"], None)

    def test_an_unreadable_index_costs_only_reading(self):
        self.write(".runctl/sync/project-demo/index.json", "{broken")
        answer = self.sync("t1", manifest=[file("a", b"A"), file("d/b", b"B"), file("d/e/c", b"C")])
        self.assertEqual((answer["applied"], answer["files_written"]), (True, 0))

    def test_data_and_projects_of_one_name_are_apart(self):
        self.sync("d1", target={"kind": "data", "name": "demo"}, manifest=[file("x", b"X")], contents=[b"X"])
        self.assertEqual(self.tree("data/demo"), ["x"])
        self.assertEqual(self.tree(self.root), ["a", "d/b", "d/e/c"])


class ToAPath(SyncTestCase):
    def test_only_receives(self):
        self.write("inbox/old", "OLD")
        for destination in ("inbox", self.path("inbox")):
            answer = self.sync("t1", target={"kind": "path", "path": destination}, manifest=[file("sub/n", b"N")], contents=[b"N"])
            self.assertTrue(answer["applied"])
            self.assertEqual(answer["dir"], self.path("inbox"))
        self.assertEqual(self.tree("inbox"), ["old", "sub/n"])
        answer = self.sync("t2", target={"kind": "path", "path": "inbox"}, manifest=[file("z", b"N")], contents=[b"N"])
        self.assertEqual(self.tree("inbox"), ["old", "sub/n", "z"])

    def test_skips_files_that_are_there_already(self):
        big = os.urandom(2 << 20)
        self.write("inbox/big", big, age_s=60)
        self.write("inbox/small", "S")
        for _ in range(2):
            answer = self.sync("t1", target={"kind": "path", "path": "inbox"}, manifest=[file("big", big), file("small", b"S")])
            self.assertEqual((answer["applied"], answer["files_written"]), (True, 0))

    def test_asks_for_the_manifest_without_one(self):
        self.assertTrue(self.sync("t1", base="t1", target={"kind": "path", "path": "inbox"})["need"]["manifest"])


class Speed(SyncTestCase):
    def test_ten_thousand_unchanged_files_take_well_below_150_ms(self):
        content = b"same"
        manifest = [file("d%d/f%d" % (number % 100, number), content) for number in range(10000)]
        self.assertTrue(self.sync("t1", manifest=manifest, contents=[content])["applied"])
        best = 9.0
        for _ in range(5):
            started = time.process_time()
            self.assertTrue(self.sync("t1", base="t1")["applied"])
            best = min(best, time.process_time() - started)
        self.assertLess(best, 0.15)


if __name__ == "__main__":
    unittest.main()
