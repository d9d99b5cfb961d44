"""What counts as a sign of life, what is asked of EC2."""

import os
import stat
from unittest import mock

from runctl_agent import idleness, imds, paths, process_table, run_state
from tests.fake_s3 import FakeS3
from tests.guard_case import GuardCase
from tests.temp_home import HomeTestCase

RUN = "run-20261101-120000-abcdef01"
SPOT = {
    "usd_per_hour": 1.0, "at_most_usd_per_hour": 4.0, "storage_usd_per_hour": None, "spot": {"instance_type": "g5.xlarge", "zone": "eu-central-1a"}}


class Signs(HomeTestCase):
    def setUp(self):
        super().setUp()
        self.set_env(RUNCTL_BOOT_AT=None, PATH=self.path("bin") + ":" + os.environ["PATH"])
        self.table, self.states = [], {RUN: "running"}
        for patch in (
            mock.patch.object(process_table, "scan", lambda: self.table),
            mock.patch.multiple(
                run_state, all_ids=lambda: list(self.states), load=lambda run_id: {"run_id": run_id, "state": self.states[run_id]},
                look=lambda run: {"state": run["state"]}),
        ):
            patch.start()
            self.addCleanup(patch.stop)
        paths.run_dir(RUN).mkdir()
        self.write(".runctl/runs/%s/log" % RUN, b"step 1\n")
        self.signs = idleness.Signs()
        self.look()

    def look(self):
        return self.signs.look(True)

    def process(self, pid, ppid, name):
        self.table.append({"pid": pid, "ppid": ppid, "name": name, "run_id": None})

    def gpu(self, percent):
        path = self.write("bin/nvidia-smi", "#!/bin/sh\necho '0, NVIDIA A10G, %s, 100, 1000, 40'\n" % percent)
        os.chmod(path, stat.S_IRWXU)

    def test_a_loop_that_burns_the_processor_and_says_nothing_is_idle(self):
        self.gpu(5)
        self.assertEqual([self.look(), self.look()], [set(), set()])

    def test_a_byte_in_the_log(self):
        with open(self.path(".runctl/runs", RUN, "log"), "ab") as file:
            file.write(b".")
        self.assertEqual([self.look(), self.look()], [{"run"}, set()])

    def test_a_new_checkpoint(self):
        self.write(".runctl/runs/%s/checkpoints.json" % RUN, b'{"checkpoints": [{"path": "a.pt", "sha256": "1", "modified_at": "2026"}]}')
        self.assertEqual([self.look(), self.look()], [{"run"}, set()])
        self.write(".runctl/runs/%s/checkpoints.json" % RUN, b'{"checkpoints": [{"path": "a.pt", "sha256": "2", "modified_at": "2027"}]}')
        self.assertEqual([self.look(), self.look()], [{"run"}, set()])

    def test_a_run_that_has_ended_is_none(self):
        self.states[RUN] = "stopped"
        with open(self.path(".runctl/runs", RUN, "log"), "ab") as file:
            file.write(b".")
        self.assertEqual(self.look(), set())

    def test_a_gpu_that_works(self):
        self.gpu(6)
        self.assertEqual([self.look(), self.signs.look(False)], [{"gpu"}, set()])
        self.gpu("[N/A]")
        self.assertEqual(self.look(), set())

    def test_a_verb_that_came_by(self):
        self.write(".runctl/sign")
        self.assertEqual([self.look(), self.look()], [{"user"}, set()])
        os.utime(self.path(".runctl/sign"), (1, 1))  # whatever the clock says
        self.assertEqual([self.look(), self.look()], [{"user"}, set()])

    def test_an_upload_that_goes_on(self):
        self.write(".runctl/uploading/" + RUN)
        self.assertEqual(self.look(), {"upload"})
        self.write(".runctl/runs/%s/uploads.json" % RUN, b'{"pending": 2}')
        self.assertEqual([self.look(), self.look()], [{"upload"}, set()])
        self.write(".runctl/runs/%s/uploads.json" % RUN, b'{"pending": 1, "error": "refused"}')
        self.assertEqual(self.look(), set())

    def test_whoever_is_logged_in(self):
        self.process(1, 0, "systemd")
        self.process(10, 1, "sshd")
        self.process(20, 1, "tmux: server")
        self.process(21, 20, "bash")
        self.process(11, 10, "sshd-session")
        self.process(12, 11, "sshd-auth")
        self.assertEqual(self.look(), set(), "a connection that is nobody yet, and what a login left behind")
        self.process(13, 11, "bash")
        self.assertEqual(self.look(), {"user"})
        self.set_env(RUNCTL_BOOT_AT="2026-11-01T12:00:00.000Z")
        self.assertEqual(self.look(), set(), "on a machine that is not the instance's alone")

    def test_a_session_of_the_session_manager_and_a_console(self):
        self.process(30, 1, "ssm-session-wor")
        self.assertEqual(self.look(), {"user"})
        self.table = []
        self.process(40, 1, "login")
        self.assertEqual(self.look(), set())
        self.process(41, 40, "bash")
        self.assertEqual(self.look(), {"user"})

    def test_a_command_that_ssm_runs_is_no_login(self):
        self.process(50, 1, "ssm-document-wo")
        self.process(51, 50, "sh")
        self.assertEqual(self.look(), set())

    def test_the_names_are_those_of_real_programs(self):
        # The kernel keeps 15 characters of a name.
        self.assertEqual("ssm-session-worker"[:15], idleness.SESSION)


