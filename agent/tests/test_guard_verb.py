"""The verb `guard`, and what a damaged file or a full disk does to limits. Clocks are turned by hand."""

import os
import subprocess
from unittest import mock

from runctl_agent import guard_limits, guard_state, guard_watch, jsonio
from runctl_agent.errors import AgentError
from tests.guard_case import GuardCase

PRICE = {"usd_per_hour": 2.0, "at_most_usd_per_hour": 2.0, "storage_usd_per_hour": None, "spot": None}


class Requests(GuardCase):
    def test_the_same_request_counts_once(self):
        self.verb(set={"max_seconds": 3600}, request_id="a")
        self.times.pass_by(600)
        self.verb(extend={"seconds": 100}, request_id="b")
        self.assertEqual(self.verb(extend={"seconds": 100}, request_id="b")["max_seconds"], 3700)
        self.assertEqual(self.verb(set={"max_seconds": 3600}, request_id="a")["max_seconds"], 3700)

    def test_nothing_to_extend_is_refused(self):
        with self.assertRaisesRegex(AgentError, "no limit in hours to extend"):
            self.verb(extend={"seconds": 60})
        self.verb(set={"max_seconds": 60})
        with self.assertRaisesRegex(AgentError, "no limit in dollars to extend"):
            self.verb(extend={"seconds": 60, "usd": 1})
        self.assertEqual(self.verb()["max_seconds"], 60)

    def test_what_is_no_number_is_refused(self):
        for value in ("1", -1, True, float("nan"), float("inf"), [1]):
            for request in ({"set": {"max_seconds": value}}, {"set": {"idle_s": value}}):
                with self.assertRaisesRegex(AgentError, "no value"):
                    self.verb(**request)

    def test_an_empty_request_only_tells(self):
        answer = self.verb(price=PRICE, overrun_s=5)
        self.assertEqual((answer["max_seconds"], answer["stops_at"], answer["put_off"]), (None, None, None))
        self.assertEqual(self.tree(".runctl"), ["limits.lock"])

    def test_limits_that_are_taken_away_leave_nothing_to_watch(self):
        self.verb(set={"max_seconds": 60, "idle_s": 60})
        self.go(30)
        self.verb(set={"max_seconds": None})
        self.assertEqual(self.watch_line(), "- 60\n")
        self.verb(set={"idle_s": None})
        self.assertEqual(self.watch_line(), "- -\n")
        self.assertEqual(self.go(9999), 0)
        self.assertEqual((self.json("limits.json"), self.json("limits.last.json")), (None, None))

    def test_install_runs_first_and_again_when_it_changed(self):
        count = "echo x >>%s" % self.path("installed")
        self.verb(set={"max_seconds": 60}, install=count)
        self.verb(set={"max_seconds": 600}, install=count)
        self.assertEqual(self.read("installed"), b"x\n")
        self.verb(install=count + " # newer")
        self.assertEqual(self.read("installed"), b"x\nx\n")

    def test_where_it_cannot_be_installed_nothing_is_set(self):
        with self.assertRaisesRegex(AgentError, "cannot be kept on this machine: sudo asks for a password"):
            self.verb(set={"max_seconds": 60}, install="echo sudo asks for a password >&2; exit 1")
        self.assertEqual((self.json("limits.json"), os.path.exists(self.path(".runctl/watch"))), (None, False))

    def test_what_it_leaves_running_is_not_waited_for(self):
        self.verb(set={"max_seconds": 60}, install="sleep 300 & echo $! >%s" % self.path("pid"))
        subprocess.run(["kill", self.read("pid").decode().strip()], check=True)

    def test_an_install_that_hangs_is_ended(self):
        with mock.patch("runctl_agent.guard.INSTALL_S", 0.2), self.assertRaisesRegex(AgentError, "within"):
            self.verb(set={"max_seconds": 60}, install="sleep 300")
        self.assertIsNone(self.json("limits.json"))


