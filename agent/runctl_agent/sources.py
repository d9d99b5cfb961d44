"""Bytes that are judged, wherever they are. A source has `name`, `size`, `bytes_read` and `read_at(offset, count)`."""

import errno
import hashlib
import http.client
import os
import time
import urllib.parse

from .errors import AgentError

READ_BYTES = 1 << 20
# What a small read of an object fetches, and how far a reader who goes on in order is served ahead.
LEAST_FETCH_BYTES = 16 << 10
MOST_FETCH_BYTES = 8 << 20
KEPT_BYTES = 24 << 20
ATTEMPTS = 6
TIMEOUT_S = 30


class FileSource:
    def __init__(self, path):
        self.name = os.path.basename(path)
        self.place = {"path": path}
        self._handle = os.open(path, os.O_RDONLY)
        self.size = os.fstat(self._handle).st_size
        self.bytes_read = 0

    is_remote = False

    def count(self, more):
        self.bytes_read += more

    def read_at(self, offset, count):
        """At most `count` bytes, fewer only at the end."""
        parts = []
        while count > 0:
            part = os.pread(self._handle, min(count, 8 * READ_BYTES), offset)
            if not part:
                break
            parts.append(part)
            offset, count = offset + len(part), count - len(part)
        self.bytes_read += sum(map(len, parts))
        return b"".join(parts)

    def close(self):
        os.close(self._handle)


class HttpSource:
    """An object of known size behind a presigned URL. Raises AgentError where it cannot be read, or is not of that size."""

    is_remote = True

    def __init__(self, url, size, name, sleep=time.sleep):
        self.name, self.size, self.bytes_read = name, size, 0
        self.place = {"url": url, "size": size}
        self._url = urllib.parse.urlsplit(url)
        if self._url.scheme not in ("http", "https") or not self._url.hostname:
            raise AgentError("bad_input", "an object is read by http or https")
        self._sleep = sleep
        self._connection = None
        self._kept = []  # (offset, bytes), the last one read first
        self._next, self._ahead = -1, LEAST_FETCH_BYTES

    def count(self, more):
        self.bytes_read += more

    def read_at(self, offset, count):
        parts, count = [], min(count, self.size - offset)
        while count > 0:
            part = self._piece(offset, count)
            parts.append(part)
            offset, count = offset + len(part), count - len(part)
        return b"".join(parts)

    def close(self):
        if self._connection:
            self._connection.close()
        self._connection = None

    def _piece(self, offset, count):
        """The first of these bytes, as many as are at hand."""
        for at, (start, data) in enumerate(self._kept):
            if start <= offset < start + len(data):
                self._kept.insert(0, self._kept.pop(at))
                return data[offset - start:offset - start + count]
        self._ahead = min(self._ahead * 2, MOST_FETCH_BYTES) if offset == self._next else LEAST_FETCH_BYTES
        # Tables are often read from their end backwards: so from a round place on.
        start = offset if offset == self._next or count > LEAST_FETCH_BYTES else offset - offset % LEAST_FETCH_BYTES
        end = min(self.size, max(offset + min(count, MOST_FETCH_BYTES), start + self._ahead))
        data = self._fetch(start, end)
        self._next = end
        self._kept.insert(0, (start, data))
        while len(self._kept) > 1 and sum(len(data) for _, data in self._kept) > KEPT_BYTES:
            self._kept.pop()
        return data[offset - start:offset - start + count]

    def _fetch(self, start, end):
        why = None
        for attempt in range(ATTEMPTS):
            if attempt:
                self._sleep(min(5.0, 0.2 * 2 ** attempt))
            try:
                data = self._ask(start, end)
            except (OSError, http.client.HTTPException) as error:
                self.close()
                why = "%s: %s" % (type(error).__name__, error)
                continue
            if isinstance(data, bytes):
                return data
            self.close()
            why = data
        raise self._error("platform_failed", "could not be read in %d attempts: %s" % (ATTEMPTS, why))

    def _ask(self, start, end):
        """The bytes; a sentence where it is worth another attempt."""
        if self._connection is None:
            kind = http.client.HTTPSConnection if self._url.scheme == "https" else http.client.HTTPConnection
            self._connection = kind(self._url.hostname, self._url.port, timeout=TIMEOUT_S)
        target = (self._url.path or "/") + ("?" + self._url.query if self._url.query else "")
        self._connection.request("GET", target, headers={"Range": "bytes=%d-%d" % (start, end - 1), "Accept-Encoding": "identity"})
        answer = self._connection.getresponse()
        whole = start == 0 and end == self.size and answer.status == 200 and answer.headers.get("Content-Length") == str(self.size)
        if answer.status == 206 or whole:
            total = answer.headers.get("Content-Range", "/%d" % self.size).rpartition("/")[2]
            if total != str(self.size):
                self.close()
                raise self._error("verification_failed", "has %s bytes, not %d" % (total, self.size))
            data = answer.read(end - start)
            self.bytes_read += len(data)
            return data if len(data) == end - start else "the answer ended early"
        # Not its body: it may be the whole object.
        self.close()
        if answer.status == 416:
            raise self._error("verification_failed", "is shorter than %d bytes" % self.size)
        if answer.status == 200:
            raise self._error("platform_failed", "is served by something that knows no ranges")
        if answer.status >= 500 or answer.status == 429:
            return "status %d" % answer.status
        raise self._error("not_found" if answer.status == 404 else "platform_failed", "was refused with status %d" % answer.status)

    def _error(self, code, what):
        # Without the query, which is the right to read it.
        return AgentError(code, "%s://%s%s %s" % (self._url.scheme, self._url.netloc.rpartition("@")[2], self._url.path, what))


class Hashing:
    """A source that digests what is behind it, each byte once, while others read from it; best in order."""

    def __init__(self, source):
        self._source = source
        self.name, self.size, self.is_remote, self.place = source.name, source.size, source.is_remote, source.place
        self._digest, self._done = hashlib.sha256(), 0
        self.count = source.count

    def _go_on(self, end):
        while self._done < end:
            block = self._source.read_at(self._done, min(READ_BYTES, end - self._done))
            if not block:
                break
            self._digest.update(block)
            self._done += len(block)

    def read_at(self, offset, count):
        if self._done < offset < self._done + READ_BYTES:
            self._go_on(offset)
        data = self._source.read_at(offset, count)
        if offset <= self._done < offset + len(data):
            self._digest.update(data[self._done - offset:])
            self._done = offset + len(data)
        return data

    def sha256(self):
        self._go_on(self.size)
        return self._digest.hexdigest()


class Cursor:
    """A source as the file that zipfile wants."""

    def __init__(self, source):
        self._source, self._at = source, 0

    def seekable(self):
        return True

    def tell(self):
        return self._at

    def seek(self, offset, whence=0):
        at = offset + (0, self._at, self._source.size)[whence]
        if at < 0:
            raise OSError(errno.EINVAL, "a place before the beginning")
        self._at = at
        return at

    def read(self, count=-1):
        if count is None or count < 0:
            count = max(0, self._source.size - self._at)
        data = self._source.read_at(self._at, count)
        self._at += len(data)
        return data
