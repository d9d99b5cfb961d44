import io
import json
import os
import unittest
import zlib

from runctl_agent.errors import AgentError
from runctl_agent.sync import apply_sync

from .sync_case import SyncTestCase, file, link, pieces, sha


class FirstSync(SyncTestCase):
    def test_puts_files_links_and_modes_in_place(self):
        manifest = [file("a.py", b"A"), file("bin/run", b"B", 0o755), link("l", "bin/run"), file("empty", b"")]
        answer = self.sync("t1", manifest=manifest, contents=[b"A", b"B"])
        self.assertEqual(answer, {
            "applied": True, "tree": "t1", "need": None, "files_written": 4, "files_removed": 0, "kept_modified": [],
            "dir": self.path(self.root),
        })
        self.assertEqual(self.read("projects/demo/bin/run"), b"B")
        self.assertEqual(os.stat(self.full("bin/run")).st_mode & 0o777, 0o755)
        self.assertEqual(os.stat(self.full("a.py")).st_mode & 0o777, 0o644)
        self.assertEqual(os.readlink(self.full("l")), "bin/run")
        self.assertEqual(self.read("projects/demo/empty"), b"")
        self.assertEqual(self.tree(".runctl/sync/project-demo"), ["index.json", "lock"])

    def test_says_which_blobs_it_lacks_and_applies_nothing_before_it_has_them(self):
        manifest = [file("a", b"A"), file("b", b"B"), file("b2", b"B"), file("e", b"")]
        answer = self.sync("t1", manifest=manifest, contents=[b"A"])
        self.assertEqual((answer["applied"], answer["tree"], answer["need"]), (False, None, {"manifest": False, "blobs": [sha(b"B")]}))
        self.assertEqual(self.tree(self.root), [])
        answer = self.sync("t1", manifest=manifest, contents=[b"B"])
        self.assertEqual((answer["applied"], answer["files_written"]), (True, 4))
        self.assertEqual(self.tree(self.root), ["a", "b", "b2", "e"])

    def test_takes_blobs_ahead_in_pieces_and_in_any_order(self):
        content = os.urandom(300000)
        for offset, end in ((200000, 300000), (0, 100000), (100000, 200000)):
            piece = {"sha256": sha(content), "size": len(content), "offset": offset, "length": end - offset}
            request = {"target": self.target, "base": None, "tree": None, "pieces": [piece]}
            answer = apply_sync(request, io.BytesIO(zlib.compress(content[offset:end])))
            self.assertEqual((answer["applied"], answer["need"], answer["tree"]), (False, None, None))
        self.assertTrue(self.sync("t1", manifest=[file("big", content)])["applied"])
        self.assertEqual(self.read("projects/demo/big"), content)

    def test_inflates_a_piece_that_shrank_a_thousandfold(self):
        content = b"\0" * 5000000
        self.assertTrue(self.sync("t1", manifest=[file("zeros", content), file("b", b"B")], contents=[content, b"B"])["applied"])
        self.assertEqual(self.read("projects/demo/zeros"), content)

    def test_throws_a_blob_with_the_wrong_bytes_away_and_asks_again(self):
        request = {"target": self.target, "base": None, "tree": "t1", "manifest": [file("a", b"right")], "pieces": pieces(b"right")}
        answer = apply_sync(request, io.BytesIO(zlib.compress(b"wrong")))
        self.assertEqual(answer["need"], {"manifest": False, "blobs": [sha(b"right")]})
        self.assertEqual(self.tree(".runctl/sync/project-demo/staging"), [])

    def test_throws_a_staged_blob_of_wrong_pieces_away(self):
        content = b"0123456789"
        half = [dict(pieces(content)[0], offset=0, length=5), dict(pieces(content)[0], offset=5, length=5)]
        request = {"target": self.target, "base": None, "tree": "t1", "manifest": [file("a", content)], "pieces": half}
        self.assertEqual(apply_sync(request, io.BytesIO(zlib.compress(b"01234XXXXX")))["need"]["blobs"], [sha(content)])
        self.assertEqual(self.tree(".runctl/sync/project-demo/staging"), [])

    def test_refuses_a_stream_that_is_cut_off_or_too_long(self):
        content = os.urandom(100000)
        request = {"target": self.target, "base": None, "tree": "t1", "manifest": [file("a", content)], "pieces": pieces(content)}
        whole = zlib.compress(content)
        broken = [(stream, "platform_failed") for stream in (whole[:-3], whole[:500], b"", b"garbage!", zlib.compress(content[:-1]))]
        for stream, code in broken + [(zlib.compress(content + b"x"), "bad_input")]:
            with self.assertRaises(AgentError) as caught:
                apply_sync(request, io.BytesIO(stream))
            self.assertEqual(caught.exception.code, code)
            self.assertEqual(self.tree(self.root), [])

    def test_keeps_names_of_any_bytes(self):
        names = ["ünï cødé\n☃", os.fsdecode(b"latin-\xe9"), "-rf *", "back\\slash"]
        request = json.loads(json.dumps({"m": [file(name, b"x") for name in names]}))
        self.assertTrue(self.sync("t1", manifest=request["m"], contents=[b"x"])["applied"])
        self.assertEqual(sorted(os.listdir(os.fsencode(self.path(self.root)))), sorted(map(os.fsencode, names)))
        self.assertEqual(self.sync("t1", base="t1")["files_written"], 0)


