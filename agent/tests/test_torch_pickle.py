import collections
import os
import pickle
import unittest

from runctl_agent.formats import examine, judge, open_disk
from runctl_agent.torch_pickle import MAX_OPCODES, Content, Unreadable

from .sample_checkpoints import TRAINING, Call, G, Pickler, T, lightning, torch_zip
from .temp_home import HomeTestCase


def tensors(content):
    return {name: (view.dtype, view.shape) for name, view, _ in content.tensors}


class Reading(HomeTestCase):
    def test_names_dtypes_and_shapes_are_told_from_the_opcodes(self):
        content = Content(Pickler(TRAINING).data)
        self.assertEqual(tensors(content), {
            "model.layer.weight": ("F32", (4, 3)), "model.layer.bias": ("F16", (4,)), "model.steps": ("I64", ()),
            "optimizer.state.0.exp_avg": ("F32", (4, 3)),
        })
        self.assertEqual([name for name, _, mine in content.tensors if mine], ["optimizer.state.0.exp_avg"])
        self.assertTrue(content.has_optimizer)
        self.assertEqual(content.numbers(), {"epoch": 3, "global_step": 1200, "val_loss": 0.25, "lr": 0.001})

    def test_parameters_subclasses_and_later_dtypes(self):
        storage = ("storage", G("torch.storage", "UntypedStorage"), "0", "cuda:0", 6)

        class WithStorage(Pickler):
            def of(self, value):
                return super().of(storage) + b"Q" if value is storage else super().of(value)

        rebuild = G("torch._utils", "_rebuild_tensor_v3")
        tensor = Call(rebuild, storage, 0, (3,), (1,), False, Call(G("collections", "OrderedDict")), G("torch", "uint16"))
        value = {
            "a": tensor, "b": Call(G("torch._utils", "_rebuild_parameter"), T("F32", (2,)), True, None),
            "c": Call(G("torch._tensor", "_rebuild_from_type_v2"), G("torch._utils", "_rebuild_tensor_v3"), G("mine", "Sub"), tensor.args, {}),
        }
        content = Content(WithStorage(value).data)
        self.assertEqual(tensors(content), {"a": ("U16", (3,)), "b": ("F32", (2,)), "c": ("U16", (3,))})
        self.assertEqual(content.storages, {"0": 8})

    def test_every_protocol_of_python_is_read(self):
        value = collections.OrderedDict(
            epoch=2, loss=0.5, text="é" * 300, big=1 << 70, huge=1 << 9000, blob=b"x" * 300, flags=[True, None, False], pairs={(1, 2): {3, 4}},
            frozen=frozenset("ab"), negative=-70000, nested=[[[{}]]], raw=bytearray(b"abc"), error=ValueError("x"))
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            content = Content(pickle.dumps(value, protocol))
            self.assertEqual((content.numbers()["epoch"], content.numbers()["loss"]), (2, 0.5), protocol)

    def test_lightning_tells_its_best_score(self):
        path = self.write("c/last.ckpt", torch_zip(lightning()))
        self.assertEqual(judge(path), ["complete", None, "torch-zip", 500, 4, {"best_model_score": 0.125}])

    def test_a_figure_may_be_a_tensor_of_one_element(self):
        path = self.write("c/a.pt", torch_zip({"loss": T("BF16", (1,), b"\x00\x3f"), "grads": T("F32", (2,)), "metrics": {"f1": T("F16", (), b"\0\x38")}}))
        self.assertEqual(judge(path)[5], {"loss": 0.5, "f1": 0.5})

    def test_a_module_saved_whole_shows_its_tensors(self):
        module = Call(G("copyreg", "_reconstructor"), G("nn", "Linear"), G("builtins", "object"), None)
        data = Pickler(module).data[:-1] + Pickler({"_parameters": {"weight": T("F32", (2, 2))}}).data[2:-1] + b"b."
        self.assertEqual(tensors(Content(data)), {"_parameters.weight": ("F32", (2, 2))})


