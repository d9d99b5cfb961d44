import base64
import os
import subprocess
import sys
import threading
import time
import unittest
import zlib

from runctl_agent import logs
from runctl_agent.errors import AgentError

from .fake_runs import FakeRuns
from .temp_home import HomeTestCase

RUN = "run-20260101-000000-aaaa"
AGENT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Logs(HomeTestCase):
    def setUp(self):
        super().setUp()
        self.runs = FakeRuns(self)
        self.runs.add(RUN)

    def log(self, content):
        return self.write(".runctl/runs/%s/log" % RUN, content)

    def ask(self, **request):
        answer = logs.logs(dict({"max_bytes": 1 << 20}, **request))
        data = zlib.decompress(base64.b64decode(answer["data"]))
        self.assertEqual(answer["next_offset"], answer["offset"] + len(data))
        return data, answer

    def test_reads_from_an_offset_up_to_a_limit(self):
        self.log(b"0123456789")
        data, answer = self.ask(run_id=RUN, offset=2, max_bytes=5)
        self.assertEqual((data, answer["next_offset"], answer["size"], answer["end"]), (b"23456", 7, 10, False))
        self.assertEqual(answer["run"]["run_id"], RUN)
        self.assertEqual(self.ask(offset=7)[0], b"789")
        self.assertEqual(self.ask(offset=10)[0], b"")

    def test_ends_only_when_the_run_has_and_all_was_read(self):
        self.log(b"0123456789")
        self.assertFalse(self.ask(offset=5)[1]["end"])
        self.runs.states[RUN] = "stopped"
        self.assertFalse(self.ask(offset=5, max_bytes=2)[1]["end"])
        self.assertTrue(self.ask(offset=5)[1]["end"])
        self.assertTrue(self.ask(offset=10)[1]["end"])

    def test_a_run_without_a_log_has_an_empty_one(self):
        data, answer = self.ask()
        self.assertEqual((data, answer["offset"], answer["size"], answer["end"]), (b"", 0, 0, False))

    def test_a_run_that_is_not_there_is_not_found(self):
        for request in ({"run_id": "run-20990101-000000-aaaa"}, {}):
            self.runs.runs.clear()
            with self.assertRaises(AgentError) as caught:
                self.ask(**request)
            self.assertEqual(caught.exception.code, "not_found")

    def test_a_log_that_was_cut_off_begins_again(self):
        self.log(b"new")
        data, answer = self.ask(offset=1000)
        self.assertEqual((data, answer["offset"]), (b"new", 0))

    def test_the_last_lines(self):
        self.log(b"one\ntwo\nthree\n")
        for lines, expected in ((1, b"three\n"), (2, b"two\nthree\n"), (3, b"one\ntwo\nthree\n"), (9, b"one\ntwo\nthree\n"), (0, b"")):
            data, answer = self.ask(tail_lines=lines)
            self.assertEqual((data, answer["next_offset"]), (expected, 14))
        self.assertEqual(self.ask()[0], b"one\ntwo\nthree\n")
        self.log(b"one\n\nno end")
        self.assertEqual([self.ask(tail_lines=lines)[0] for lines in (1, 2, 3)], [b"no end", b"\nno end", b"one\n\nno end"])
        self.log(b"\n\n\n")
        self.assertEqual(self.ask(tail_lines=2)[0], b"\n\n")

    def test_the_last_lines_across_blocks(self):
        lines = [b"line %d %s\n" % (number, b"x" * (number % 300)) for number in range(20000)]
        self.log(b"".join(lines))
        for count in (1, 10, 1000, 5000):
            self.assertEqual(self.ask(tail_lines=count)[0], b"".join(lines[-count:]))

    def test_a_line_longer_than_the_limit_gives_its_end(self):
        self.log(b"first\n" + b"x" * (50 << 20) + b"END\n")
        data, answer = self.ask(tail_lines=2, max_bytes=10000)
        self.assertEqual((len(data), data[-4:], answer["next_offset"]), (10000, b"END\n", answer["size"]))

    def test_no_character_is_cut_in_two(self):
        text = "añ☃😀" * 50
        whole = text.encode()
        self.log(whole)
        for limit in range(4, 12):
            offset, parts = 0, []
            while offset < len(whole):
                data, answer = self.ask(offset=offset, max_bytes=limit)
                self.assertTrue(0 < len(data) <= limit)
                parts.append(data.decode())
                offset = answer["next_offset"]
            self.assertEqual("".join(parts), text)
            self.ask(tail_lines=1, max_bytes=limit)[0].decode()

    def test_bytes_that_are_no_text_come_as_they_are(self):
        content = bytes(range(256)) * 3 + b"\x80" * 20 + b"\xff\xfe"
        self.log(content)
        offset, parts = 0, []
        while offset < len(content):
            data, answer = self.ask(offset=offset, max_bytes=5)
            parts.append(data)
            offset = answer["next_offset"]
        self.assertEqual(b"".join(parts), content)

    def test_a_character_of_which_half_is_written_waits_for_the_rest(self):
        self.log(b"ok \xe2\x98")
        self.assertEqual(self.ask(offset=0)[0], b"ok ")
        self.assertEqual(self.ask(offset=3, wait_s=0.15)[0], b"")
        self.log(b"ok \xe2\x98\x83")
        self.assertEqual(self.ask(offset=3)[0], b"\xe2\x98\x83")
        self.log(b"ok \xe2\x98")
        self.runs.states[RUN] = "stopped"
        self.assertEqual(self.ask(offset=3)[0], b"\xe2\x98")

    def after(self, seconds, action):
        timer = threading.Timer(seconds, action)
        timer.start()
        self.addCleanup(timer.join)

    def test_waits_for_the_first_new_byte(self):
        path = self.log(b"old")

        def grow():
            with open(path, "ab") as file:
                file.write(b"new")
        self.after(0.3, grow)
        started = time.monotonic()
        data, _ = self.ask(offset=3, wait_s=20)
        self.assertEqual(data, b"new")
        self.assertLess(time.monotonic() - started, 5)
        self.assertLess(self.runs.looked, 4)

    def test_waits_no_longer_than_the_run(self):
        self.log(b"old")

        def end():
            self.runs.states[RUN] = "stopped"
            self.write(".runctl/runs/%s/exit.json" % RUN, "{}")
        self.after(0.2, end)
        started = time.monotonic()
        self.assertTrue(self.ask(offset=3, wait_s=20)[1]["end"])
        self.assertLess(time.monotonic() - started, 5)

    def test_waits_no_longer_than_asked(self):
        self.log(b"old")
        started = time.monotonic()
        self.assertEqual(self.ask(offset=3, wait_s=0.3)[0], b"")
        self.assertTrue(0.25 < time.monotonic() - started < 5)

    def test_a_log_of_a_gigabyte_takes_little_memory(self):
        path = self.log(b"")
        os.truncate(path, 1 << 30)
        with open(path, "r+b") as file:
            file.seek((1 << 30) - 5)
            file.write(b"\nEND\n")
        script = (
            "import sys, types, resource; sys.path.insert(0, sys.argv[1]); import runctl_agent\n"
            "runs = types.ModuleType('runs'); runs.load = lambda run: {}; runs.status_of = lambda run: {'state': 'running'}\n"
            "runctl_agent.run_state = runs\n"
            "from runctl_agent.logs import logs\n"
            "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
            "logs({'run_id': sys.argv[2], 'max_bytes': 1 << 20, 'tail_lines': 100})\n"
            "logs({'run_id': sys.argv[2], 'max_bytes': 1 << 20, 'offset': 5})\n"
            "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
        )
        grown = int(subprocess.run([sys.executable, "-c", script, AGENT, RUN], stdout=subprocess.PIPE, check=True).stdout)
        unit = 1 if sys.platform == "darwin" else 1024
        self.assertLess(grown * unit, 16 << 20)
        self.assertEqual(self.ask(tail_lines=1)[0], b"END\n")


if __name__ == "__main__":
    unittest.main()
