import {RunctlError} from '../../../model/errors.js'
import type {FirstLimits} from '../../provider.js'
import {CHOOSE_USER} from '../shell/wrapper/choose-user.js'
import {stripScript} from '../shell/wrapper/strip-script.js'
import {PLACE_WATCH} from './place-watch.js'

/** What EC2 takes, before base64. */
const MAX_USER_DATA_BYTES = 16_384

/** Nothing that is there already is written over: an image of an instance with limits of its own may bring its files along. */
const LAY_DOWN = `
lay_down() {
  new=$place/.$1.new
  cat >"$new" && chmod 600 "$new" && chown "$user_name": "$new"
  # Whole or not at all, and not over what is there.
  ln "$new" "$place/$1"
  rm -f "$new"
}
own_uid=$(id -u)
choose_user
place=$user_home/.runctl
if ! [ -d "$place" ]; then
  mkdir -p "$place" && chmod 700 "$place" && chown "$user_name": "$place"
fi
`

/** What a new instance runs as root at its first boot: sh that lays down its limits and starts the watch. The same limits always give the same text. */
export function userData({forAgent, hardSeconds, unattendedSeconds}: FirstLimits): string {
  const [hard, unattended] = [hardSeconds, unattendedSeconds].map(seconds => (seconds === null ? '-' : String(Math.ceil(seconds))))
  return [
    '#!/bin/sh\n# runctl: this machine has limits\numask 077\n',
    stripScript(CHOOSE_USER),
    stripScript(LAY_DOWN),
    `echo '${Buffer.from(forAgent).toString('base64')}' | base64 -d | lay_down limits.json\n`,
    `echo '${hard} ${unattended}' | lay_down watch\n`,
    PLACE_WATCH,
  ].join('')
}

/** Throws `bad_input` for limits that cannot be laid down. */
export function checkLimits(limits: FirstLimits): void {
  const {hardSeconds, unattendedSeconds} = limits
  const isWrong = (seconds: number | null): boolean => seconds !== null && !(seconds > 0 && seconds < 1e9)
  if (isWrong(hardSeconds) || isWrong(unattendedSeconds)) throw new RunctlError('bad_input', 'limits are more than 0 s and less than 10^9 s, which are 31 years')
  if (Buffer.byteLength(userData(limits)) > MAX_USER_DATA_BYTES) throw new RunctlError('bad_input', 'the limits are too long to be given to the instance at its launch')
}