class Hostile(HomeTestCase):
    """A canary file would be there if anything had run."""

    def setUp(self):
        super().setUp()
        self.canary = self.path("canary")

    def look(self, pickled, **options):
        path = self.write("c/a.pt", torch_zip({}, pickled=pickled, **options))
        finding = examine(open_disk(path), "a.pt", True, True)
        self.assertFalse(os.path.exists(self.canary))
        self.assertIn(finding.state, ("complete", "corrupt", "partial", "unverified"))
        return finding

    def calls(self):
        command = "touch " + self.canary
        yield b"cos\nsystem\n(V%s\ntR." % command.encode()
        yield b"cposix\nsystem\n(V%s\ntR." % command.encode()
        yield b"(V%s\nios\nsystem\n." % command.encode()
        yield b"(cos\nsystem\nV%s\no." % command.encode()
        yield b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c" + bytes([len(command)]) + command.encode() + b"\x85R."
        yield b"\x80\x02cbuiltins\neval\n(Vopen(%r, 'w')\ntR." % self.canary
        yield b"\x80\x04cbuiltins\nopen\n(V%s\nVw\nt\x81." % self.canary.encode()
        yield b"\x80\x04cbuiltins\nopen\n(V%s\nVw\nt}\x92." % self.canary.encode()
        yield b"cbuiltins\nexec\n(Vimport os; os.mknod(%r)\ntR(db." % self.canary

        class Evil:
            def __reduce__(inner):
                return os.system, (command,)
        yield from (pickle.dumps({"state_dict": Evil()}, protocol) for protocol in range(6))

    def test_what_would_run_something_runs_nothing(self):
        seen = 0
        for pickled in self.calls():
            pickled = pickled if isinstance(pickled, bytes) else pickled.encode()
            self.assertEqual(self.look(pickled).state, "complete")
            seen += 1
        self.assertEqual(seen, 15)
        # The samples are what they are meant to be.
        pickle.loads(next(iter(self.calls())))
        self.assertTrue(os.path.exists(self.canary))

    def test_reading_ends_whatever_the_opcodes(self):
        bombs = {
            "deep lists": b"\x80\x02" + b"](" * 200000 + b"e" * 200000 + b".",
            "deep tuples": b")" + b"\x85" * 500000 + b".",
            "deep objects": b"cx\ny\n" + b")R(dbq\0" * 100000 + b".",
            "a list in itself": b"]q\0h\0a.",
            "a dict in itself": b"}q\0(Vx\nh\0u.",
            "lists of the same list": b"]q\0" + b"".join(b"](h%c" % at + b"h%c" % at * 9 + b"eq%c" % (at + 1) for at in range(200)) + b".",
            "a number of a million digits": b"I" + b"9" * 1000000 + b"\n.",
            "a long of many bytes": b"\x8b" + (1 << 20).to_bytes(4, "little") + b"\x7f" * (1 << 20) + b".",
            "a string longer than the file": b"\x8d" + (1 << 62).to_bytes(8, "little") + b"x.",
            "a memo index beyond reason": b"Nr\xff\xff\xff\xff.",
            "nothing to pop": b"0.", "no mark": b"t.", "an unknown memo": b"h\5.", "no end": b"N" * 1000, "nothing": b"", "text": b"weights" * 1000,
            "too many opcodes": b"N0" * MAX_OPCODES,
            "a tensor of impossible shape": b"ctorch._utils\n_rebuild_tensor_v2\n((Vstorage\nctorch\nFloatStorage\nV0\nVcpu\nK\1tQ"
                                            b"K\0(L99999999999999999999999L\ntL1L\ntR.",
        }
        for name, pickled in bombs.items():
            with self.subTest(name):
                self.look(pickled)

    def test_a_tensor_that_is_referred_to_from_everywhere_is_counted_once_a_name(self):
        one = {"w": T("F32", (2,))}
        finding = self.look(Pickler({"a": one, "b": [one] * 3}).data)
        self.assertEqual(finding.state, "corrupt")  # the storage is not in this file
        self.assertLessEqual(len(Content(Pickler({"a": one, "b": [one] * 3}).data).tensors), 4)

    def test_a_number_of_a_million_bytes_is_never_written_out(self):
        number = b"\x8b" + (1 << 20).to_bytes(4, "little") + b"\x7f" * (1 << 20)
        tensor = Pickler(T("F32", (2,))).data[2:-1]
        self.assertEqual([name for name, _, _ in Content(b"}(" + number + tensor + b"u.").tensors], ["?"])

    def test_what_is_no_pickle_is_said_to_be_none(self):
        for data in (b"", b"weights", b"\x80\x02", b"}(u", b"R."):
            with self.assertRaises(Unreadable):
                Content(data)

    def test_random_bytes_never_do_anything_but_end(self):
        import random
        rng = random.Random(4)
        whole = Pickler(TRAINING).data
        for _ in range(3000):
            damaged = bytearray(whole)
            for _ in range(rng.randint(1, 4)):
                damaged[rng.randrange(len(damaged))] = rng.randrange(256)
            try:
                Content(bytes(damaged)).numbers()
            except Unreadable:
                pass


if __name__ == "__main__":
    unittest.main()
