import hashlib
import json
import os
import random
import struct
import time
import unittest
import zipfile

from runctl_agent.errors import AgentError
from runctl_agent.inspecting import inspect
from runctl_agent.sources import Hashing, HttpSource

from .range_server import RangeServer
from .sample_checkpoints import TRAINING, Pickler, T, npz, safetensors, safetensors_of, shard_index, torch_zip
from .temp_home import HomeTestCase

FOURTEEN_GB = 14 * 10 ** 9


class RangedCase(HomeTestCase):
    def setUp(self):
        super().setUp()
        os.mkdir(self.path("store"))
        self.server = RangeServer(self.path("store"))
        self.addCleanup(self.server.close)

    def source(self, name, size=None):
        source = HttpSource(self.server.url + name + "?signature=secret", os.path.getsize(self.path("store", name)) if size is None else size, name,
                            sleep=lambda seconds: None)
        self.addCleanup(source.close)
        return source

    def look(self, name, full=False, max_tensors=10, **more):
        path = self.path("store", name)
        names = [""] if os.path.isfile(path) else sorted(os.listdir(path))
        files = [{"path": one, "size_bytes": os.path.getsize(os.path.join(path, one) if one else path),
                  "url": self.server.url + name + ("/" + one if one else "") + "?signature=secret"} for one in names]
        return inspect({"object": {"name": "p/run/checkpoints/" + name, "files": files, "modified_at": "2026-11-23T10:00:00Z"}, "full": full,
                        "max_tensors": max_tensors, **more})


class Reading(RangedCase):
    def test_any_reads_give_the_bytes_of_the_file(self):
        rng = random.Random(7)
        whole = rng.getrandbits(8 * 300000).to_bytes(300000, "little")
        self.write("store/a", whole)
        source = self.source("a")
        for _ in range(300):
            offset, count = rng.randrange(300100), rng.choice((1, 30, 5000, 70000, 400000))
            self.assertEqual(source.read_at(offset, count), whole[offset:offset + count])
        self.assertEqual(source.bytes_read, self.server.sent)

    def test_reading_on_is_served_ahead_in_few_requests_and_no_byte_twice(self):
        self.write("store/a", b"x" * 40000000)
        source = Hashing(self.source("a"))
        for offset in range(0, 40000000, 100000):
            source.read_at(offset, 100000)
        self.assertEqual(source.sha256(), hashlib.sha256(b"x" * 40000000).hexdigest())
        self.assertEqual(self.server.sent, 40000000)
        self.assertLess(len(self.server.requests), 30)

    def test_lost_connections_and_an_overloaded_store_are_tried_again(self):
        self.write("store/a", b"content" * 1000)

        def trouble(number, request):
            if number % 4 == 1:
                request.plain(503)
            elif number % 4 == 2:
                request.close_connection = True
            elif number % 4 == 3:
                request.send_response(206)
                request.send_header("Content-Length", "7000")
                request.send_header("Content-Range", "bytes 0-6999/7000")
                request.end_headers()
                request.wfile.write(b"conte")
                request.close_connection = True
            return number % 4 != 0
        self.server.trouble = trouble
        self.assertEqual(self.source("a").read_at(0, 7000), b"content" * 1000)
        self.assertEqual(len(self.server.requests), 4)

    def test_what_stays_broken_is_an_error_without_the_signature(self):
        self.write("store/a", b"content")
        self.server.trouble = lambda number, request: request.plain(500) or True
        with self.assertRaises(AgentError) as caught:
            self.source("a").read_at(0, 7)
        self.assertEqual(caught.exception.code, "platform_failed")
        self.assertIn("status 500", caught.exception.message)
        self.assertNotIn("secret", caught.exception.message)
        self.assertEqual(len(self.server.requests), 6)

    def test_a_refusal_is_told_at_once(self):
        self.write("store/a", b"content")
        for status, code in ((403, "platform_failed"), (404, "not_found")):
            self.server.requests.clear()
            self.server.trouble = lambda number, request, status=status: request.plain(status) or True
            with self.assertRaises(AgentError) as caught:
                self.source("a").read_at(0, 7)
            self.assertEqual((caught.exception.code, len(self.server.requests)), (code, 1))

    def test_a_server_without_ranges_is_an_error_and_no_download(self):
        self.write("store/a", b"x" * 20000000)
        self.server.knows_ranges = False
        with self.assertRaises(AgentError) as caught:
            self.source("a").read_at(10000000, 100)
        self.assertIn("knows no ranges", caught.exception.message)
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline and self.server.sent == 0:
            time.sleep(0.01)
        self.assertLess(self.server.sent, 20000000)

    def test_another_size_than_was_told_is_an_error(self):
        self.write("store/a", b"content")
        for size in (6, 8, 100):
            with self.assertRaises(AgentError) as caught:
                self.source("a", size).read_at(0, 3)
            self.assertEqual(caught.exception.code, "verification_failed")
        with self.assertRaises(AgentError):
            self.source("a", 5000).read_at(4000, 3)