class Damage(GuardCase):
    def test_the_last_good_copy_holds_and_is_written_anew(self):
        self.verb(set={"max_seconds": 600})
        self.go(10)
        for damage in (b"", b"{", b"[]", b'{"set": 3}', b'{"set": {"max_seconds": "x"}}', None):
            if damage is None:
                os.unlink(self.path(".runctl/limits.json"))
            else:
                self.write(".runctl/limits.json", damage)
            self.assertEqual(self.verb()["max_seconds"], 600)
            self.assertIsNone(self.go(1))
            self.assertEqual(self.json("limits.json")["set"]["max_seconds"], 600)
        self.assertEqual(self.guard_log().count("cannot be read"), 1)

    def test_what_is_readable_is_kept(self):
        self.write(".runctl/limits.json", b'{"set": {"max_seconds": "?", "idle_s": 60}}')
        self.assertEqual(self.go(9999), 60)
        self.assertRegex(self.guard_log(), "no number for max_seconds")

    def test_without_both_what_the_watch_was_told_holds(self):
        self.verb(set={"max_seconds": 600, "idle_s": 900})
        self.signs = {"run"}
        self.go(10)
        for name in ("limits.json", "limits.last.json"):
            self.write(".runctl/" + name, b"\0")
        answer = self.verb()
        self.assertEqual((answer["max_seconds"], answer["idle_s"]), (600, 900))
        self.assertEqual(self.go(9999), 590)

    def test_what_is_used_is_known_by_a_copy(self):
        self.verb(set={"max_seconds": 6000})
        self.go(1000)
        self.boot("boot-2")
        self.write(".runctl/guard-state.json", b"\0\0")
        self.assertGreaterEqual(self.verb()["used_seconds"], 1000 - 60)

    def test_any_other_content_of_the_state_does_not_keep_the_machine_running(self):
        for content in (b"[]", b'{"boot": 1}', b'{"boot": "boot-1", "anchor": 7, "boot_s": 1, "before_s": 1, "wall": 1, "sign_s": "x", "stop": 4, "grace_s": []}',
                        b'{"boot": "boot-1", "anchor": 7, "boot_s": 1, "before_s": 1, "wall": 1, "stop": {"reason": "budget"}, "price": {}, "usd_per_hour": 1, "put_off": {}, "last_stop": {}}'):
            self.boot("boot-1")
            self.verb(set={"max_seconds": 100})
            self.write(".runctl/guard-state.json", content)
            self.write(".runctl/guard-state.last.json", content)
            self.assertEqual(self.verb()["put_off"], None)
            guard = guard_watch.Guard(self.times)
            with mock.patch.object(guard_watch.time, "sleep", self.times.pass_by):
                guard.work(5.0)
            self.assertEqual(self.json("power-off")["reason"], "budget", content)
            self.verb(set={"max_seconds": None})


class FullDisk(GuardCase):
    def test_it_counts_in_memory_and_powers_off_all_the_same(self):
        self.verb(set={"max_seconds": 600})
        self.go(1)
        full = OSError(28, "No space left on device")
        with mock.patch.object(guard_state, "write_json", side_effect=full), mock.patch.object(guard_watch, "write_json", side_effect=full):
            self.assertEqual(self.go(9999), 599)
        self.assertEqual(self.json("power-off")["reason"], "budget")
        self.assertEqual(self.guard_log().count("cannot be written down"), 1)

    def test_a_change_that_cannot_be_written_is_refused_whole(self):
        self.verb(set={"max_seconds": 600})
        with mock.patch.object(guard_limits, "write_json", side_effect=OSError(28, "No space left on device")), self.assertRaises(OSError):
            self.verb(extend={"seconds": 600})
        self.assertEqual(self.verb()["max_seconds"], 600)
        self.assertEqual(jsonio.read_json(self.path(".runctl/limits.last.json"))["set"]["max_seconds"], 600)
