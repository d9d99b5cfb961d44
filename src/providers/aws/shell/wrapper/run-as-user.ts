import {CHOOSE_USER} from './choose-user.js'

/**
 * The script runs as the machine's normal user with a clean environment; where there is nobody to become, as it is.
 * It stays in the process group of this one, because that is what AWS kills on a cancel.
 */
export const RUN_AS_USER = `
# ---- Run as the user ------------------------------------------------------------------------------------------------
${CHOOSE_USER}# Becomes the user's script and never returns. Prints to files, so that a process which the script leaves behind holds no
# stream that AWS waits for.
# clean_start is for the shell that already runs as the user: it takes the values from its environment, and passes on no
# other.
# shellcheck disable=SC2016
become_script() {
  exec >>"$work_dir/stdout" 2>>"$work_dir/stderr" 3>&-
  if [ "$own_uid" != 0 ] || [ "$user_name" = root ]; then
    export HOME="$user_home" RUNCTL_INSTANCE_ID="$instance_id"
    exec /bin/sh -c -- "$user_script"
  fi
  export user_home user_name instance_id user_script
  clean_start='exec /usr/bin/env -i PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin'
  clean_start=$clean_start' HOME="$user_home" USER="$user_name" LOGNAME="$user_name" SHELL=/bin/sh LANG=C.UTF-8 TERM=dumb'
  clean_start=$clean_start' RUNCTL_INSTANCE_ID="$instance_id" /bin/sh -c -- "$user_script"'
  if command -v runuser >/dev/null; then
    exec runuser -u "$user_name" -- /bin/sh -c "$clean_start"
  elif command -v su >/dev/null; then
    exec su -s /bin/sh "$user_name" -c "$clean_start"
  else
    # sudo passes nothing on but what it is given.
    exec sudo -n -u "$user_name" user_home="$user_home" user_name="$user_name" instance_id="$instance_id" user_script="$user_script" /bin/sh -c "$clean_start"
  fi
}

run_script() {
  choose_user
  user_script=$(payload_part "$script_at" "$script_bytes")
  : >"$work_dir/stdout"
  : >"$work_dir/stderr"
  # A script may open /dev/stdout again, as the user that it is.
  chown "$user_name" "$work_dir/stdout" "$work_dir/stderr"
  watch_limits &
  watcher=$!
  (
    umask 022
    cd "$user_home" || cd /
    if [ -f "$work_dir/input" ]; then
      exec <"$work_dir/input"
      rm -f "$work_dir/input"
      become_script
    else
      payload_part "$input_at" "$input_bytes" | become_script
    fi
  )
  exit_status=$?
  kill "$watcher"
  pack_output
}
`
