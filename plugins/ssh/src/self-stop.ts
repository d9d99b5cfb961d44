import type {SelfStop} from 'runctl'

import {hostProgram} from './host-program.js'

const END = 'RUNCTL_END_OF_PROGRAM'

/** The watch is host/host.py itself: it lives from now to the stop of the machine, and runs the suspend command that runctl laid down beside it. */
export const SELF_STOP: SelfStop = {
  get install() {
    return `[ -s "$HOME/.runctl/suspend-command" ] || {
  echo 'no suspend command is configured for this machine: suspend below [ssh] in the configuration' >&2
  exit 1
}
cat >"$HOME/.runctl/ssh-watch.py" <<'${END}'
${hostProgram().toString()}
${END}
exec python3 "$HOME/.runctl/ssh-watch.py" set-up-watch "$RUNCTL_INSTANCE_ID"
`
  },
  endsAs: () => 'stop',
  access: null,
}
