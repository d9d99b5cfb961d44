import hashlib
import json
import os
import unittest
from unittest import mock

from runctl_agent import checkpoints, format_plugins, inspecting
from runctl_agent.checkpoints import list_checkpoints
from runctl_agent.errors import AgentError
from runctl_agent.inspecting import inspect

from .fake_runs import FakeRuns
from .sample_checkpoints import LEGACY_TORCH, TRAINING, T, safetensors, safetensors_of, torch_zip
from .temp_home import HomeTestCase

FOLDER = "projects/demo/checkpoints"
RUN = "run-20261123-195500-aaaa"


class InspectCase(HomeTestCase):
    def add(self, name, content, age_s=60):
        return self.write(FOLDER + "/" + name, content, age_s)

    def fake_runs(self):
        runs = FakeRuns(self)
        patch = mock.patch.object(inspecting, "run_state", runs)
        patch.start()
        self.addCleanup(patch.stop)
        return runs

    def look(self, path, full=False, max_tensors=100, **more):
        return inspect(dict(more, path=path, full=full, max_tensors=max_tensors))

    def change_unseen(self, path, content):
        """Other bytes, with the size and the times of before: what a failing disk does."""
        stat = os.stat(path)
        with open(path, "r+b") as file:
            file.write(content)
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


class OnTheDisk(InspectCase):
    def test_shows_what_is_inside(self):
        path = self.add("epoch_3.pt", torch_zip(TRAINING))
        answer = self.look(path)
        self.assertEqual(answer["checkpoint"]["metrics"], {"val_loss": 0.25})
        self.assertEqual((answer["checkpoint"]["step"], answer["checkpoint"]["epoch"], answer["checkpoint"]["state"]), (1200, 3, "complete"))
        self.assertEqual(answer["checkpoint"]["sha256"], hashlib.sha256(torch_zip(TRAINING)).hexdigest())
        xray = answer["xray"]
        self.assertEqual((xray["tensor_count"], xray["parameter_count"], xray["dtypes"], xray["has_optimizer"]), (4, 17, {"F32": 12, "F16": 4, "I64": 1}, True))
        self.assertEqual(xray["tensor_bytes"], 48 + 8 + 8 + 48)
        self.assertEqual(xray["tensors"][1]["name"], "model.layer.weight")
        self.assertRegex(xray["tensors"][1]["digest"], r"^crc32:[0-9a-f]{8}$")

    def test_tensors_are_given_in_pages(self):
        path = self.add("a.safetensors", safetensors_of({"t%d" % at: ("U8", (1,), b"x") for at in range(300)}))
        page = self.look(path, max_tensors=100)["xray"]
        self.assertEqual((len(page["tensors"]), page["tensors_left_out"], page["tensor_count"]), (100, 200, 300))
        after = self.look(path, max_tensors=1000, after=page["tensors"][-1]["name"])["xray"]
        self.assertEqual((len(after["tensors"]), after["tensors_left_out"]), (200, 0))
        narrow = self.look(path, max_tensors=1000, max_bytes=16384)
        self.assertLess(len(json.dumps(narrow)), 16384)
        self.assertGreater(narrow["xray"]["tensors_left_out"], 0)

    def test_what_shares_its_bytes_is_counted_once(self):
        data = bytes(range(1, 49))
        one, part = T("F32", (12,), data, key="s"), T("F32", (4,), data, key="s", offset=4)
        answer = self.look(self.add("tied.pt", torch_zip({"embed": one, "head": one, "part": part})), full=True)
        self.assertEqual(answer["xray"]["tensor_count"], 3)
        self.assertEqual(answer["xray"]["parameter_count"], 16)
        by_name = {tensor["name"]: tensor["digest"] for tensor in answer["xray"]["tensors"]}
        self.assertEqual(by_name["embed"], by_name["head"])
        self.assertEqual(by_name["embed"], "sha256:" + hashlib.sha256(data).hexdigest())
        self.assertEqual(by_name["part"], "sha256:" + hashlib.sha256(data[16:32]).hexdigest())

    def test_a_file_without_tables_has_no_xray(self):
        for name, content in (("a.json", b'{"epoch": 1}'), ("old.pt", LEGACY_TORCH), ("a.pkl", b"\x80\x04N.")):
            self.assertIsNone(self.look(self.add(name, content))["xray"])

    def test_a_path_is_one_of_the_newest_runs_project_or_of_the_home_folder(self):
        self.add("a.safetensors", safetensors())
        with self.assertRaises(AgentError):
            self.look("checkpoints/a.safetensors")
        self.assertEqual(self.look(FOLDER + "/a.safetensors")["checkpoint"]["path"], self.path(FOLDER, "a.safetensors"))
        runs = self.fake_runs()
        runs.add(RUN)
        for path in ("checkpoints/a.safetensors", "a.safetensors", self.path(FOLDER, "a.safetensors")):
            self.assertEqual(self.look(path)["checkpoint"]["path"], "checkpoints/a.safetensors", path)
        self.assertEqual(self.look("a.safetensors", project="demo")["checkpoint"]["state"], "complete")


