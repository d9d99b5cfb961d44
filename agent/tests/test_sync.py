import errno
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import time
import unittest
import zlib
from unittest import mock

from runctl_agent.errors import AgentError
from runctl_agent.sync import apply_sync

from .temp_home import HomeTestCase

AGENT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def sha(content):
    return hashlib.sha256(content).hexdigest()


def file(path, content, mode=0o644):
    return {"path": path, "kind": "file", "mode": mode, "size": len(content), "sha256": sha(content)}


def link(path, target):
    return {"path": path, "kind": "symlink", "mode": 0o777, "size": 0, "target": target}


def pieces(*contents):
    return [{"sha256": sha(content), "size": len(content), "offset": 0, "length": len(content)} for content in contents]


class SyncTestCase(HomeTestCase):
    target = {"kind": "project", "name": "demo"}
    root = "projects/demo"

    def sync(self, tree, base=None, contents=(), target=None, **more):
        request = {"target": target or self.target, "base": base, "tree": tree, "pieces": pieces(*contents)}
        request.update(more)
        return apply_sync(request, io.BytesIO(zlib.compress(b"".join(contents))))

    def put(self, tree, files, links=()):
        """A whole state: {path: content}."""
        manifest = [file(path, content) for path, content in files.items()] + [link(*one) for one in links]
        return self.sync(tree, manifest=manifest, contents=list(dict.fromkeys(files.values())))

    def put_in_place(self, *args, **more):
        answer = self.put(*args, **more)
        self.assertTrue(answer["applied"], answer)
        return answer

    def refuses(self, code, *args, **more):
        with self.assertRaises(AgentError) as caught:
            self.sync(*args, **more)
        self.assertEqual(caught.exception.code, code, caught.exception.message)
        return caught.exception

    def full(self, path):
        return self.path(self.root, path)


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


class ManifestAsABlob(SyncTestCase):
    def ask(self, content, *contents):
        blob = {"sha256": sha(content), "size": len(content)}
        return self.sync("t1", manifest_blob=blob, contents=contents)

    def test_is_asked_for_and_then_read(self):
        manifest = json.dumps([file("a", b"A")]).encode()
        self.assertEqual(self.ask(manifest)["need"], {"manifest": False, "blobs": [sha(manifest)]})
        self.assertEqual(self.ask(manifest, manifest)["need"], {"manifest": False, "blobs": [sha(b"A")]})
        self.assertTrue(self.ask(manifest, b"A")["applied"])
        self.assertEqual(self.tree(self.root), ["a"])

    def test_is_checked_like_any_other(self):
        for manifest in (json.dumps([file("../a", b"A")]).encode(), b"{", b"7", b"[7]", b"\xff"):
            with self.assertRaises(AgentError) as caught:
                self.ask(manifest, manifest)
            self.assertEqual(caught.exception.code, "bad_input")


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


class FullDisk(SyncTestCase):
    def test_says_so_and_keeps_the_old_files_and_no_staged_bytes(self):
        self.put_in_place("t1", {"a": b"A", "b": b"B", "gone": b"G"})
        full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "somewhere")
        for failing in ("runctl_agent.staging._Inflated.read", "runctl_agent.sync.write_json", "runctl_agent.staging.shutil.copyfile"):
            with mock.patch(failing, side_effect=full):
                error = self.refuses("platform_failed", "t2", manifest=[file("a", b"new"), file("b", b"new")], contents=[b"new"])
            self.assertGreater(error.details["free_bytes"], 0)
            self.assertIn("disk is full", error.message)
            self.assertEqual(self.tree(self.root), ["a", "b", "gone"])
            self.assertEqual((self.read("projects/demo/a"), self.read("projects/demo/b")), (b"A", b"B"))
            self.assertFalse(os.path.exists(self.path(".runctl/sync/project-demo/staging")))
        self.assertTrue(self.put("t2", {"a": b"new", "b": b"new"})["applied"])
        self.assertEqual(self.tree(self.root), ["a", "b"])


class Killed(SyncTestCase):
    """The process is ended at every system call that changes anything; the next sync, to another state, puts all right."""

    STATE_1 = {"a": b"A", "d/b": b"B", "x": b"X", "file": b"F"}
    STATE_2 = {"a": b"A2", "n/new": b"N", "n/copy": b"N", "x/y": b"Y", "d/b": b"B"}
    STATE_3 = {"a": b"A3", "d/b": b"B", "z": b"Z"}
    SCRIPT = """
import io, json, os, sys
sys.path.insert(0, sys.argv[1])
request = json.loads(sys.stdin.buffer.readline())
left = [int(sys.argv[2])]
def watched(module, name):
    real = getattr(module, name)
    def call(*args, **more):
        left[0] -= 1
        if left[0] < 0:
            os._exit(99)
        return real(*args, **more)
    setattr(module, name, call)
for name in "replace unlink rmdir mkdir chmod symlink utime fsync".split():
    watched(os, name)
from runctl_agent.sync import apply_sync
print(json.dumps(apply_sync(request, sys.stdin.buffer)))
"""

    def request(self, tree, state):
        contents = list(dict.fromkeys(state.values()))
        manifest = [file(*one) for one in state.items()]
        request = {"target": self.target, "base": None, "tree": tree, "pieces": pieces(*contents), "manifest": manifest}
        return json.dumps(request).encode() + b"\n" + zlib.compress(b"".join(contents))

    def test_is_repaired_wherever_it_was_killed(self):
        killed = 0
        for step in range(200):
            subprocess.run(["rm", "-rf", self.path("projects"), self.path(".runctl")], check=True)
            self.put_in_place("t1", self.STATE_1)
            self.write("projects/demo/n/mine", "mine")
            command = [sys.executable, "-c", self.SCRIPT, AGENT, str(step)]
            ended = subprocess.run(command, input=self.request("t2", self.STATE_2), stdout=subprocess.PIPE)
            if ended.returncode == 0:
                break
            self.assertEqual(ended.returncode, 99)
            killed += 1
            # To the same state for some, to a third for the others: nothing of the second may be left.
            state, tree = (self.STATE_2, "t2") if step % 2 else (self.STATE_3, "t3")
            answer = self.put_in_place(tree, state)
            self.assertEqual(answer["kept_modified"], [])
            self.assertEqual(self.tree(self.root), sorted(list(state) + ["n/mine"]), "killed at step %d" % step)
            for path, content in state.items():
                self.assertEqual(self.read(os.path.join(self.root, path)), content)
            self.assertEqual(self.tree(".runctl/sync/project-demo"), ["index.json", "lock"])
        self.assertGreater(killed, 15)

    def test_the_lock_dies_with_its_holder(self):
        script = (
            "import sys,time; sys.path.insert(0, sys.argv[1])\nfrom runctl_agent.locks import exclusive\n"
            "with exclusive(sys.argv[2]): print('held', flush=True); time.sleep(60)"
        )
        self.put_in_place("t1", {"a": b"A"})
        lock = self.path(".runctl/sync/project-demo/lock")
        holder = subprocess.Popen([sys.executable, "-c", script, AGENT, lock], stdout=subprocess.PIPE)
        self.assertEqual(holder.stdout.readline(), b"held\n")
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        holder.stdout.close()
        self.assertTrue(self.sync("t1", base="t1")["applied"])


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