class Refusals(SyncTestCase):
    def test_refuses_paths_that_are_not_plainly_inside(self):
        for path in ("../x", "a/../../x", "/etc/x", "a//b", "", ".", "a/./b", "a/", "nul\0", "\ud800", "x" * 300):
            self.refuses("bad_input", "t1", manifest=[file("good", b""), file(path, b"")])
            self.refuses("bad_input", "t1", delta={"set": [], "remove": [path]})
        self.assertFalse(os.path.exists(self.path(self.root)))

    def test_refuses_links_that_lead_out_directly_or_through_others(self):
        for links in ([("l", "/etc/passwd")], [("l", "../x")], [("a/l", "../../x")], [("d", "."), ("e", "d/../..")],
                      [("a/up", ".."), ("l", "a/up/../x")], [("l", "")], [("l", "a\0b")]):
            self.refuses("bad_input", "t1", manifest=[link(*one) for one in links])
        self.assertFalse(os.path.exists(self.full("d")))

    def test_takes_links_that_stay_inside(self):
        links = [("a/l", "../a/f"), ("m", "a/../a/l"), ("loop", "loop"), ("dangling", "nowhere"), ("up", "a/..")]
        self.put_in_place("t1", {"a/f": b"F"}, links=links)
        self.assertEqual(self.read("projects/demo/m"), b"F")

    def test_refuses_to_write_through_a_link_on_the_instance_that_leads_out(self):
        os.makedirs(self.path("elsewhere"))
        os.makedirs(self.path(self.root))
        os.symlink(self.path("elsewhere"), self.full("out"))
        self.refuses("bad_input", "t1", manifest=[file("out/x", b"X"), file("y", b"X")], contents=[b"X"])
        self.assertEqual(self.tree("elsewhere"), [])
        self.assertEqual(self.tree(self.root), ["out"])

    def test_writes_through_a_link_that_stays_inside(self):
        os.makedirs(self.full("real"))
        os.symlink("real", self.full("alias"))
        self.put_in_place("t1", {"alias/x": b"X"})
        self.assertEqual(self.read("projects/demo/real/x"), b"X")

    def test_a_project_folder_may_itself_be_a_link_to_a_larger_disk(self):
        os.makedirs(self.path("disk"))
        os.makedirs(self.path("projects"))
        os.symlink(self.path("disk"), self.path(self.root))
        self.put_in_place("t1", {"a/x": b"X"})
        self.assertEqual(self.read("disk/a/x"), b"X")

    def test_refuses_what_is_malformed(self):
        good = file("a", b"A")
        for entry in (dict(good, sha256="short"), dict(good, mode=0o4755), dict(good, kind="fifo"), dict(good, size=-1)):
            self.refuses("bad_input", "t1", manifest=[entry])
        self.refuses("bad_input", "t1", manifest=[good, good])
        self.refuses("bad_input", "t1", manifest=[file("a", b""), file("a/b", b"")])
        self.refuses("bad_input", "t1", manifest=[link("a", "b"), file("a/c", b"")])
        self.refuses("bad_input", "t1", manifest=[], target={"kind": "project", "name": "../x"})
        self.refuses("bad_input", "t1", manifest=[], target={"kind": "shelf", "name": "x"})
        for wrong in ({"sha256": "../../x"}, {"offset": 5}, {"length": -1}):
            self.refuses("bad_input", None, pieces=[dict(pieces(b"abc")[0], **wrong)])

    def test_a_file_of_the_users_in_the_way_of_a_folder_stays_and_stops_all(self):
        self.write("projects/demo/a", "mine")
        self.refuses("wrong_state", "t1", manifest=[file("a/b", b"B"), file("c", b"B")], contents=[b"B"])
        self.assertEqual(self.tree(self.root), ["a"])

    def test_a_folder_with_files_of_the_users_in_the_way_of_a_file_stays_and_stops_all(self):
        self.put_in_place("t1", {"a/b": b"B"})
        self.write("projects/demo/a/epoch_1.pt", "mine")
        self.refuses("wrong_state", "t2", manifest=[file("a", b"A")], contents=[b"A"])
        self.assertEqual(self.tree(self.root), ["a/b", "a/epoch_1.pt"])


class ManifestAsABlob(SyncTestCase):
    def setUp(self):
        super().setUp()
        self.content = json.dumps([file("ü/a", b"A"), link("l", "ü/a")], ensure_ascii=False).encode()
        self.blob = {"sha256": sha(self.content), "size": len(self.content)}

    def test_is_asked_for_then_applied(self):
        answer = self.sync("t1", manifest_blob=self.blob)
        self.assertEqual((answer["applied"], answer["need"]), (False, {"manifest": False, "blobs": [sha(self.content)]}))
        self.sync(None, contents=[self.content])
        answer = self.sync("t1", manifest_blob=self.blob)
        self.assertEqual(answer["need"], {"manifest": False, "blobs": [sha(b"A")]})
        self.assertTrue(self.sync("t1", manifest_blob=self.blob, contents=[b"A"])["applied"])
        self.assertEqual(self.tree(self.root), ["l", "ü/a"])

    def test_comes_with_all_content_in_one_call(self):
        self.assertTrue(self.sync("t1", manifest_blob=self.blob, contents=[self.content, b"A"])["applied"])

    def test_is_checked_like_any_manifest(self):
        for content in (b"{", b"3", b"[3]", b'[{"path": "../x"}]', json.dumps([file("../x", b"A")]).encode()):
            blob = {"sha256": sha(content), "size": len(content)}
            self.refuses("bad_input", "t1", manifest_blob=blob, contents=[content])
        self.refuses("bad_input", "t1", manifest_blob={"sha256": "../../x", "size": 1})


if __name__ == "__main__":
    unittest.main()
