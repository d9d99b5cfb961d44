/** A request runs once, however often it is delivered: the first takes it, the others wait for the first. */
export const CLAIM = `
# ---- Claim ----------------------------------------------------------------------------------------------------------
# Sets claim to "first", "again" or "impossible". Who creates the guard file owns the request. It is empty, so that it
# can be created on a full disk.
claim_request() {
  for place in $guard_place $work_places; do
    guard=$place/$request
    if [ -O "$guard" ]; then
      claim=again
      return
    fi
  done
  for place in $guard_place $work_places; do
    guard=$place/$request
    if own_place "$place"; then
      claim=first
      # In a shell of its own, because some end on a redirection that fails.
      (set -C; : >"$guard") && return
      claim=again
      [ -O "$guard" ] && return
    fi
  done
  claim=impossible
}

# Describes a process so that another one with the same number, or after a restart, is told from it.
process_mark() {
  echo "$1 $(cat /proc/sys/kernel/random/boot_id) $(cut -d" " -f22 "/proc/$1/stat")"
}

first_is_running() {
  read -r first_pid _ <"$work_dir/owner" &&
    [ "$(process_mark "$first_pid")" = "$(cat "$work_dir/owner")" ] &&
    kill -0 "$first_pid"
}

# Fails where the first delivery was killed, or the machine restarted under it: then nothing is run again, because nobody
# knows how far it got.
wait_for_first() {
  rounds_alone=0
  until find_work_dir; [ -f "$work_dir/result" ]; do
    if first_is_running; then
      rounds_alone=0
    else
      rounds_alone=$((rounds_alone + 1))
    fi
    # Between its guard and its work folder the first may take a while.
    patience=40
    if [ -f "$work_dir/owner" ]; then
      patience=4
    fi
    if [ "$rounds_alone" -gt "$patience" ]; then
      say - - interrupted
      return 1
    fi
    sleep .25 || sleep 1
  done
}
`
