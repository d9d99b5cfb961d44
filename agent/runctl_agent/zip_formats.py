"""Zip files of PyTorch, numpy and Keras: the directory, the CRC of each member, and the tables that say which tensors there are."""

import errno
import hashlib
import re
import struct
import zipfile

from .errors import AgentError
from .finding import ITEM_BYTES, Finding, Tensor, count, metrics_of
from .sources import READ_BYTES, Cursor, Hashing
from .torch_pickle import Content, View

MAX_PICKLE_BYTES = 64 << 20
MAX_FIGURE_BYTES = 1 << 20
# The header of each array is read where it lies: over a network not of any number of them.
MAX_REMOTE_ARRAYS = 64
MAX_ARRAY_HEADER = 16 << 10

_DESCR = re.compile(r"'descr':\s*'([^']{1,32})'")
_SHAPE = re.compile(r"'shape':\s*\(([\d,\s]*)\)")
_NUMPY = {"b1": "BOOL", "f2": "F16", "f4": "F32", "f8": "F64", "c8": "C64", "c16": "C128"}
_NUMPY.update(("%s%d" % (kind.lower(), size), "%s%d" % (kind, 8 * size)) for kind in "IU" for size in (1, 2, 4, 8))
_FORMS = {"F64": "<d", "F32": "<f", "F16": "<e", "I64": "<q", "I32": "<i", "I16": "<h", "I8": "<b", "U8": "<B"}


class Broken(Exception):
    """The state and why."""


def judge_zip(source, kind, read_through, digests):
    """`read_through`: the CRC of every member is compared. `digests`: the SHA-256 of each tensor, too."""
    try:
        with zipfile.ZipFile(Cursor(source)) as archive:
            members = sorted(archive.infolist(), key=lambda member: member.header_offset)
            if not members:
                return Finding("corrupt", "the zip file holds nothing", kind)
            # zipfile does not compare: damage can hide a member behind the one before.
            end = source.read_at(source.size - 22, 22)
            if end[:4] == b"PK\5\6" and end[10:12] not in (b"\xff\xff", len(members).to_bytes(4, "little")[:2]):
                return Finding("corrupt", "the directory of the zip file lacks members", kind)
            if sum(member.compress_size for member in members) > source.size:
                return Finding("corrupt", "the members of the zip file overlap", kind)
            for member in members:
                if member.header_offset + member.compress_size > source.size:
                    return Finding("corrupt", "%s would end behind the end of the file" % member.filename, kind)
                if member.compress_type == zipfile.ZIP_STORED and member.compress_size != member.file_size:
                    return Finding("corrupt", "%s has two sizes" % member.filename, kind)
            finding, members_read = Finding("complete", None, kind), {}
            if kind == "torch-zip":
                _torch(archive, finding)
            elif kind == "npz" and (read_through or not source.is_remote or len(members) <= MAX_REMOTE_ARRAYS):
                _npz(archive, members, finding)
            for member in members if read_through else ():
                left, digest = member.file_size, hashlib.sha256()
                with archive.open(member) as content:
                    for block in iter(lambda: content.read(READ_BYTES), b""):
                        left -= len(block)
                        if digests:
                            digest.update(block)
                members_read[member.filename] = "sha256:" + digest.hexdigest()
                if left:
                    return Finding("corrupt", "%s lacks %d bytes" % (member.filename, left), kind)
            if digests:
                _digest_tensors(archive, finding, members_read)
            return finding
    except zipfile.BadZipFile as error:
        if "not a zip file" in str(error):
            return Finding("partial", "cut off: the zip file has no directory at its end", kind)
        return Finding("corrupt", str(error), kind)
    except Broken as error:
        return Finding("corrupt", str(error), kind)
    except AgentError:
        raise
    except OSError as error:
        # None: a decompressor's. EINVAL: an offset that cannot be.
        if error.errno not in (None, errno.EINVAL):
            raise
        return Finding("corrupt", "the zip file cannot be read: %s" % (error,), kind)
    except Exception as error:  # a damaged archive can make the module raise nearly anything
        return Finding("corrupt", "the zip file cannot be read: %s" % (error,), kind)


