"""safetensors: the header against the size, and what a crash leaves in a file whose size is right."""

import hashlib
import json
import struct

from .finding import ITEM_BYTES, Finding, Tensor, count, is_shape, metrics_of_texts
from .sources import READ_BYTES

MAX_HEADER_BYTES = 100 << 20
PAGE_BYTES = 4096
KIND = "safetensors"


def judge_safetensors(source, read_through, digests):
    size = source.size
    if size < 8:
        return Finding("partial", "cut off: it ends in the length of the header", KIND)
    (length,) = struct.unpack("<Q", source.read_at(0, 8))
    if length > MAX_HEADER_BYTES:
        return Finding("corrupt", "the header cannot be %d bytes long" % length, KIND)
    if length > size - 8:
        return Finding("partial", "cut off: it ends in the header", KIND)
    try:
        header = json.loads(source.read_at(8, length).decode("utf-8"))
        facts = header.pop("__metadata__", None) or {}
        if not isinstance(facts, dict):
            raise TypeError("the metadata is no object")
        spans = sorted((*_span(tensor), name) for name, tensor in header.items())
        tensors = [_tensor(name, header[name], end - begin) for begin, end, name in spans]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        return Finding("corrupt", "the header is not valid: %s" % (error,), KIND)
    ends = [0] + [end for _, end, _ in spans]
    if any(begin != end or after < begin for end, (begin, after, _) in zip(ends, spans)):
        return Finding("corrupt", "the tensors overlap or leave a gap", KIND)
    base, expected = 8 + length, 8 + length + ends[-1]
    if size < expected:
        return Finding("partial", "cut off: %d of %d bytes" % (size, expected), KIND)
    if size > expected:
        return Finding("corrupt", "%d bytes follow the last tensor" % (size - expected), KIND)
    if _is_torn(source, [(base + begin, base + end) for begin, end, _ in spans], None if read_through else READ_BYTES):
        return Finding("corrupt", "it was torn by a crash: from the middle of a tensor on there are only zeros", KIND)
    for tensor, (begin, end, _) in zip(tensors, spans) if digests else ():
        tensor.digest = _digest(source, base + begin, base + end)
    optimizer = any(tensor.of_optimizer for tensor in tensors)
    return Finding("complete", None, KIND, facts, metrics_of_texts(facts), sorted(tensors, key=lambda tensor: tensor.name), optimizer)


def _span(tensor):
    begin, end = tensor["data_offsets"]
    if type(begin) is not int or type(end) is not int:
        raise TypeError("an offset is no number")
    return begin, end


def _tensor(name, told, size_bytes):
    dtype, shape = told["dtype"], told["shape"]
    if not isinstance(dtype, str) or not is_shape(shape):
        raise TypeError("%s has no dtype or no shape" % name)
    if dtype in ITEM_BYTES and count(shape) * ITEM_BYTES[dtype] != size_bytes:
        raise ValueError("%s has %d bytes, which is not what its shape needs" % (name, size_bytes))
    return Tensor(name, dtype, tuple(shape), size_bytes, None, None, "optim" in name.lower() or "exp_avg" in name)


def _is_torn(source, spans, most):
    """Whether the end was never written: zeros from a page's beginning in the midst of a tensor, over a whole further tensor, to the last byte.

    Zeros that begin where a tensor begins are that tensor's: biases, fresh optimizer states. `most` bytes are looked at, None: as many as it takes.
    """
    at = source.size
    floor = max(0, spans[0][0] if spans else 0, at - most if most else 0)
    if at - floor < PAGE_BYTES or source.read_at(at - PAGE_BYTES, PAGE_BYTES).strip(b"\0"):
        return False
    while at > floor:
        start = max(floor, at - READ_BYTES)
        left = source.read_at(start, at - start).rstrip(b"\0")
        if left:
            last = start + len(left)
            break
        at = start
    else:
        return False
    # What was written up to there is no row of zeros either: a figure may end in a few.
    page = -(-last // PAGE_BYTES) * PAGE_BYTES
    inside = [(begin, end) for begin, end in spans if begin < page < end]
    return page - last < 8 and bool(inside) and any(begin >= inside[0][1] and end > begin for begin, end in spans)


def _digest(source, begin, end):
    digest = hashlib.sha256()
    while begin < end:
        block = source.read_at(begin, min(READ_BYTES, end - begin))
        if not block:
            break
        digest.update(block)
        begin += len(block)
    return "sha256:" + digest.hexdigest()
