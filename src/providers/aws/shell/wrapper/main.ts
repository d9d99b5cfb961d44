/** The whole in order. */
export const MAIN = `
# ---- All of it ------------------------------------------------------------------------------------------------------
main() {
  claim_request
  if [ $claim = impossible ]; then
    say - - nospace
    return
  elif [ $claim = again ]; then
    wait_for_first || return
  elif ! make_work_dir; then
    # Nothing has run: a later delivery may try again.
    rm -f "$guard"
    say - - nospace
    return
  elif [ "$input_url" ] && ! fetch_input; then
    rm -f "$work_dir/input"
    finish noinput
  else
    # A pipe would hold up its writer, should the script not read.
    if [ -z "$input_url" ] && [ "$input_bytes" -gt "$piped_input_bytes" ]; then
      payload_part "$input_at" "$input_bytes" >"$work_dir/input"
    fi
    run_script
  fi
  show_result
  tidy
}

# Complaints go nowhere, but for those that are sent to 3.
main 3>&2 2>/dev/null
# The status of the user's script is in the answer: AWS takes some of them for a wish to restart the machine.
exit 0
`
