"""Limits on a machine with clocks that are turned by hand."""

from unittest import mock

from runctl_agent import clock, guard_state, uploads
from runctl_agent.errors import AgentError
from tests.guard_case import GuardCase

PRICE = {"usd_per_hour": 2.0, "at_most_usd_per_hour": 2.0, "storage_usd_per_hour": None, "spot": None}
REFUSES = {"ok": False, "why": "the script saved no complete checkpoint"}


class Hours(GuardCase):
    def test_it_stops_at_the_second_with_a_save(self):
        self.times.pass_by(100)
        run_id = self.run_up()
        answer = self.verb(set={"max_seconds": 3600})
        self.assertEqual((answer["max_seconds"], answer["used_seconds"], answer["stops_because"]), (3700, 100, "hours"))
        self.assertEqual(answer["stops_at"], clock.iso(self.times.wall + 3600))
        self.assertEqual(self.go(3599), None)
        self.assertEqual((self.runs.asked, self.json("power-off")), ([], None))
        self.assertEqual(self.go(9), 1)
        self.assertEqual([(one[0], one[3], one[4]) for one in self.runs.asked], [(run_id, "budget", False)])
        asked = self.json("power-off")
        self.assertEqual((asked["reason"], asked["detail"]), ("budget", "its limit of 1.03 h of running was reached; saved: checkpoints/step_9.json"))
        self.assertEqual(self.verb()["last_stop"], {"at": asked["at"], "reason": "budget", "detail": asked["detail"]})

    def test_an_extension_in_the_last_minute_comes_in_time(self):
        self.verb(set={"max_seconds": 3600})
        self.assertIsNone(self.go(3580))
        self.assertEqual(self.verb(extend={"seconds": 7200})["max_seconds"], 10800)
        self.assertIsNone(self.go(7215))
        self.assertEqual(self.go(100), 5)

    def test_set_again_it_counts_from_now(self):
        self.verb(set={"max_seconds": 3600})
        self.go(1800)
        self.assertEqual(self.verb(set={"max_seconds": 3600})["max_seconds"], 5400)
        self.assertEqual(self.verb(set={"max_seconds": 60}, only_unset=True)["max_seconds"], 5400)
        self.assertEqual(self.go(9999), 3600)

    def test_no_clock_on_the_wall_changes_anything(self):
        self.verb(set={"max_seconds": 3600, "max_usd": 100, "idle_s": 3500}, price=dict(PRICE, storage_usd_per_hour=1.0))
        self.signs = {"run"}
        for jump_s in (86400, -86400, -86400, 86400):
            self.assertIsNone(self.go(600))
            self.times.wall += jump_s
        answer = self.verb()
        self.assertEqual((answer["used_seconds"], answer["used_usd"], answer["idle_since"]), (2400, 2.0, None))
        self.assertEqual(self.go(9999), 1200)

    def test_a_jump_before_the_guard_has_written_anything_counts_from_what_the_platform_says(self):
        self.times.wall -= 86400  # the boot then lies in the future
        self.assertEqual(self.verb(set={"max_seconds": 60})["used_seconds"], 0)

    def test_no_second_is_lost_to_a_kill(self):
        self.verb(set={"max_seconds": 3600})
        passed = 0
        for part in (7, 100, 1234, 3):
            self.assertIsNone(self.go(part))
            self.kill_guard()
            self.times.pass_by(50)
            passed += part + 50
        self.assertEqual(self.go(9999), 3600 - passed)

    def test_all_boots_count_and_the_time_between_does_not(self):
        self.verb(set={"max_seconds": 3600})
        self.go(1000)
        self.boot("boot-2", 5 * 86400)
        self.times.pass_by(30)  # until the agent comes
        self.assertEqual(self.verb()["used_seconds"], 1030)
        self.assertIsNone(self.go(1000))
        self.boot("boot-3")
        self.assertEqual(self.go(9999), 3600 - 2030)

    def test_what_the_platforms_watch_counted_while_nobody_came_counts(self):
        self.write("used", b"900\n")
        self.set_env(RUNCTL_BOOT_AT=None)
        with mock.patch.object(guard_state, "WATCH_USED", self.path("used")), mock.patch.object(guard_state, "_boot_age_s", lambda times: 40.0):
            self.assertEqual(self.verb(set={"max_seconds": 100})["used_seconds"], 900)

    def test_a_watch_that_was_set_up_late_is_told_in_its_own_seconds(self):
        self.write("used", b"5\n")
        self.set_env(RUNCTL_BOOT_AT=None)
        with mock.patch.object(guard_state, "WATCH_USED", self.path("used")), mock.patch.object(guard_state, "_boot_age_s", lambda times: 9000.0):
            self.verb(set={"max_seconds": 100})
        self.assertEqual(self.watch_line(), "1065 3600\n")

    def test_after_the_stop_a_restart_has_ten_minutes_to_be_given_more(self):
        self.verb(set={"max_seconds": 3600}, overrun_s=300)
        self.assertEqual(self.go(9999), 3600)
        # The platform's watch must not strike at once.
        self.assertGreaterEqual(int(self.watch_line().split()[0]), 3600 + 600)
        self.boot("boot-2", 100)
        self.times.pass_by(20)
        self.assertEqual(self.verb()["stops_at"], clock.iso(self.times.wall + 600), "told from the first call on")
        self.assertIsNone(self.go(500))
        self.assertIsNone(self.json("power-off"), "the old file is gone")
        answer = self.verb()
        self.assertEqual(answer["put_off"]["until"], answer["stops_at"])
        self.assertRegex(answer["put_off"]["why"], "used up; extend them")
        self.assertEqual(self.go(9999), 100)
        self.assertEqual(self.json("power-off")["reason"], "budget")
        self.boot("boot-3", 100)
        self.go(30)
        self.verb(extend={"seconds": 60})
        self.assertEqual(self.go(9999), 60, "what it was given is all it has, grace or not")
        self.boot("boot-4", 100)
        self.go(30)
        answer = self.verb(extend={"seconds": 3600})
        self.assertEqual(answer["max_seconds"], answer["used_seconds"] + 3600)
        self.assertIsNone(answer["put_off"])
        self.go(1)
        self.assertIsNone(self.verb()["put_off"])
        self.assertEqual(self.go(9999), 3600 - 1)

    def test_a_guard_that_comes_while_the_machine_goes_down_leaves_it_be(self):
        self.verb(set={"max_seconds": 60})
        self.go(99)
        before = self.json("power-off")
        self.times.pass_by(2)
        self.assertEqual((self.go(99), self.json("power-off")), (0, before))
        self.verb(extend={"seconds": 60})
        self.assertEqual((self.json("power-off"), self.go(99)), (None, 60))

    def test_limits_laid_down_by_the_platform_count_from_the_first_boot(self):
        self.write(".runctl/limits.json", b'{"set":{"max_seconds":7200,"max_usd":null,"idle_s":null},"overrun_s":60,"price":null,"access":null,"ends_as":"terminate"}')
        self.times.pass_by(7000)
        self.assertEqual(self.go(9999), 200)


