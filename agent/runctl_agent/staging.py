"""Blobs on their way: received piece by piece, named by their digest, used only after it was verified."""

import errno
import hashlib
import os
import shutil
import zlib

from .digests import BLOCK, sha256_of
from .entries import is_sha256, is_size
from .errors import AgentError


def _broken(why):
    return AgentError("platform_failed", "the bytes did not arrive whole: %s" % why)


class _Inflated:
    """The content of the one zlib stream, in little memory."""

    def __init__(self, stream):
        self._read = getattr(stream, "read1", stream.read)
        self._zlib = zlib.decompressobj()

    def read(self, most):
        """1 to `most` bytes; none at the stream's end."""
        while not self._zlib.eof:
            data = self._zlib.unconsumed_tail or self._read(1 << 16)
            try:
                content = self._zlib.decompress(data, most)
            except zlib.error as error:
                raise _broken(error)
            if content:
                return content
            if not data and not self._zlib.eof:
                raise _broken("the stream is cut off")
        return b""


class Staging:
    """`pieces` are the request's; anything wrong with them is told before a byte is read."""

    def __init__(self, folder, pieces):
        for piece in pieces:
            numbers = [piece["size"], piece["offset"], piece["length"]]
            if not is_sha256(piece["sha256"]) or not all(map(is_size, numbers)) or piece["offset"] + piece["length"] > piece["size"]:
                raise AgentError("bad_input", "not a piece of a blob: %r" % (piece,))
        self.folder, self.pieces = folder, pieces

    def path(self, sha256):
        return os.path.join(self.folder, sha256)

    def skip(self, stream):
        """Takes the bytes from a sender who need not have sent them, lest the pipe breaks."""
        inflated = _Inflated(stream)
        while self.pieces and inflated.read(BLOCK):
            pass

    def receive(self, stream):
        if not self.pieces:
            return
        os.makedirs(self.folder, exist_ok=True)
        inflated = _Inflated(stream)
        for piece in self.pieces:
            self._receive(piece, inflated)
        if inflated.read(1):
            raise AgentError("bad_input", "more bytes came than the pieces have")

    def _receive(self, piece, inflated):
        part, left, digest = self.path(piece["sha256"]) + ".part", piece["length"], hashlib.sha256()
        known = os.path.exists(self.path(piece["sha256"]))
        with open(os.devnull if known else part, "r+b" if known or os.path.exists(part) else "w+b") as file:
            file.seek(piece["offset"])
            while left:
                content = inflated.read(min(left, BLOCK))
                if not content:
                    raise _broken("the stream is shorter than the pieces")
                left -= len(content)
                digest.update(content)
                file.write(content)
        if not known and piece["length"] == piece["size"]:
            self._verified(piece["sha256"], digest.hexdigest())
        elif not known and piece["offset"] + piece["length"] == piece["size"]:
            # Not thrown away if it is wrong yet: an earlier piece may still come.
            self._verified(piece["sha256"], sha256_of(part), throw_away=False)

    def _verified(self, sha256, found, throw_away=True):
        part = self.path(sha256) + ".part"
        if found == sha256:
            os.replace(part, self.path(sha256))
        elif throw_away:
            os.unlink(part)
        return found == sha256

    def has(self, sha256, size):
        """Whether the whole blob is here; what has its length but not its digest is thrown away."""
        if os.path.exists(self.path(sha256)):
            return True
        part = self.path(sha256) + ".part"
        try:
            return os.stat(part).st_size >= size and self._verified(sha256, sha256_of(part))
        except FileNotFoundError:
            return False

    def copy_in(self, sha256, path):
        """Makes a blob of a file of this instance; False if the file is another by now."""
        os.makedirs(self.folder, exist_ok=True)
        part, digest = self.path(sha256) + ".part", hashlib.sha256()
        try:
            source = open(path, "rb")
        except OSError:
            return False
        with source, open(part, "wb") as copy:
            for block in iter(lambda: source.read(BLOCK), b""):
                digest.update(block)
                copy.write(block)
        return self._verified(sha256, digest.hexdigest())

    def take(self, sha256, to, last):
        """Puts the blob at a path; its last user gets the file itself."""
        if last:
            try:
                return os.replace(self.path(sha256), to)
            except OSError as error:
                if error.errno != errno.EXDEV:
                    raise
        shutil.copyfile(self.path(sha256), to)

    def clear(self):
        shutil.rmtree(self.folder, ignore_errors=True)