class Inspecting(RangedCase):
    def test_a_file_is_told_as_on_the_disk(self):
        for name, content in (("a.pt", torch_zip(TRAINING)), ("a.npz", npz({"w": ("<f4", (2, 2), b"\1" * 16)})), ("a.safetensors", safetensors({"step": "7"}))):
            path = self.write("store/" + name, content, 60)
            there, here = self.look(name), inspect({"path": path, "full": False, "max_tensors": 10})
            self.assertEqual(there["xray"], here["xray"])
            for key in ("state", "state_detail", "format", "step", "epoch", "metrics", "size_bytes"):
                self.assertEqual(there["checkpoint"][key], here["checkpoint"][key], key)
            self.assertEqual((there["checkpoint"]["sha256"], there["checkpoint"]["places"]), (None, []))
            full = self.look(name, full=True)["checkpoint"]
            self.assertEqual((full["sha256"], full["state"]), (hashlib.sha256(content).hexdigest(), "complete"))

    def test_a_folder_of_shards_is_told_from_the_headers(self):
        self.write("store/checkpoint-7/model.safetensors.index.json", shard_index({"w": "m-1.safetensors", "b": "m-1.safetensors", "z": "m-2.safetensors"}))
        self.write("store/checkpoint-7/m-1.safetensors", safetensors())
        self.write("store/checkpoint-7/m-2.safetensors", safetensors_of({"z": ("F32", (2,), b"\1" * 8)}))
        self.write("store/checkpoint-7/trainer_state.json", json.dumps({
            "global_step": 7, "epoch": 0.5, "best_metric": 0.75,
            "log_history": [{"loss": 2.0, "step": 1}, {"loss": 1.5, "step": 2, "learning_rate": 1e-4}, {"eval_loss": 1.25, "eval_runtime": 3.5}]}))
        answer = self.look("checkpoint-7", full=True)
        self.assertEqual([one["name"] for one in answer["xray"]["tensors"]], ["m-1.safetensors:b", "m-1.safetensors:w", "m-2.safetensors:z"])
        checkpoint = answer["checkpoint"]
        self.assertEqual((checkpoint["state"], checkpoint["step"], checkpoint["epoch"], checkpoint["format"]), ("complete", 7, 0, "folder"))
        self.assertEqual(checkpoint["metrics"], {"best_metric": 0.75, "eval_loss": 1.25, "loss": 1.5})
        self.assertEqual({one["path"]: one["state"] for one in answer["xray"]["files"]}["m-2.safetensors"], "complete")
        from runctl_agent.digests import sha256_of_tree
        self.assertEqual(checkpoint["sha256"], sha256_of_tree(self.path("store/checkpoint-7")))

    def test_half_an_upload_is_told(self):
        whole = torch_zip(TRAINING)
        self.write("store/a.pt", whole[:len(whole) // 2])
        self.write("store/a.safetensors", safetensors()[:-3])
        for name in ("a.pt", "a.safetensors"):
            self.assertEqual(self.look(name)["checkpoint"]["state"], "partial")

    def test_a_path_that_leads_out_of_the_folder_is_refused(self):
        with self.assertRaises(AgentError):
            inspect({"object": {"name": "x", "modified_at": "", "files": [{"path": "../x", "size_bytes": 1, "url": self.server.url}]}, "full": False, "max_tensors": 1})

    def test_the_xray_of_14_gb_of_safetensors_moves_less_than_2_mb(self):
        layers = 2000
        size = FOURTEEN_GB // layers // 4096 * 4096
        header = {"layers.%d.self_attn.q_proj.weight" % at: {"dtype": "BF16", "shape": [size // 8192, 4096], "data_offsets": [at * size, (at + 1) * size]}
                  for at in range(layers)}
        text = json.dumps(header).encode()
        with open(self.write("store/model.safetensors"), "r+b") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            # The rest is a hole, with a last page that was written.
            file.truncate(8 + len(text) + layers * size)
            file.seek(-4096, 2)
            file.write(b"\1" * 4096)
        self.assert_small("model.safetensors", layers, layers * size // 2)

    def test_the_xray_of_14_gb_of_pytorch_moves_less_than_2_mb(self):
        layers = 3000
        size = FOURTEEN_GB // layers // 16 * 16
        shape = (size // 16, 4)
        pickler = Pickler({"epoch": 2, "global_step": 9000, "state_dict": {"layers.%d.weight" % at: Sparse(shape) for at in range(layers)}})
        members = [("archive/data.pkl", pickler.data)] + [("archive/data/%d" % at, size) for at in range(layers)] + [("archive/version", b"3\n")]
        write_sparse_zip(self.write("store/epoch_2.pt"), members)
        self.assertGreater(os.path.getsize(self.path("store/epoch_2.pt")), FOURTEEN_GB * 0.99)
        checkpoint = self.assert_small("epoch_2.pt", layers, layers * size // 4)
        self.assertEqual((checkpoint["step"], checkpoint["epoch"]), (9000, 2))

    def assert_small(self, name, tensors, parameters):
        answer = self.look(name, max_tensors=3)
        xray, checkpoint = answer["xray"], answer["checkpoint"]
        self.assertEqual((checkpoint["state"], checkpoint["state_detail"]), ("complete", None))
        self.assertEqual((xray["tensor_count"], xray["parameter_count"], len(xray["tensors"]), xray["tensors_left_out"]), (tensors, parameters, 3, tensors - 3))
        self.assertEqual(answer["bytes_read"], self.server.sent)
        self.assertLess(self.server.sent, 2000000)
        if os.environ.get("SHOW"):
            print(name, self.server.sent, "bytes in", len(self.server.requests), "requests")
        return checkpoint


class Sparse(T):
    """A tensor of which only the size is written."""

    def __init__(self, shape):
        super().__init__("F32", shape, b"")
        self.data = range(shape[0] * shape[1] * 4)


def write_sparse_zip(path, members):
    """(name, content, or how many bytes of nothing): stored, with the directory of a zip64 at the end."""
    directory = b""
    with open(path, "r+b") as file:
        for name, content in members:
            at, size = file.tell(), content if isinstance(content, int) else len(content)
            crc = 0 if isinstance(content, int) else zipfile.crc32(content)
            extra = struct.pack("<HHQQQ", 1, 24, size, size, at)
            file.write(struct.pack("<4s5H3L2H", b"PK\3\4", 45, 0, 0, 0, 0, crc, size, size, len(name), 0) + name.encode())
            directory += struct.pack("<4s6H3L5H2L", b"PK\1\2", 45, 45, 0, 0, 0, 0, crc, 0xFFFFFFFF, 0xFFFFFFFF, len(name), len(extra), 0, 0, 0, 0, 0xFFFFFFFF)
            directory += name.encode() + extra
            if isinstance(content, int):
                file.seek(size, 1)
            else:
                file.write(content)
        at = file.tell()
        file.write(directory)
        end = file.tell()
        file.write(struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, len(members), len(members), len(directory), at))
        file.write(struct.pack("<4sLQL", b"PK\6\7", 0, end, 1))
        file.write(struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0))


if __name__ == "__main__":
    unittest.main()
