"""Every format, damaged in every way that happens: told from the good one, or known to be told by its digest alone."""

import random
import unittest
import zipfile

from runctl_agent.formats import examine, judge, open_disk

from .sample_checkpoints import TRAINING, lightning, npz, safetensors_of, shard_index, torch_zip, zipped
from .temp_home import HomeTestCase

SEED = 20261130
BAD = ("corrupt", "partial")


def weights(size, seed=1):
    return bytes(random.Random(seed).choices(range(1, 256), k=size))


def samples():
    """{file name: content}"""
    return {
        "a.json": b'{"epoch": 3, "weights": [%s]}' % b", ".join(b"%d" % (at * 37) for at in range(300)),
        "a.safetensors": safetensors_of({"a": ("F32", [8, 64], weights(2048)), "b": ("U8", [3000], weights(3000, 2))}, {"step": "7"}),
        "a.pt": torch_zip(TRAINING),
        "last.ckpt": torch_zip(lightning()),
        "packed.pth": torch_zip(TRAINING, method=zipfile.ZIP_DEFLATED),
        "a.npz": npz({"w": ("<f4", (16, 8), weights(512)), "step": ("<i8", (), weights(8))}),
        "packed.npz": npz({"w": ("<f4", (16, 8), weights(512))}, zipfile.ZIP_DEFLATED),
        "a.keras": zipped(("config.json", "metadata.json", "model.weights.h5"), weights(900)),
    }