class Verifying(InspectCase):
    def test_every_byte_is_read_again_whatever_was_known(self):
        path = self.add("a.safetensors", safetensors())
        first = self.look(path, full=True)
        self.assertEqual((first["checkpoint"]["state"], first["known_digests"]), ("complete", []))
        self.assertEqual(first["bytes_read"], len(safetensors()))
        again = self.look(path, full=True)
        self.assertEqual(again["known_digests"], [{"sha256": first["checkpoint"]["sha256"], "by": "read before"}])
        self.assertEqual(again["checkpoint"]["state"], "complete")

    def test_bytes_that_changed_without_a_trace_are_told_by_the_digest_and_stay_corrupt(self):
        path = self.add("a.safetensors", safetensors())
        known = self.look(path)["checkpoint"]
        self.change_unseen(path, safetensors(payload=b"\1" * 23 + b"\2"))
        self.assertEqual(self.look(path)["checkpoint"]["state"], "complete")  # from memory: nothing was read
        for _ in range(2):
            found = self.look(path, full=True)["checkpoint"]
            self.assertEqual(found["state"], "corrupt")
            self.assertIn("read before", found["state_detail"])
            self.assertNotEqual(found["sha256"], known["sha256"])
            self.assertIsNone(found["places"][0]["verified_at"])
        # From now on it is passed over wherever checkpoints are looked at.
        self.assertEqual(list_checkpoints(self.path(FOLDER), self.path("projects/demo"), [])[0]["state"], "corrupt")

    def test_what_a_run_recorded_counts_for_just_that_state_of_the_file(self):
        path = self.add("a.safetensors", safetensors())
        runs = self.fake_runs()
        runs.add(RUN)
        listed = list_checkpoints(self.path(FOLDER), self.path("projects/demo"), [])
        record = [dict(one, sha256="0" * 64) for one in listed]
        runs.recorded[RUN] = record
        os.unlink(self.path(".runctl/digests.json"))
        found = self.look(path, full=True)
        self.assertEqual(found["known_digests"], [{"sha256": "0" * 64, "by": "recorded by " + RUN}])
        self.assertEqual(found["checkpoint"]["state"], "corrupt")
        self.add("a.safetensors", safetensors(), age_s=30)  # written again since
        self.assertEqual(self.look(path, full=True)["checkpoint"]["state"], "complete")

    def test_a_manifest_beside_a_copy_is_heeded(self):
        path = self.write("copies/best.pt", LEGACY_TORCH, 60)
        digest = hashlib.sha256(LEGACY_TORCH).hexdigest()
        self.write("copies/best.pt.manifest.json", json.dumps({"sha256": digest}), 60)
        answer = self.look(path, full=True)
        self.assertEqual(answer["known_digests"], [{"sha256": digest, "by": "told by the manifest beside it"}])
        self.assertEqual(answer["checkpoint"]["state"], "unverified")
        self.write("copies/best.pt.manifest.json", json.dumps({"sha256": "1" * 64}), 60)
        self.assertEqual(self.look(path, full=True)["checkpoint"]["state"], "corrupt")
        self.assertEqual([one["path"] for one in list_checkpoints(self.path("copies"), None, [])], [path])

    def test_a_folder_is_read_whole(self):
        self.add("checkpoint-4/model.safetensors", safetensors())
        self.add("checkpoint-4/vocab.txt", b"words")
        path = self.path(FOLDER, "checkpoint-4")
        known = self.look(path)["checkpoint"]
        self.assertEqual(self.look(path, full=True)["checkpoint"]["sha256"], known["sha256"])
        self.change_unseen(self.path(FOLDER, "checkpoint-4/vocab.txt"), b"sword")
        self.assertEqual(self.look(path, full=True)["checkpoint"]["state"], "corrupt")


PLUGIN = '''
import struct
def inspect(source, full):
    magic, version, tensors = struct.unpack("<4sIQ", source.read_at(0, 16))
    if magic != b"GGUF":
        return {"state": "corrupt", "detail": "no magic"}
    print("noise on standard output")
    return {"state": "complete", "step": version, "epoch": None, "metrics": {"loss": 0.5, "bad": float("nan")}, "has_optimizer": False,
            "tensors": [{"name": "t%d" % at, "dtype": "F32", "shape": [2, at]} for at in range(tensors)]}
'''


def plugin(source=PLUGIN, name="gguf", extensions=(".gguf",)):
    return [{"name": name, "extensions": list(extensions), "source": source}]


GGUF = b"GGUF\x03\0\0\0\x02\0\0\0\0\0\0\0" + b"x" * 100


