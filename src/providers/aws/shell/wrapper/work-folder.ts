/** Everything about a request but its guard lies in one folder. Its `output.gz` is also read from outside: see fetch-output.ts. */
export const WORK_FOLDER = `
# ---- Work folder ----------------------------------------------------------------------------------------------------
#   owner            which process runs the request, since which boot
#   input            standard input, where it is not piped
#   stdout, stderr   what the user's script prints, until it ends
#   output.gz        both, one behind the other
#   result           how it ended; whoever sees it can read output.gz
find_work_dir() {
  for place in $work_places; do
    if [ -O "$place/$request.d" ]; then
      work_dir=$place/$request.d
    fi
  done
}

free_kib() {
  df -Pk "$1" | tail -n 1 | tr -s " " | cut -d" " -f4
}

# Where there is plenty of room, else where there is a little.
make_work_dir() {
  for needed_kib in 20480 512; do
    for place in $work_places; do
      if own_place "$place" && [ "$(free_kib "$place")" -gt $needed_kib ] && mkdir "$place/$request.d"; then
        work_dir=$place/$request.d
        process_mark $$ >"$work_dir/owner"
        : >"$work_dir/output.gz"
        return
      fi
    done
  done
  return 1
}

# Lays down how the request ended. Moved into place, so that a second delivery never reads half of it.
finish() {
  echo "$*" >"$work_dir/result.new" && mv "$work_dir/result.new" "$work_dir/result"
}
`
