"""A home folder of its own for each test."""

import os
import shutil
import tempfile
import unittest


class HomeTestCase(unittest.TestCase):
    def setUp(self):
        self.home = os.path.realpath(tempfile.mkdtemp(prefix="runctl-agent-"))
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)
        self.set_env(HOME=self.home, RUNCTL_INSTANCE_ID=None)

    def set_env(self, **values):
        for name, value in values.items():
            old = os.environ.get(name)
            self.addCleanup(self._put, name, old)
            self._put(name, value)

    @staticmethod
    def _put(name, value):
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value

    def path(self, *parts):
        return os.path.join(self.home, *parts)

    def write(self, path, content=b"", age_s=None):
        """A file below the home folder; `age_s` seconds old."""
        full = self.path(path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        if age_s is not None:
            self.make_older(path, age_s)
        return full

    def make_older(self, path, age_s):
        import time
        then = time.time() - age_s
        os.utime(self.path(path), (then, then))

    def read(self, path):
        with open(self.path(path), "rb") as file:
            return file.read()

    def tree(self, path):
        """All files and links below a folder, sorted."""
        found = []
        for at, folders, names in os.walk(self.path(path)):
            found += [os.path.relpath(os.path.join(at, name), self.path(path)) for name in names]
            found += [os.path.relpath(os.path.join(at, name), self.path(path)) for name in folders if os.path.islink(os.path.join(at, name))]
        return sorted(found)
