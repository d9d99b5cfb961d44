"""Checkpoints as the common libraries write them, made without those libraries."""

import io
import json
import struct
import zipfile

CLASSES = {"F32": ("FloatStorage", 4), "F16": ("HalfStorage", 2), "BF16": ("BFloat16Storage", 2), "I64": ("LongStorage", 8), "U8": ("ByteStorage", 1)}


def safetensors(metadata=None, payload=b"\1" * 24, gap=0, names=("w", "b")):
    half = len(payload) // 2
    return safetensors_of(
        {names[0]: ("U8", [half], payload[:half]), names[1]: ("U8", [len(payload) - half - gap], b"\1" * gap + payload[half + gap:])},
        metadata, {names[1]: [half + gap, len(payload)]} if gap else {})


def safetensors_of(tensors, metadata=None, offsets=(), pad_to=1):
    """{name: (dtype, shape, bytes)}; `offsets` replace what is right."""
    header, at = {}, 0
    for name, (dtype, shape, data) in tensors.items():
        header[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [at, at + len(data)]}
        at += len(data)
    for name, wrong in dict(offsets).items():
        header[name]["data_offsets"] = wrong
    if metadata is not None:
        header["__metadata__"] = metadata
    text = json.dumps(header).encode()
    text += b" " * (-(8 + len(text)) % pad_to)
    return struct.pack("<Q", len(text)) + text + b"".join(data for _, _, data in tensors.values())


def zipped(names=("model/data.pkl", "model/data/0"), content=b"weights" * 1000, method=zipfile.ZIP_STORED):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name in names:
            archive.writestr(name, content)
    return packed.getvalue()


class T:
    """A tensor to be pickled as PyTorch does; several may lie in one storage."""

    def __init__(self, dtype, shape, data=None, key=None, offset=0, stride=None):
        self.dtype, self.shape, self.key, self.offset = dtype, tuple(shape), key, offset
        size = CLASSES[dtype][1]
        for length in shape:
            size *= length
        self.data = bytes((7 * at + size) % 251 + 1 for at in range(size)) if data is None else data
        strides, step = [], 1
        for length in reversed(self.shape):
            strides.append(step)
            step *= length
        self.stride = tuple(reversed(strides)) if stride is None else stride


class G:
    """A global."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class Call:
    """A function and its arguments, for REDUCE."""

    def __init__(self, function, *args):
        self.function, self.args = function, args


class Pickler:
    """Opcodes of protocol 2, and the storages by key."""

    def __init__(self, value):
        self.storages = {}
        self.data = b"\x80\x02" + self.of(value) + b"."

    def of(self, value):
        if value is None or isinstance(value, bool):
            return {None: b"N", True: b"\x88", False: b"\x89"}[value]
        if isinstance(value, int):
            return b"K" + bytes([value]) if 0 <= value < 256 else b"J" + struct.pack("<i", value)
        if isinstance(value, float):
            return b"G" + struct.pack(">d", value)
        if isinstance(value, str):
            text = value.encode()
            return b"X" + struct.pack("<I", len(text)) + text
        if isinstance(value, tuple):
            return b"(" + b"".join(map(self.of, value)) + b"t"
        if isinstance(value, list):
            return b"](" + b"".join(map(self.of, value)) + b"e"
        if isinstance(value, dict):
            return b"}(" + b"".join(self.of(key) + self.of(inside) for key, inside in value.items()) + b"u"
        if isinstance(value, G):
            return b"c" + value.module.encode() + b"\n" + value.name.encode() + b"\n"
        if isinstance(value, Call):
            return self.of(value.function) + self.of(tuple(value.args)) + b"R"
        if isinstance(value, T):
            return self.tensor(value)
        raise TypeError(value)

    def tensor(self, tensor):
        name, item = CLASSES[tensor.dtype]
        key = str(len(self.storages)) if tensor.key is None else tensor.key
        data = self.storages.setdefault(key, tensor.data)
        reference = self.of(("storage", G("torch", name), key, "cpu", len(data) // item)) + b"Q"
        hooks = Call(G("collections", "OrderedDict"))
        return (self.of(G("torch._utils", "_rebuild_tensor_v2")) + b"(" + reference + self.of(tensor.offset) + self.of(tensor.shape)
                + self.of(tensor.stride) + self.of(False) + self.of(hooks) + b"tR")


def torch_zip(value, root="archive", pickled=None, without=(), shorter=(), method=zipfile.ZIP_STORED):
    """As torch.save writes it. `pickled`: other bytes as data.pkl; storages may be left out, or lack their last byte."""
    pickler = Pickler(value)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        archive.writestr(root + "/data.pkl", pickler.data if pickled is None else pickled)
        archive.writestr(root + "/byteorder", "little")
        for key, data in pickler.storages.items():
            if key not in without:
                archive.writestr("%s/data/%s" % (root, key), data[:-1] if key in shorter else data)
        archive.writestr(root + "/version", "3\n")
    return packed.getvalue()


TRAINING = {
    "epoch": 3, "global_step": 1200, "val_loss": 0.25, "lr": 0.001,
    "model": {"layer.weight": T("F32", (4, 3)), "layer.bias": T("F16", (4,)), "steps": T("I64", ())},
    "optimizer": {"state": {0: {"exp_avg": T("F32", (4, 3))}}, "param_groups": [{"lr": 0.001, "params": [0]}]},
}


def lightning():
    score = T("F32", (), struct.pack("<f", 0.125))
    return {
        "epoch": 4, "global_step": 500, "pytorch-lightning_version": "2.4.0", "state_dict": {"net.weight": T("BF16", (2, 2))},
        "callbacks": {"ModelCheckpoint{'monitor': 'val_loss'}": {"best_model_score": score, "monitor": "val_loss"}},
        "optimizer_states": [{"state": {0: {"exp_avg": T("F32", (2, 2))}}, "param_groups": []}], "lr_schedulers": [],
    }


def npy(descr, shape, data):
    text = repr({"descr": descr, "fortran_order": False, "shape": tuple(shape)})
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + data


def npz(arrays, method=zipfile.ZIP_STORED):
    """{name: (descr, shape, bytes)}"""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name, array in arrays.items():
            archive.writestr(name + ".npy", npy(*array))
    return packed.getvalue()


def shard_index(tensors):
    """{tensor: file}"""
    return json.dumps({"metadata": {"total_size": 48}, "weight_map": tensors})


LEGACY_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."