class Dollars(GuardCase):
    def test_it_stops_when_they_are_used_up_disks_included(self):
        answer = self.verb(set={"max_usd": 1.25}, price=dict(PRICE, storage_usd_per_hour=0.5))
        self.assertEqual((answer["used_usd"], answer["stops_because"]), (0, "dollars"))
        self.assertEqual(self.watch_line(), "%d 3600\n" % (1800 + 900 + 60))
        self.assertEqual(self.go(9999), 1800)
        self.assertEqual(self.json("power-off")["detail"], "its limit of $1.25 was reached; nothing ran")

    def test_they_count_from_now(self):
        self.times.pass_by(3600)
        answer = self.verb(set={"max_usd": 1}, price=PRICE)
        self.assertEqual((answer["used_usd"], answer["max_usd"]), (2, 3))
        self.assertEqual(self.verb(extend={"usd": 2})["max_usd"], 5)

    def test_without_a_price_they_are_refused_and_nothing_is_set(self):
        for price in (None, dict(PRICE, usd_per_hour=None)):
            with self.assertRaisesRegex(AgentError, "not known"):
                self.verb(set={"max_usd": 1, "max_seconds": 60}, price=price)
        self.assertIsNone(self.json("limits.json"))

    def test_who_does_not_know_the_price_does_not_make_it_unknown(self):
        self.verb(set={"max_usd": 1}, price=PRICE)
        self.verb(set={"idle_s": 60}, price=dict(PRICE, usd_per_hour=None))
        self.assertEqual(self.json("limits.json")["price"], PRICE)

    def test_a_price_that_is_known_to_have_changed_counts_from_then_on(self):
        self.verb(set={"max_usd": 3}, price=PRICE)
        self.assertIsNone(self.go(3600))
        answer = self.verb(price=dict(PRICE, usd_per_hour=4.0, at_most_usd_per_hour=4.0))
        self.assertEqual((answer["used_usd"], answer["stops_at"]), (2, clock.iso(self.times.wall + 900)))
        self.assertEqual(self.go(9999), 900)

    def test_disks_are_paid_for_while_it_is_off_and_a_start_is_a_minute_at_least(self):
        self.verb(set={"max_usd": 100}, price=dict(PRICE, storage_usd_per_hour=0.36))
        self.go(36)
        self.boot("boot-2", 7200)
        self.go(0)
        self.assertAlmostEqual(self.verb()["used_usd"], 2.36 * 60 / 3600 + 0.72, delta=0.01)