class Damage(HomeTestCase):
    def look(self, name, content):
        return examine(open_disk(self.write("c/" + name, content)), name, True, True)

    def each(self):
        rng = random.Random(SEED)
        for name, whole in samples().items():
            good = self.look(name, whole)
            self.assertEqual((good.state, good.detail), ("complete", None), name)
            yield name, whole, good, rng

    def test_cut_off_anywhere_it_is_not_complete(self):
        for name, whole, _, rng in self.each():
            for at in {1, 2, 7, 8, 9, len(whole) - 1, len(whole) // 2} | {rng.randrange(1, len(whole)) for _ in range(120)}:
                self.assertIn(self.look(name, whole[:at]).state, BAD, at)

    def test_empty_it_is_corrupt(self):
        for name, _, _, _ in self.each():
            self.assertEqual(self.look(name, b"").state, "corrupt")

    def test_full_of_zeros_from_anywhere_on_it_is_not_complete_or_has_another_digest(self):
        for name, whole, good, rng in self.each():
            for at in {0, 1, len(whole) - 1, len(whole) // 2} | {rng.randrange(len(whole)) for _ in range(120)}:
                damaged = whole[:at] + b"\0" * (len(whole) - at)
                if damaged != whole:
                    self.assert_told(name, damaged, good, at)

    def test_a_flipped_bit_is_found_or_changes_the_digest(self):
        for name, whole, good, rng in self.each():
            for _ in range(250):
                at, bit = rng.randrange(len(whole)), rng.randrange(8)
                self.assert_told(name, whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1:], good, at)

    def assert_told(self, name, damaged, good, at):
        found = self.look(name, damaged)
        self.assertNotEqual(found.sha256, good.sha256, at)
        # These have no checksum inside.
        if name.endswith((".safetensors", ".json")):
            return
        # Zip headers hold what nothing depends on: times, flags, versions.
        if found.state == "unverified":
            self.assertLess(at, 4)  # nothing is left by which it could be told that it was a zip file
        elif found.state not in BAD:
            self.assertEqual(found.facts, good.facts, "%s at %d" % (name, at))
            self.assertEqual([(one.name, one.dtype, one.shape, one.digest) for one in found.tensors or ()],
                             [(one.name, one.dtype, one.shape, one.digest) for one in good.tensors or ()], at)

    def test_every_byte_of_a_members_content_is_covered_by_its_checksum(self):
        for name in ("a.pt", "a.npz", "a.keras"):
            whole = samples()[name]
            with zipfile.ZipFile(self.write("c/" + name, whole)) as archive:
                members = [(one.header_offset + 30 + len(one.filename), one.file_size) for one in archive.infolist()]
            rng = random.Random(SEED)
            for start, size in members:
                for at in {start, start + size - 1} | {start + rng.randrange(size) for _ in range(20)}:
                    damaged = whole[:at] + bytes([whole[at] ^ 0x40]) + whole[at + 1:]
                    self.assertEqual(self.look(name, damaged).state, "corrupt", (name, at))

    def test_a_member_that_is_said_to_be_compressed_is_corrupt(self):
        whole = samples()["a.pt"]
        first = whole.index(b"PK\1\2")
        for method in (8, 12, 14, 93, 255):
            damaged = whole[:first + 10] + bytes([method]) + whole[first + 11:]
            self.assertEqual(self.look("a.pt", damaged).state, "corrupt", method)

    def test_a_directory_with_two_sizes_of_a_member_is_seen_without_reading_it(self):
        whole = samples()["a.keras"]
        entry = whole.index(b"PK\1\2")
        path = self.write("c/a.keras", whole[:entry + 24] + b"\x83" + whole[entry + 25:])
        found = examine(open_disk(path), "a.keras", False, False)
        self.assertEqual((found.state, found.detail), ("corrupt", "config.json has two sizes"))

    def test_half_of_an_upload_is_not_complete(self):
        # Parts that did not arrive are holes, or what was there before.
        for name, whole, good, rng in self.each():
            if name.endswith((".json", ".safetensors")):
                continue
            part = max(64, len(whole) // 7)
            for at in range(0, len(whole), part):
                damaged = whole[:at] + b"\0" * len(whole[at:at + part]) + whole[at + part:]
                if damaged == whole:
                    continue  # the last byte of a zip file is a zero
                self.assertIn(self.look(name, damaged).state, BAD, (name, at))

    def test_storages_that_lack_or_are_too_short_are_corrupt(self):
        self.assertIn("data/1", self.look("a.pt", torch_zip(TRAINING, without=["1"])).detail)
        found = self.look("a.pt", torch_zip(TRAINING, shorter=["0"]))
        self.assertEqual((found.state, found.detail), ("corrupt", "the storage data/0 has 47 of 48 bytes"))


class Torn(HomeTestCase):
    """A crash leaves a file of the right size whose last pages were never written."""

    def judged(self, whole):
        return judge(self.write("c/a.safetensors", whole))[:2]

    def sample(self, tail):
        return safetensors_of({"a": ("U8", [20000], weights(20000)), "b": ("U8", [9000], weights(9000, 2)), "z": ("U8", [len(tail)], tail)})

    def test_zeros_from_a_page_within_a_tensor_over_a_whole_further_one_are_a_tear(self):
        whole = self.sample(weights(5000, 3))
        for page in (4096, 8192, 16384):
            self.assertEqual(self.judged(whole[:page] + b"\0" * (len(whole) - page))[0], "corrupt", page)

    def test_tensors_of_zeros_are_no_tear_wherever_they_are(self):
        for tail in (b"\0" * 5000, b"\0" * 100000, b"", weights(100, 3) + b"\0" * 60000):
            self.assertEqual(self.judged(self.sample(tail)), ["complete", None])
        rows = safetensors_of({"a": ("U8", [30000], weights(9000) + b"\0" * 21000), "b": ("U8", [9000], b"\0" * 9000)})
        self.assertEqual(self.judged(rows), ["complete", None])
        zeros = {name: ("U8", [50000], b"\0" * 50000) for name in "abc"}
        self.assertEqual(self.judged(safetensors_of(zeros)), ["complete", None])
        padded = {"a": ("U8", [12280], weights(8192) + b"\0" * 4088)}
        self.assertEqual(self.judged(safetensors_of(padded, pad_to=4096)), ["complete", None])
        first_zero = safetensors_of({"a": ("U8", [4096], weights(4096)), "b": ("U8", [9000], b"\0" * 9000)}, pad_to=4096)
        self.assertEqual(self.judged(first_zero), ["complete", None])

    def test_a_tear_within_the_last_tensor_is_told_by_the_digest_alone(self):
        whole = self.sample(weights(50000, 3))
        torn = whole[:40960] + b"\0" * (len(whole) - 40960)
        self.assertEqual(self.judged(torn)[0], "complete")


class Shards(HomeTestCase):
    def setUp(self):
        super().setUp()
        self.names = {"w1": "model-1.safetensors", "b1": "model-1.safetensors", "w2": "model-2.safetensors"}
        self.put("model.safetensors.index.json", shard_index(self.names).encode())
        self.put("model-1.safetensors", safetensors_of({name: ("U8", [3], b"abc") for name in ("w1", "b1")}))
        self.put("model-2.safetensors", safetensors_of({"w2": ("U8", [3], b"abc")}))

    def put(self, name, content):
        self.write("c/checkpoint-5/" + name, content)

    def judged(self):
        return judge(self.path("c/checkpoint-5"))[:2]

    def test_every_tensor_of_the_index_must_be_in_its_shard(self):
        self.assertEqual(self.judged(), ["complete", None])
        self.put("model-2.safetensors", safetensors_of({"other": ("U8", [3], b"abc")}))
        self.assertEqual(self.judged(), ["partial", "w2 is not in model-2.safetensors, though model.safetensors.index.json says so"])

    def test_shards_of_pytorch_too(self):
        from .sample_checkpoints import T
        self.put("pytorch_model.bin.index.json", shard_index({"a.weight": "pytorch_model-1.bin", "a.bias": "pytorch_model-1.bin"}).encode())
        self.put("pytorch_model-1.bin", torch_zip({"a.weight": T("F32", (2,)), "a.bias": T("F32", (1,))}))
        self.assertEqual(self.judged(), ["complete", None])
        self.put("pytorch_model-1.bin", torch_zip({"a.weight": T("F32", (2,))}))
        self.assertEqual(self.judged()[0], "partial")

    def test_each_shard_damaged_makes_the_folder_bad(self):
        whole = safetensors_of({"w2": ("U8", [3], b"abc")})
        for damaged in (b"", whole[:-1], whole + b"x", whole[:4]):
            self.put("model-2.safetensors", damaged)
            self.assertIn(self.judged()[0], BAD)


if __name__ == "__main__":
    unittest.main()
