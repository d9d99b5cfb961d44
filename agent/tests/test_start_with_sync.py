import hashlib
import zlib

from tests.agent_case import AgentCase, side_by_side

load_tests = side_by_side


class StartWithSync(AgentCase):
    def sync(self, text, with_bytes):
        blob = text.encode()
        sha256 = hashlib.sha256(blob).hexdigest()
        pieces = [{"sha256": sha256, "size": len(blob), "offset": 0, "length": len(blob)}] if with_bytes else []
        entry = {"path": "train.py", "kind": "file", "mode": 0o644, "size": len(blob), "sha256": sha256}
        request = {
            "target": {"kind": "project", "name": "demo"}, "base": None, "tree": hashlib.sha256(sha256.encode()).hexdigest(),
            "manifest": [entry], "pieces": pieces,
        }
        return request, zlib.compress(blob) if with_bytes else b"", sha256

    def test_code_and_start_travel_together(self):
        self.project.rmdir()
        sync, attachment, _ = self.sync("print('synced')\n", True)
        answer = self.agent("start", self.request(sync=sync), attachment=attachment)
        self.assertEqual((answer["sync"]["applied"], answer["sync"]["files_written"]), (True, 1))
        run = self.wait_for(answer["run"]["run_id"])
        self.assertEqual(self.log(run["run_id"]), b"synced\n")

    def test_nothing_is_started_while_bytes_are_lacking(self):
        sync, _, sha256 = self.sync("print('synced')\n", False)
        request = self.request(sync=sync)
        answer = self.agent("start", request)
        self.assertEqual((answer["run"], answer["sync"]["need"]["blobs"]), (None, [sha256]))
        self.assertFalse(self.folder(request["run_id"]).exists())
        sync, attachment, _ = self.sync("print('synced')\n", True)
        answer = self.agent("start", dict(request, sync=sync), attachment=attachment)
        self.assertEqual(self.wait_for(request["run_id"])["reason"], "completed")

    def test_the_code_of_an_active_run_is_left_alone(self):
        self.start("import time\ntime.sleep(600)\n")
        sync, attachment, _ = self.sync("print('other')\n", True)
        error = self.agent("start", self.request(sync=sync), attachment=attachment)["error"]
        self.assertEqual(error["code"], "run_active")
        self.assertIn("sleep", (self.project / "train.py").read_text())
