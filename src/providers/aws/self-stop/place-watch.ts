import {stripScript} from '../shell/wrapper/strip-script.js'
import {PER_BOOT_FOLDER, WATCH, WATCH_NAME} from './watch-script.js'

/**
 * POSIX sh, run as root: lays the watch down where cloud-init finds it at each boot, and starts it, unless this very version runs already. Ends with
 * another status than 0, and says why, where it does not run afterwards.
 */
export const PLACE_WATCH = `${stripScript(`
umask 022
root=\${RUNCTL_WATCH_ROOT:-}
folder=$root${PER_BOOT_FOLDER}
file=$folder/${WATCH_NAME}
new=$root/var/lib/runctl/${WATCH_NAME}.new
runs() {
  read -r pid _ <"$root/run/${WATCH_NAME}" || return
  case $(tr '\\0' ' ' <"/proc/$pid/cmdline") in
    *${WATCH_NAME}\\ watch*) kill -0 "$pid" ;;
    *) return 1 ;;
  esac
}
fail() {
  echo "limits cannot be kept here: $*" >&2
  exit 1
}
mkdir -p "$folder" "\${new%/*}" && cat >"$new" <<'RUNCTL_WATCH' || fail "cannot write to $folder"
`)}${WATCH}RUNCTL_WATCH
${stripScript(`
if [ "$(cat "$new" 2>/dev/null)" = "$(cat "$file" 2>/dev/null)" ] && [ -x "$file" ] && runs 2>/dev/null; then
  rm -f "$new"
else
  chmod 755 "$new" && mv -f "$new" "$file" || fail "cannot write to $folder"
  rm -f "$root/run/${WATCH_NAME}"
  sh "$file"
  rounds=0
  until runs 2>/dev/null; do
    rounds=$((rounds + 1))
    [ $rounds -lt 100 ] || fail "$file does not run"
    sleep .1 || sleep 1
  done
fi
`)}`
