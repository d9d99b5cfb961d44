"""What the tests of sync share: requests in short, and a project folder of their own."""

import hashlib
import io
import zlib

from runctl_agent.errors import AgentError
from runctl_agent.sync import apply_sync

from .temp_home import HomeTestCase


def sha(content):
    return hashlib.sha256(content).hexdigest()


def file(path, content, mode=0o644):
    return {"path": path, "kind": "file", "mode": mode, "size": len(content), "sha256": sha(content)}


def link(path, target):
    return {"path": path, "kind": "symlink", "mode": 0o777, "size": 0, "target": target}


def pieces(*contents):
    return [{"sha256": sha(content), "size": len(content), "offset": 0, "length": len(content)} for content in contents]


class SyncTestCase(HomeTestCase):
    target = {"kind": "project", "name": "demo"}
    root = "projects/demo"

    def sync(self, tree, base=None, contents=(), target=None, **more):
        request = {"target": target or self.target, "base": base, "tree": tree, "pieces": pieces(*contents)}
        request.update(more)
        return apply_sync(request, io.BytesIO(zlib.compress(b"".join(contents))))

    def put(self, tree, files, links=()):
        """A whole state: {path: content}."""
        manifest = [file(path, content) for path, content in files.items()] + [link(*one) for one in links]
        return self.sync(tree, manifest=manifest, contents=list(dict.fromkeys(files.values())))

    def put_in_place(self, *args, **more):
        answer = self.put(*args, **more)
        self.assertTrue(answer["applied"], answer)
        return answer

    def refuses(self, code, *args, **more):
        with self.assertRaises(AgentError) as caught:
            self.sync(*args, **more)
        self.assertEqual(caught.exception.code, code, caught.exception.message)
        return caught.exception

    def full(self, path):
        return self.path(self.root, path)