class Ec2(GuardCase):
    def setUp(self):
        super().setUp()
        self.world = FakeS3(self)
        self.set_env(**self.world.env)
        imds._token[:] = [None, 0.0]
        self.prices(1.0)

    def prices(self, *prices):
        self.world.spot_prices = [("2026-11-01T0%d:00:00.000Z" % number, "%.6f" % price) for number, price in enumerate(prices)]

    def tags(self):
        return self.world.tags.get("i-1", {})

    def set(self, **changes):
        return self.verb(**dict({"set": {"max_usd": 2}, "price": SPOT, "access": self.world.access}, **changes))

    def asked(self):
        return [one for one in self.world.ec2_calls if one["Action"] == "DescribeSpotPriceHistory"]

    def test_a_price_that_rises_under_a_cap_in_dollars(self):
        self.set()
        self.assertIsNone(self.go(3000, 5))
        self.prices(1.0, 3.0)
        self.assertIsNone(self.go(600, 5))
        answer = self.verb()
        self.assertEqual((answer["used_usd"], answer["stops_at"]), (1.0, answer["stops_at"]))
        self.assertAlmostEqual(float(self.go(9999, 1)), 1200, delta=5)
        self.assertEqual(len(self.asked()), 9)
        self.assertEqual({key: self.asked()[0][key] for key in ("InstanceType.1", "AvailabilityZone", "ProductDescription.1")},
                         {"InstanceType.1": "g5.xlarge", "AvailabilityZone": "eu-central-1a", "ProductDescription.1": "Linux/UNIX"})

    def test_a_price_that_falls_leaves_more_time(self):
        self.prices(1.0, 0.5)
        self.set()
        self.assertAlmostEqual(self.go(99999, 5), 4 * 3600, delta=10)

    def test_a_price_that_cannot_be_asked_for_is_the_highest_after_an_hour(self):
        self.world.refused.add("DescribeSpotPriceHistory")
        self.set()
        self.assertEqual(self.go(9999, 1), 3600 + 900)
        self.assertEqual((self.guard_log().count("UnauthorizedOperation"), self.guard_log().count("reckoning with $4.0 an hour at most")), (1, 1))

    def test_without_access_nothing_is_asked_and_no_tag_is_written(self):
        self.set(access=None)
        self.assertEqual(self.go(9999), 3600 + 900)
        self.assertEqual(self.world.ec2_calls, [])

    def test_the_last_word_is_in_the_tags(self):
        self.verb(set={"max_seconds": 60}, access=self.world.access)
        self.go(99)
        self.assertEqual(self.tags()["runctl:state-reason"], "budget")
        self.assertRegex(self.tags()["runctl:guard"], r"^stopped itself at 20\d\d-\d\d-\d\dT\d\d:\d\dZ: its limit of 1 min of running was reached; nothing ran$")

    def test_a_stop_that_is_put_off_is_in_the_tags_and_so_is_its_end(self):
        run_id = self.run_up(saves=lambda force: {"ok": False, "why": "the disk is full\n" + "x" * 300})
        self.verb(set={"max_seconds": 60}, overrun_s=600, access=self.world.access)
        self.go(65)
        self.assertRegex(self.tags()["runctl:guard"], r"^a stop is put off, until 20\S+Z at the latest: %s: the disk is full xxx+$" % run_id)
        self.assertEqual(len(self.tags()["runctl:guard"]), 256)
        count = len(self.world.ec2_calls)
        self.go(150)
        self.assertEqual(len(self.world.ec2_calls), count, "said once")
        self.verb(extend={"seconds": 900})
        self.go(1)
        self.assertRegex(self.tags()["runctl:guard"], "^a stop was called off at 20")

    def test_a_restart_that_is_used_up_says_so(self):
        self.verb(set={"max_seconds": 60}, access=self.world.access)
        self.go(99)
        self.boot("boot-2")
        self.go(1)
        self.assertRegex(self.tags()["runctl:guard"], "put off, until .*: it was started again with its limits used up")

    def test_a_role_that_may_not_write_tags_stops_the_machine_all_the_same(self):
        self.world.refused.add("CreateTags")
        self.verb(set={"max_seconds": 60}, access=self.world.access)
        self.assertEqual(self.go(99), 60)
        self.assertEqual(self.json("power-off")["reason"], "budget")
        self.assertRegex(self.guard_log(), "the tags cannot be written: EC2 answers 403 to CreateTags: UnauthorizedOperation")

    def test_so_does_a_machine_without_a_role(self):
        self.world.has_role = False
        self.verb(set={"max_seconds": 60}, access=self.world.access)
        self.assertEqual(self.go(99), 60)
