import {stripScript} from '../shell/wrapper/strip-script.js'
import {PLACE_WATCH} from './place-watch.js'

/**
 * POSIX sh, run as the instance's normal user: sets the watch up where the instance was made without, or by another version. Safe to repeat. Where
 * it cannot, its status is not 0 and its standard error says why.
 */
export const INSTALL_WATCH = `${stripScript(`
refuse() {
  echo "limits cannot be kept here: $*" >&2
  exit 1
}
if ! [ -d "\${RUNCTL_WATCH_ROOT:-}/etc/cloud" ]; then
  refuse "this image has no cloud-init, by which the watch that powers the machine off would start at each boot"
fi
place_watch() {
  "$@" <<'RUNCTL_INSTALL'
`)}${PLACE_WATCH}RUNCTL_INSTALL
${stripScript(`}
if [ "$(id -u)" = 0 ]; then
  place_watch sh -s
elif ! command -v sudo >/dev/null 2>&1; then
  refuse "powering off needs root, and there is no sudo"
elif ! sudo -n true </dev/null >/dev/null 2>&1; then
  refuse "powering off needs root, and sudo asks $(id -un) for a password"
else
  place_watch sudo -n sh -s
fi
`)}`
