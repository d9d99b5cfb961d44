"""Checkpoints as the common libraries write them, made without those libraries."""

import io
import json
import struct
import zipfile


def safetensors(metadata=None, payload=b"\1" * 24, gap=0):
    half = len(payload) // 2
    header = {
        "w": {"dtype": "U8", "shape": [half], "data_offsets": [0, half]},
        "b": {"dtype": "U8", "shape": [len(payload) - half - gap], "data_offsets": [half + gap, len(payload)]},
    }
    if metadata is not None:
        header["__metadata__"] = metadata
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + payload


def zipped(names=("model/data.pkl", "model/data/0"), content=b"weights" * 1000, method=zipfile.ZIP_STORED):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name in names:
            archive.writestr(name, content)
    return packed.getvalue()


LEGACY_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."
