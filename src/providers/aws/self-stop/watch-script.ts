import {CHOOSE_USER} from '../shell/wrapper/choose-user.js'
import {stripScript} from '../shell/wrapper/strip-script.js'

/** Where it lies on the instance: cloud-init runs what is there at each boot, as root, on Amazon Linux and Ubuntu alike. */
export const PER_BOOT_FOLDER = '/var/lib/cloud/scripts/per-boot'
export const WATCH_NAME = 'runctl-watch'

/**
 * The watch of an instance: POSIX sh with coreutils, run as root from every boot. It powers the machine off when the user's files say so, when the
 * machine has run long enough, or when nobody has looked after its limits for too long. It needs no agent, network or permission.
 *
 * RUNCTL_WATCH_ROOT stands before each path outside the user's home, RUNCTL_WATCH_TICK is the seconds between two looks, RUNCTL_WATCH_GRACE how many
 * seconds a later boot has before the hard limit applies: tests set them.
 * `shellcheck -s sh` has nothing to say about CHOOSE_USER and this, but that `user_name` is not used here.
 */
export const WATCH_SOURCE = `
set -f
PATH=\${PATH:-/usr/bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
root=\${RUNCTL_WATCH_ROOT:-}
tick=\${RUNCTL_WATCH_TICK:-5}
grace=\${RUNCTL_WATCH_GRACE:-900}
state=$root/var/lib/runctl
lock=$root/run/${WATCH_NAME}

# Goes on in the background: cloud-init waits for the end of what it starts.
if [ "\${1:-}" != watch ]; then
  apart='nohup'
  if command -v setsid >/dev/null; then
    apart='setsid'
  fi
  $apart sh "$0" watch </dev/null >/dev/null 2>&1 &
  exit 0
fi

# ---- Numbers --------------------------------------------------------------------------------------------------------
# Whole, and small enough for every shell's arithmetic. One that begins with 0 would be octal.
is_number() {
  case $1 in
    '' | *[!0-9]* | 0?* | ??????????*) return 1 ;;
  esac
}

# Seconds since the kernel began, which no setting of the clock changes.
read_uptime() {
  read -r uptime _ <"$root/proc/uptime" || return
  is_number "\${uptime%%.*}" && now=\${uptime%%.*}
}

# Since when it counts in this boot, on that scale: since process 1, because in a container the kernel is much older.
boot_began() {
  began=$now
  read -r process_line <"$root/proc/1/stat" || return
  # shellcheck disable=SC2086
  set -- \${process_line##*) }
  hundredths=\${20:-}
  case $hundredths in
    ? | ??) hundredths=000 ;;
  esac
  if is_number "\${hundredths%??}" && [ "\${hundredths%??}" -le "$now" ]; then
    began=\${hundredths%??}
  fi
}

# ---- What is kept over boots ----------------------------------------------------------------------------------------
#   used         seconds of running, all boots together; the uptime and the boot at which that was written
#   power-offs   when and why this has powered the machine off
load_used() {
  boot=$(cat "$root/proc/sys/kernel/random/boot_id")
  same_boot=
  before=0
  boot_began
  booted=$began
  if [ -f "$state/used" ] && read -r old_used old_now old_boot <"$state/used" && is_number "$old_used"; then
    before=$old_used
    if [ "$old_boot" = "$boot" ] && is_number "$old_now" && [ "$old_now" -le "$now" ]; then
      same_boot=yes
      began=$old_now
    fi
  fi
  # Whoever starts again what has run up its hours gets some time to give it more: it would be off before anybody could reach it.
  mercy=0
  at_boot=$((before + booted - began))
  if [ "$at_boot" -gt 0 ]; then
    mercy=$((at_boot + grace))
  fi
}

count() {
  read_uptime
  used=$((before + now - began))
}

# Moved into place, so that a power failure leaves one or the other. On a full disk the old one stays.
save_used() {
  unsaved=0
  mkdir -p "$state"
  echo "$used $now $boot" >"$state/used.new" && mv "$state/used.new" "$state/used"
}

# ---- The user's files -----------------------------------------------------------------------------------------------
# What was read last holds until something readable takes its place.
read_limits() {
  [ -f "$home/.runctl/watch" ] || return
  # shellcheck disable=SC2046
  set -- $(head -c 64 "$home/.runctl/watch" | head -n 1)
  if [ $# = 2 ] && { [ "$1" = - ] || is_number "$1"; } && { [ "$2" = - ] || is_number "$2"; }; then
    hard=$1
    unattended=$2
  fi
}

# Starts anew when the file is touched, and when limits change: whoever sets them is there.
look_for_guard() {
  sign="$hard $unattended $(stat -c %y "$home/.runctl/guard-alive")"
  if [ "$sign" != "$last_sign" ]; then
    if [ -n "$last_sign" ]; then
      quiet_since=$used
    fi
    last_sign=$sign
  fi
}

# ---- The end --------------------------------------------------------------------------------------------------------
power_off() {
  save_used
  if [ "$asked" = 0 ]; then
    echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) after $used s: $1" >>"$state/power-offs"
  fi
  asked=$((asked + 1))
  # What does not go down in peace in some minutes is switched off.
  if [ "$asked" -gt 40 ]; then
    poweroff -f
  else
    timeout 30 shutdown -h now || poweroff
  fi
}

look() {
  count
  read_limits
  look_for_guard
  if [ -e "$home/.runctl/power-off" ]; then
    power_off "asked for"
  elif [ "$hard" != - ] && [ "$used" -gt "$hard" ] && [ "$used" -ge "$mercy" ]; then
    power_off "more than $hard s"
  elif [ "$unattended" != - ] && [ $((used - quiet_since)) -gt "$unattended" ]; then
    power_off "nobody looked after the limits for $unattended s"
  fi
}

# ---- All of it ------------------------------------------------------------------------------------------------------
# Training that fills the memory does not take this with it.
echo -900 >/proc/$$/oom_score_adj

own_uid=$(id -u)
until read_uptime; do
  sleep "$tick"
done
# The last to start takes the place of all others, an older version's too; they see it and end.
me="$$ $now"
echo "$me" >"$lock"
load_used
count
trap 'count; save_used; exit 0' HUP INT TERM

home=
hard=-
unattended=-
last_sign=
quiet_since=$used
asked=0
save_used

while :; do
  if read -r owner <"$lock" && [ "$owner" != "$me" ]; then
    exit 0
  fi
  if [ -z "$home" ]; then
    choose_user
    if [ -d "$user_home" ]; then
      home=$user_home
      # It has done its work: the machine went down.
      if [ -z "$same_boot" ]; then
        rm -f "$home/.runctl/power-off"
      fi
    fi
  fi
  if [ -n "$home" ]; then
    look
  else
    count
  fi
  unsaved=$((unsaved + 1))
  if [ "$unsaved" -ge 12 ]; then
    save_used
  fi
  # Waited for, so that a signal is heeded at once.
  sleep "$tick" &
  wait $!
done
`

/** The file as it lies on the instance. */
export const WATCH = `#!/bin/sh\n# runctl: powers this machine off when its limits say so\n${stripScript(CHOOSE_USER)}${stripScript(WATCH_SOURCE)}`
