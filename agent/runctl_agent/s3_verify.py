"""Whether bytes are those of an object, as far as its ETag tells."""

import hashlib
import math
import re

from .digests import BLOCK
from .s3 import S3Error

# Of an upload in parts by the usual tools, where S3 does not tell.
PART_MIB = (8, 16, 5, 32, 64, 10, 15, 25, 50, 100, 128, 256, 512, 1024)
_PLAIN_ETAG, _PARTS_ETAG = re.compile(r"[0-9a-f]{32}\Z"), re.compile(r"[0-9a-f]{32}-(\d{1,5})\Z")


def how_verified(bucket, file, path):
    """How the content was proved (`md5`, `md5 of parts`, `empty`, `size`); None where it is another one.

    `file`: {key, size, etag, encrypted (by KMS: the ETag is then no digest)}.
    """
    if not file.size:
        return "empty"
    if _PLAIN_ETAG.match(file.etag) and not file.encrypted:
        return "md5" if _md5_of_parts(path, file.size, file.size)[1] == file.etag else None
    parts = _PARTS_ETAG.match(file.etag)
    if not parts or file.encrypted:
        return "size"
    told = _part_bytes(bucket, file.key)
    for part_bytes in [told] if told else [mib << 20 for mib in PART_MIB]:
        if math.ceil(file.size / part_bytes) == int(parts.group(1)) and _md5_of_parts(path, file.size, part_bytes)[0] == file.etag:
            return "md5 of parts"
    return None if told else "size"


def _part_bytes(bucket, key):
    """How long the first part of the upload was, if S3 tells."""
    try:
        headers = bucket.head(key, {"partNumber": 1})
    except S3Error:
        return None
    return int(headers.get("content-length") or 0) if headers and headers.get("x-amz-mp-parts-count") else None


def _md5_of_parts(path, size, part_bytes):
    """(`<md5 of the parts' md5>-N`, the md5 of the last part)."""
    digests, left = [], size
    with open(path, "rb") as file:
        while left > 0:
            part, rest = _md5(), min(part_bytes, left)
            left -= rest
            while rest:
                block = file.read(min(BLOCK, rest))
                if not block:
                    break
                part.update(block)
                rest -= len(block)
            digests.append(part.digest())
    whole = _md5()
    whole.update(b"".join(digests))
    return "%s-%d" % (whole.hexdigest(), len(digests)), digests[-1].hex()


def _md5():
    try:
        return hashlib.md5(usedforsecurity=False)
    except TypeError:
        return hashlib.md5()