class Idle(GuardCase):
    def test_it_stops_after_so_long_without_a_sign(self):
        run_id = self.run_up()
        self.verb(set={"idle_s": 600})
        self.signs = {"run"}
        self.assertIsNone(self.go(1000))
        self.signs = set()
        self.assertIsNone(self.go(100))
        answer = self.verb()
        self.assertEqual((answer["stops_at"], answer["idle_since"]), (None, clock.iso(self.times.wall - 110)))
        self.assertEqual(self.go(9999), 490)
        self.assertEqual([(one[0], one[3]) for one in self.runs.asked], [(run_id, "idle")])
        self.assertEqual(self.json("power-off")["reason"], "idle")

    def test_a_time_in_which_nobody_looked_is_no_idleness(self):
        self.verb(set={"idle_s": 600})
        self.go(500)
        self.kill_guard()
        self.times.pass_by(1000)
        self.assertEqual(self.go(9999), 600)

    def test_a_short_one_is_looked_at_often(self):
        self.verb(set={"idle_s": 8})
        self.signs = {"user"}
        self.assertIsNone(self.go(100))
        self.assertEqual(self.watch_line(), "- 8\n")

    def test_whoever_comes_calls_the_stop_off(self):
        run_id = self.run_up(saves=lambda force: None)
        self.verb(set={"idle_s": 600})
        self.assertIsNone(self.go(620))
        self.assertEqual(len(self.runs.asked), 1)
        self.signs = {"run"}  # what a script says that was asked to save is no sign
        self.assertIsNone(self.go(30))
        self.assertEqual(self.runs.taken_back, [])
        self.signs = {"user"}
        self.assertIsNone(self.go(30))
        self.assertEqual(self.runs.taken_back, [(run_id, self.runs.asked[0][1])])
        self.assertIsNone(self.go(5000))

    def test_a_run_that_goes_on_by_itself_after_a_refused_save_calls_it_off(self):
        self.run_up(saves=lambda force: REFUSES)
        self.verb(set={"idle_s": 600})
        self.assertIsNone(self.go(605))
        self.assertIsNotNone(self.verb()["put_off"])
        self.go(25)
        self.signs = {"run"}
        self.go(20)
        self.assertIsNone(self.verb()["put_off"])


class Refused(GuardCase):
    def setUp(self):
        super().setUp()
        self.run_id = self.run_up(saves=lambda force: REFUSES)
        self.verb(set={"max_seconds": 600}, overrun_s=600)

    def test_it_is_put_off_tried_again_and_forced_at_the_hard_limit(self):
        self.assertIsNone(self.go(600))
        answer = self.verb()
        self.assertEqual(answer["put_off"], {
            "since": clock.iso(self.times.wall), "until": clock.iso(self.times.wall + 600), "why": self.run_id + ": " + REFUSES["why"]})
        self.assertEqual((answer["stops_at"], self.json("power-off")), (answer["put_off"]["until"], None))
        self.assertEqual(self.go(9999), 600)
        self.assertEqual([one[4] for one in self.runs.asked], [False] * 10 + [True])
        self.assertEqual(self.json("power-off")["detail"], "its limit of 10 min of running was reached; ended by force: %s: %s" % (self.run_id, REFUSES["why"]))

    def test_it_stops_as_soon_as_something_good_is_saved(self):
        self.assertIsNone(self.go(650))
        self.runs.answers[self.run_id] = lambda force: {"ok": True, "checkpoint": {"path": "checkpoints/step_2.json"}}
        self.assertEqual(self.go(99), 10)
        self.assertRegex(self.json("power-off")["detail"], "saved: checkpoints/step_2.json")

    def test_more_time_calls_it_off(self):
        self.assertIsNone(self.go(630))
        self.verb(extend={"seconds": 1000})
        self.assertIsNone(self.go(990))
        self.assertEqual((len(self.runs.asked), self.verb()["put_off"]), (1, None))

    def test_a_kill_in_the_middle_changes_nothing(self):
        for _ in range(11):
            self.assertIsNone(self.go(100))
            self.kill_guard()
        self.assertEqual(self.go(9999), 100)
        self.assertEqual([one[4] for one in self.runs.asked], [False] * 10 + [True])

    def test_a_supervisor_that_never_answers_does_not_keep_the_machine(self):
        self.runs.answers[self.run_id] = lambda force: None
        self.assertIsNone(self.go(1090))
        self.assertRegex(self.verb()["put_off"]["why"], "no report")
        self.assertLessEqual(self.go(9999), 110 + 60)

    def test_a_run_that_is_started_meanwhile_is_saved_too(self):
        self.assertIsNone(self.go(610))
        other = self.run_up("run-20261101-120001-abcdef01", saves=lambda force: {"ok": True})
        self.assertIsNone(self.go(60))
        self.assertIn((other, "budget"), [(one[0], one[3]) for one in self.runs.asked])


class Uploads(GuardCase):
    def waits(self, **request):
        self.verb(set={"max_seconds": 600}, overrun_s=1200, **request)
        with mock.patch.multiple(uploads, marked=lambda: [self.run_id], lacking=lambda run, checkpoint, whole: {"why": "1 file", "failing": True}):
            with mock.patch.multiple("runctl_agent.run_state", load=lambda run_id: {}, ensure_uploader=lambda run_id: None):
                return self.go(9999)

    def setUp(self):
        super().setUp()
        self.run_id = self.run_up()

    def test_they_are_waited_for_ten_minutes_at_most(self):
        self.assertEqual(self.waits(), 1200)

    def test_where_the_disk_goes_with_the_machine_until_the_hard_limit(self):
        self.assertEqual(self.waits(ends_as="terminate"), 1800)