class Plugins(InspectCase):
    def test_a_format_of_a_plugin_is_judged_and_found(self):
        path = self.add("model.gguf", GGUF)
        self.assertEqual(list_checkpoints(self.path(FOLDER), None, []), [])
        answer = self.look(path, formats=plugin())
        checkpoint = answer["checkpoint"]
        self.assertEqual((checkpoint["state"], checkpoint["format"], checkpoint["step"], checkpoint["metrics"]), ("complete", "gguf", 3, {"loss": 0.5}))
        self.assertEqual(checkpoint["sha256"], hashlib.sha256(GGUF).hexdigest())
        self.assertEqual((answer["xray"]["tensor_count"], answer["xray"]["parameter_count"], answer["xray"]["has_optimizer"]), (2, 2, False))
        listed = checkpoints.checkpoints({"dir": self.path(FOLDER), "formats": plugin()})["checkpoints"]
        self.assertEqual([(one["state"], one["format"]) for one in listed], [("complete", "gguf")])
        self.add("model.gguf", b"GGML" + GGUF[4:], 30)
        self.assertEqual(self.look(path, full=True, formats=plugin())["checkpoint"]["state"], "corrupt")

    def test_without_the_plugin_it_is_unverified_and_with_another_one_it_is_judged_anew(self):
        path = self.add("model.gguf", GGUF)
        self.assertEqual(self.look(path)["checkpoint"]["state"], "unverified")
        self.assertEqual(self.look(path, formats=plugin())["checkpoint"]["state"], "complete")
        other = plugin('def inspect(source, full): return {"state": "partial", "detail": "by the other one"}')
        self.assertEqual(self.look(path, formats=other)["checkpoint"]["state_detail"], "by the other one")

    def test_in_a_folder_it_counts_as_weights(self):
        self.add("checkpoint-1/model.gguf", GGUF)
        self.assertEqual(self.look(self.path(FOLDER, "checkpoint-1"))["checkpoint"]["state"], "unverified")
        self.assertEqual(self.look(self.path(FOLDER, "checkpoint-1"), formats=plugin())["checkpoint"]["state"], "complete")

    def test_built_in_formats_win(self):
        source = 'def inspect(source, full): return {"state": "corrupt", "detail": "mine"}'
        for name, content in (("a.safetensors", safetensors()), ("a.json", b"{}"), ("a.pkl", b"x")):
            answer = self.look(self.add(name, content), formats=plugin(source, extensions=[".safetensors", ".json", ".pkl"]))
            self.assertNotEqual(answer["checkpoint"]["state_detail"], "mine")

    def test_whatever_a_module_does_is_an_answer(self):
        path = self.add("model.gguf", GGUF)
        for source, why in (
            ("def inspect(source, full): raise RuntimeError('no')", "RuntimeError: no"),
            ("this is no Python", "SyntaxError"),
            ("", "AttributeError"),
            ("def inspect(source, full): return {'state': 'great'}", "no answer that makes sense"),
            ("def inspect(source, full): return None", "no answer that makes sense"),
            ("def inspect(source, full): return {'state': 'complete', 'tensors': [{'name': 1}]}", "no answer that makes sense"),
            ("def inspect(source, full): return {'state': 'complete', 'tensors': 7}", "no answer that makes sense"),
            ("def inspect(source, full): return {'state': 'complete', 'metrics': 7}", "no answer that makes sense"),
            ("def inspect(source, full): return object()", "TypeError"),
            ("import os\ndef inspect(source, full): os._exit(3)", "no answer that makes sense"),
            ("import os\ndef inspect(source, full): os.kill(os.getpid(), 9)", "no answer that makes sense"),
            ("import sys\ndef inspect(source, full): sys.exit(0)", "SystemExit"),
            ("def inspect(source, full): return inspect(source, full)", "RecursionError"),
            ("def inspect(source, full): x = []; x.append(x); return x", "ValueError"),
        ):
            checkpoint = self.look(path, formats=plugin(source))["checkpoint"]
            self.assertEqual(checkpoint["state"], "unverified", source)
            self.assertIn(why, checkpoint["state_detail"], source)

    def test_a_module_that_does_not_end_is_ended(self):
        path = self.add("model.gguf", GGUF)
        source = "import time, os\ndef inspect(source, full):\n os.fork()\n while True: time.sleep(1)"
        self.addCleanup(setattr, format_plugins, "TIME_LIMIT_S", format_plugins.TIME_LIMIT_S)
        format_plugins.TIME_LIMIT_S = 0.7
        self.assertIn("took more than", self.look(path, formats=plugin(source))["checkpoint"]["state_detail"])

    def test_no_module_is_taken_that_is_too_large_or_has_no_plain_name(self):
        path = self.add("model.gguf", GGUF)
        for formats in (plugin("#" * 70000), plugin(name="../x"), plugin(name="Up")):
            with self.assertRaises(AgentError):
                self.look(path, formats=formats)


if __name__ == "__main__":
    unittest.main()
