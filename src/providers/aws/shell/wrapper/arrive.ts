/** What the script is given, what it works with throughout, and how it speaks. */
export const ARRIVE = `
# ---- What arrives ---------------------------------------------------------------------------------------------------
# Set in front of this text, each by one assignment:
#   payload                        base64 of gzip of all there is: this text, the user's script, standard input
#   request_id, instance_id        instance_id is empty where the same command goes to several machines
#   time_limit_s, max_output_bytes what the user's script may take
#   script_at, script_bytes        where the user's script lies in the payload, counted from 1
#   input_at, input_bytes          where its standard input lies
#   input_url, input_sha256        where it lies instead, if it is too long for the payload; else empty
#   output_url                     where to put output that is too long for the answer; else empty
#   inline_output_bytes            how much of the packed output the answer holds
#   piped_input_bytes              longer input is laid into a file
#   transfer_program               Python that stands in for curl

umask 077
# A signal to the whole process group, by the user's script or by AWS, must not end the script that reports on it.
# It is caught and not ignored, because only that is not passed on: the user's script gets its signals as usual.
trap : HUP INT TERM

own_uid=$(id -u)
if [ -z "$instance_id" ]; then
  instance_id=\${AWS_SSM_INSTANCE_ID:-$(cat /var/lib/cloud/data/instance-id 2>/dev/null)}
fi
request=$request_id-$instance_id

# Guards lie on the disk, because a restart must not forget them.
guard_place=/var/lib/runctl/commands
# Work folders lie in memory if they can, so that what saves and stops works on a full disk.
work_places="/run/runctl /dev/shm/runctl-$own_uid $guard_place /tmp/runctl-$own_uid"
# Not made yet: no file can be below it.
work_dir=/dev/null

# Begins an answer: the work folder, "put" if the output was put to its URL, and what came of the script.
say() {
  echo "RUNCTL1 $*"
}

# payload_part OFFSET LENGTH
payload_part() {
  [ "$2" = 0 ] || printf %s "$payload" | base64 -d | gzip -dc | tail -c "+$1" | head -c "$2"
}

sha256() {
  if command -v sha256sum >/dev/null; then
    sha256sum
  else
    shasum -a 256
  fi | cut -c1-64
}

length_of() {
  # Some systems print blanks in front of the number.
  echo $(($(wc -c <"$1")))
}

# Makes a place, unless it is there. One that another user owns, or has laid a link for, is not used.
own_place() {
  mkdir -p "$1" && [ -O "$1" ] && [ ! -h "$1" ]
}
`
