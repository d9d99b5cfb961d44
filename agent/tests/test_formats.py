import json
import struct
import unittest
import zipfile

from runctl_agent.formats import judge, step_and_epoch_of_name

from .sample_checkpoints import LEGACY_TORCH, safetensors, zipped
from .temp_home import HomeTestCase


class Formats(HomeTestCase):
    def judged(self, name, content):
        return tuple(judge(self.write("c/" + name, content))[:5])

    def state(self, name, content):
        return self.judged(name, content)[0]

    def test_an_empty_file_is_corrupt_whatever_its_name(self):
        for name in ("a.pt", "a.json", "a.safetensors", "a.npz", "a.pkl"):
            self.assertEqual(self.state(name, b""), "corrupt")

    def test_json_is_parsed(self):
        self.assertEqual(self.judged("x.json", b'{"epoch": 3, "global_step": 1200, "loss": NaN}'), ("complete", None, "json", 1200, 3))
        self.assertEqual(self.judged("x.json", b'{"epoch": "4", "step": 7, "global_step": 8}')[3:], (7, 4))
        self.assertEqual(self.judged("x.json", b'{"epoch": true, "step": -1, "e": 1}')[3:], (None, None))
        self.assertEqual(self.judged("checkpoint_epoch_2.json", b"[1]")[3:], (None, 2))
        for cut in (b'{"epoch": 3, "w": [1, 2', b'{"epoch": 3, "nam', b'{"epoch":', b"{"):
            self.assertEqual(self.state("x.json", cut), "partial", cut)
        for broken in (b"{'epoch': 3}", b"\xff\xfe{}", b'{"a": 1} trailing', b"\0\0\0\0"):
            self.assertEqual(self.state("x.json", broken), "corrupt", broken)
        self.assertEqual(self.state("deep.json", b"[" * 100000 + b"]" * 100000), "corrupt")

    def test_safetensors_is_held_against_its_header(self):
        whole = safetensors({"step": "400", "epoch": "2"})
        self.assertEqual(self.judged("m.safetensors", whole), ("complete", None, "safetensors", 400, 2))
        for cut in range(1, len(whole)):
            self.assertEqual(self.state("m.safetensors", whole[:cut]), "partial", cut)
        for broken in (whole + b"x", safetensors(gap=2), struct.pack("<Q", 2) + b"[]",
                       struct.pack("<Q", 1 << 60) + b"{}", struct.pack("<Q", 3) + b"{x}",
                       struct.pack("<Q", 8) + b'{"a": 1}', struct.pack("<Q", 23) + b'{"__metadata__": "text"}'[:23]):
            self.assertEqual(self.state("m.safetensors", broken), "corrupt", broken)
        self.assertEqual(self.state("m.safetensors", struct.pack("<Q", 2) + b"{}"), "complete")

    def test_zip_formats_are_read_through(self):
        whole = zipped()
        torch = [(name, "torch-zip") for name in ("epoch_3.pt", "a.pth", "a.ckpt")]
        for name, kind in torch + [("a.npz", "npz"), ("a.keras", "keras")]:
            self.assertEqual(self.judged(name, whole)[:3], ("complete", None, kind))
        self.assertEqual(self.state("a.npz", zipped(method=zipfile.ZIP_DEFLATED)), "complete")
        for cut in (len(whole) - 1, len(whole) // 2, 10, 2):
            self.assertEqual(self.state("a.pt", whole[:cut]), "partial", cut)
        self.assertEqual(self.state("a.pt", zipped(names=())), "corrupt")

    def test_one_flipped_bit_in_a_member_is_found(self):
        for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            whole = bytearray(zipped(names=("one/data.pkl",), method=method))
            whole[60] ^= 1
            self.assertEqual(self.state("a.pt", bytes(whole)), "corrupt")

    def test_no_damage_to_a_file_raises(self):
        for name, whole in (("a.pt", zipped(content=b"0123456789")), ("a.safetensors", safetensors())):
            for at in range(len(whole)):
                for value in (0, 0x7F, 0xFF, whole[at] ^ 1):
                    damaged = whole[:at] + bytes([value]) + whole[at + 1:]
                    self.assertIn(self.state(name, damaged), ("complete", "corrupt", "partial", "unverified"), at)

    def test_what_cannot_be_checked_is_unverified(self):
        for name in ("old.pt", "old.pth", "old.ckpt", "pytorch_model.bin"):
            self.assertEqual(self.state(name, LEGACY_TORCH), "unverified")
        for name in ("a.pkl", "a.h5", "a.msgpack"):
            self.assertEqual(self.state(name, b"\x80\x04"), "unverified")
        self.assertEqual(self.state("a.npz", b"no zip"), "corrupt")
        self.assertEqual(self.state("a.pt", b"\0" * 100), "corrupt")

    def test_names_give_step_and_epoch(self):
        for name, expected in (
            ("epoch_3.pt", (None, 3)), ("checkpoint_epoch_1.json", (None, 1)), ("step-400.pt", (400, None)),
            ("checkpoint-400", (400, None)),
            ("epoch=3-step=1200.ckpt", (1200, 3)), ("global_step500", (500, None)), ("model-epoch12.pth", (None, 12)),
            ("ckpt_000100.pt", (100, None)),
            ("best.pt", (None, None)), ("timestep_3.pt", (None, None)), ("resnet50.pt", (None, None)),
            ("checkpoint_final.pt", (None, None)),
            ("step_" + "9" * 40, (None, None)), ("iter_50.pt", (50, None)),
        ):
            self.assertEqual(step_and_epoch_of_name(name), expected, name)


class Folders(HomeTestCase):
    name = "out/checkpoint-400"

    def fill(self, **files):
        for name, content in files.items():
            self.write(self.name + "/" + name.replace("__", "."), content)
        return tuple(judge(self.path(self.name))[:5])

    def test_a_transformers_checkpoint(self):
        whole = {"model__safetensors": safetensors(), "optimizer__pt": zipped(), "config__json": b"{}", "vocab__txt": b""}
        state = json.dumps({"epoch": 2.0, "global_step": 400})
        self.assertEqual(self.fill(trainer_state__json=state, **whole), ("complete", None, "folder", 400, 2))
        cut_off = "optimizer.pt: cut off: the zip file has no directory at its end"
        self.assertEqual(self.fill(optimizer__pt=zipped()[:-30])[:2], ("partial", cut_off))
        self.assertEqual(self.fill(optimizer__pt=b"")[0], "corrupt")

    def test_shards_are_those_of_the_index(self):
        index = json.dumps({"weight_map": {"w": "model-1.safetensors", "b": "model-2.safetensors"}})
        state = self.fill(**{"model__safetensors__index__json": index, "model-1__safetensors": safetensors()})
        self.assertEqual(state[:2], ("partial", "model-2.safetensors is not there, though model.safetensors.index.json lists it"))
        self.assertEqual(self.fill(**{"model-2__safetensors": safetensors()})[0], "complete")
        self.assertEqual(self.fill(**{"model-2__safetensors": safetensors() + b"x"})[0], "corrupt")

    def test_weights_may_be_in_folders_below(self):
        self.write(self.name + "/unet/diffusion.safetensors", safetensors())
        self.write(self.name + "/random_states_0.pkl", LEGACY_TORCH)
        self.assertEqual(judge(self.path(self.name)), ["complete", None, "folder", 400, None, {}])

    def test_a_folder_without_weights_is_not_complete(self):
        self.assertEqual(self.fill(trainer_state__json=b"{}")[0], "partial")
        self.assertEqual(self.fill(optimizer__pt=LEGACY_TORCH)[0], "unverified")

    def test_a_folder_of_an_unknown_format_is_unverified(self):
        self.assertEqual(self.fill(array__bin0=b"x", manifest=b"y")[0], "unverified")


if __name__ == "__main__":
    unittest.main()
