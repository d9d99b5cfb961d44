/** Ends a script that takes too long or prints too much. */
export const WATCH_LIMITS = `
# ---- Watch the limits -----------------------------------------------------------------------------------------------
# Runs beside the user's script, and answers in place of the rest where it has to end it: the process group that it kills
# holds the script, this wrapper and itself.
watch_limits() {
  # Its sleep outlives it for a moment and must hold no stream that AWS waits for.
  exec 3>&-
  seconds=0
  while sleep 1 >/dev/null 2>&1; do
    seconds=$((seconds + 1))
    limit=
    if [ $(($(length_of "$work_dir/stdout") + $(length_of "$work_dir/stderr"))) -gt "$max_output_bytes" ]; then
      limit=big
    elif [ "$seconds" -ge "$time_limit_s" ]; then
      limit=timeout
    fi
    if [ "$limit" ]; then
      rm -f "$work_dir/stdout" "$work_dir/stderr" "$work_dir/input"
      finish "$limit"
      say "$work_dir" - "$limit"
      kill -9 0
    fi
  done
}
`
