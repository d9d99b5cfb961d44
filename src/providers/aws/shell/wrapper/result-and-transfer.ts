/** `-o` or `-T` (as for curl), file, URL. */
export const TRANSFER_PROGRAM = `import sys, urllib.request
way, file, url = sys.argv[1:]
request = url
if way == "-T":
    request = urllib.request.Request(url, open(file, "rb").read(), method="PUT")
answer = urllib.request.urlopen(request, timeout=99).read()
if way == "-o":
    open(file, "wb").write(answer)
`

/** What the answer is made of, and what goes over the network. */
export const RESULT_AND_TRANSFER = `
# ---- Result and transfer --------------------------------------------------------------------------------------------
# transfer -o FILE URL fetches, transfer -T FILE URL puts. Curl reads the URL from its input: it is a secret, and
# everybody on the machine sees arguments.
transfer() {
  if command -v curl >/dev/null; then
    printf 'url="%s"\\n' "$3" | curl -sSf --retry 2 --connect-timeout 9 -m 300 "$1" "$2" -K - >/dev/null
  else
    python3 -c "$transfer_program" "$1" "$2" "$3"
  fi
}

# What went wrong with a transfer is told on the standard error that AWS keeps.
fetch_input() {
  transfer -o "$work_dir/input" "$input_url" 2>&3 && [ "$(sha256 <"$work_dir/input")" = "$input_sha256" ]
}

# A process that was left behind may still print: what counts is what was there at the end.
pack_output() {
  stdout_bytes=$(length_of "$work_dir/stdout")
  stderr_bytes=$(length_of "$work_dir/stderr")
  if [ $((stdout_bytes + stderr_bytes)) -gt "$max_output_bytes" ]; then
    result=big
  elif {
    head -c "$stdout_bytes" "$work_dir/stdout"
    head -c "$stderr_bytes" "$work_dir/stderr"
  } | gzip -nc >"$work_dir/output.gz"; then
    output_sha256=$(gzip -dc "$work_dir/output.gz" | sha256)
    result="done $exit_status $stdout_bytes $stderr_bytes $(length_of "$work_dir/output.gz") $output_sha256"
  else
    result=nospace
  fi
  rm -f "$work_dir/stdout" "$work_dir/stderr"
  finish "$result"
}

show_result() {
  uploaded=-
  if [ "$output_url" ] && [ "$(length_of "$work_dir/output.gz")" -gt "$inline_output_bytes" ] && transfer -T "$work_dir/output.gz" "$output_url"; then
    uploaded=put
  fi
  say "$work_dir" $uploaded "$(cat "$work_dir/result")"
  [ $uploaded = put ] || head -c "$inline_output_bytes" "$work_dir/output.gz" | base64
} 2>&3
`
