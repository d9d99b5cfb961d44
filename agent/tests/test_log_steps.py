import json
import os
import tempfile
import unittest
from pathlib import Path

from runctl_agent import resume_alarm
from runctl_agent.log_steps import step_and_epoch

CASES = Path(__file__).resolve().parent.parent.parent / "test" / "support" / "log-steps.json"


class LogSteps(unittest.TestCase):
    def test_each_case_is_read_as_it_should(self):
        cases = json.loads(CASES.read_text("utf-8"))
        self.assertGreater(len(cases), 50)
        for case in cases:
            self.assertEqual(step_and_epoch(case["line"]), (case["step"], case["epoch"]), case["line"])

    def test_a_long_line_costs_little(self):
        self.assertEqual(step_and_epoch("step " * 200000 + "7"), (None, None))


class Alarm(unittest.TestCase):
    def setUp(self):
        handle, self.path = tempfile.mkstemp()
        os.close(handle)
        self.addCleanup(os.unlink, self.path)

    def alarm(self, *lines, step=218, epoch=None, begin=0):
        with open(self.path, "wb") as file:
            file.write("\n".join(lines).encode())
        watch = resume_alarm.ResumeAlarm(self.path, begin, step, epoch)
        return watch.look(ended=True)

    def test_a_first_step_below_the_checkpoints_is_one(self):
        self.assertRegex(self.alarm("loading", "step 20 loss 0.4", "step 400"), "^the first step logged after the resume is 20, below the checkpoint's 218: ")
        self.assertRegex(self.alarm('{"step": 0}'), "is 0, below the checkpoint's 218")
        self.assertRegex(self.alarm("  1%|  | 1/1000 [00:01<10:00]"), "is 1, below")

    def test_one_at_or_above_it_is_none_and_what_follows_is_not_looked_at(self):
        self.assertIsNone(self.alarm("step 218", "step 1"))
        self.assertIsNone(self.alarm("step 219"))
        self.assertIsNone(self.alarm("resumed from x at epoch 2, step 218", "epoch 0", epoch=2))

    def test_a_count_within_an_epoch_is_none(self):
        self.assertIsNone(self.alarm("Epoch 4/10", "20/1000 [=====>...] - ETA: 1s"))
        self.assertIsNone(self.alarm("Epoch [4/10], Step [20/600]"))
        self.assertIsNone(self.alarm("Epoch 4 | Step 20", epoch=3))
        self.assertIsNone(self.alarm("Epoch 4 | Step 20"))
        self.assertIsNone(self.alarm("12/120 [00:01<00:10]"))
        self.assertIsNone(self.alarm("step 20/100"))

    def test_an_epoch_that_starts_over_is_one(self):
        self.assertRegex(self.alarm("Epoch 1/10", step=None, epoch=3), "the first epoch logged after the resume is 1, below the checkpoint's 3")
        self.assertRegex(self.alarm("Epoch 1 | Step 20", epoch=3), "is 20, below")
        self.assertIsNone(self.alarm("Epoch 3/10", step=None, epoch=3))

    def test_without_a_number_to_compare_with_there_is_none(self):
        self.assertIsNone(self.alarm("step 1", step=None))

    def test_only_what_the_script_wrote_counts_and_lines_may_come_in_pieces(self):
        self.assertIsNone(self.alarm("step 1", "step 300", begin=7))
        open(self.path, "wb").close()
        watch = resume_alarm.ResumeAlarm(self.path, 0, 218, None)
        for piece, expected in ((b"step 2", None), (b"50", None), (b" loss 1\n", None)):
            with open(self.path, "ab") as file:
                file.write(piece)
            self.assertEqual(watch.look(), expected)
        self.assertTrue(watch.is_over)

    def test_what_never_says_a_step_is_not_read_for_ever(self):
        with open(self.path, "wb") as file:
            file.write(b"x" * 100 + b"\n")
            file.write(b"nothing here\n" * 200000 + b"step 1\n")
        watch = resume_alarm.ResumeAlarm(self.path, 0, 218, None)
        self.assertIsNone(watch.look())
        self.assertTrue(watch.is_over)