def _torch(archive, finding):
    """Fills in what data.pkl says; raises Broken where a storage that it needs is not there, or too short."""
    tables = [name for name in archive.namelist() if name == "data.pkl" or name.endswith("/data.pkl")]
    if len(tables) != 1 or archive.getinfo(tables[0]).file_size > MAX_PICKLE_BYTES:
        return
    data = archive.read(tables[0])
    try:
        content = Content(data)
        numbers = content.numbers()
    except Exception:  # whatever it is: the bytes are as they were written, and nothing is known of the tensors
        return
    root = tables[0][:-len("data.pkl")]
    sizes = {}
    for key, needed in content.storages.items():
        try:
            sizes[key] = archive.getinfo("%sdata/%s" % (root, key))
        except KeyError:
            raise Broken("the storage data/%s that data.pkl names is not in it" % key)
        if sizes[key].file_size < needed:
            raise Broken("the storage data/%s has %d of %d bytes" % (key, sizes[key].file_size, needed))
    finding.tensors, finding.has_optimizer = [], content.has_optimizer
    for name, view, mine in content.tensors:
        member = sizes[view.storage.key]
        whole = view.is_whole(member.file_size)
        tensor = Tensor(name, view.dtype, view.shape, count(view.shape) * view.item_bytes, "crc32:%08x" % member.CRC if whole else None,
                        view.storage.key, mine)
        tensor.view = member, None if whole else view
        finding.tensors.append(tensor)
    finding.facts = {}
    for name, value in numbers.items():
        if isinstance(value, View):
            value = _figure(archive, sizes[value.storage.key], value)
        finding.facts[name] = value
    finding.metrics = metrics_of(finding.facts)


def _figure(archive, member, view):
    """The number in a tensor of one element; None where that cannot be told cheaply."""
    form = "<f" if view.dtype == "BF16" else _FORMS.get(view.dtype)
    if form is None or member.file_size > MAX_FIGURE_BYTES:
        return None
    start = view.offset * view.item_bytes
    data = archive.read(member)[start:start + view.item_bytes]
    if view.dtype == "BF16":
        data = b"\0\0" + data
    return struct.unpack(form, data)[0] if len(data) == struct.calcsize(form) else None


def _digest_tensors(archive, finding, members_read):
    """The SHA-256 of the bytes of each tensor: of one that is a part of a storage only where it is dense."""
    for tensor in finding.tensors or ():
        member, view = tensor.view or (None, None)
        if member and not view:
            tensor.digest = members_read[member.filename]
        if not view or not View(view.dtype, view.shape, 0, view.stride, None).is_whole(tensor.size_bytes):
            continue
        digest, left = hashlib.sha256(), tensor.size_bytes
        with archive.open(member) as content:
            content.seek(view.offset * view.item_bytes)
            while left:
                block = content.read(min(left, READ_BYTES))
                if not block:
                    break
                digest.update(block)
                left -= len(block)
        tensor.digest = None if left else "sha256:" + digest.hexdigest()


def _npz(archive, members, finding):
    finding.tensors = []
    for member in members:
        if not member.filename.endswith(".npy"):
            continue
        name = member.filename[:-4]
        with archive.open(member) as content:
            start = content.read(12)
            if start[:6] != b"\x93NUMPY" or len(start) < 12:
                raise Broken("%s is no array" % member.filename)
            wide = start[6] >= 2
            length = int.from_bytes(start[8:12] if wide else start[8:10], "little")
            if length > MAX_ARRAY_HEADER:
                finding.tensors = None
                return
            header = (start[12 if wide else 10:] + content.read(length)).decode("latin1")
        descr, shape = _DESCR.search(header), _SHAPE.search(header)
        if shape is None:
            raise Broken("the header of %s is not valid" % member.filename)
        sizes = tuple(int(size[:19]) for size in shape.group(1).replace(",", " ").split())
        code = descr.group(1) if descr else "struct"
        dtype = _NUMPY.get(code.lstrip("<>|="), code)
        expected = count(sizes) * ITEM_BYTES[dtype] if dtype in ITEM_BYTES else None
        content_bytes = member.file_size - (12 if wide else 10) - length
        if expected is not None and expected != content_bytes:
            raise Broken("%s has %d of %d bytes" % (member.filename, content_bytes, expected))
        tensor = Tensor(name, dtype, sizes, content_bytes, "crc32:%08x" % member.CRC, None, "optim" in name.lower())
        finding.tensors.append(tensor)
    finding.has_optimizer = any(tensor.of_optimizer for tensor in finding.tensors)
