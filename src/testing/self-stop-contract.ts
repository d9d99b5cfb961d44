import {check, checkEqual} from './assertions.js'
import type {ContractSubject} from './contract-subject.js'

const LIMITS = {forAgent: '{"set": {"note": "it\'s a $contract"}}', hardSeconds: null, unattendedSeconds: 3600}

/** What must hold of instances that end their own time, by title. A platform whose instances cannot has nothing to prove. */
export const SELF_STOP_CONTRACT: Readonly<Record<string, (subject: ContractSubject) => Promise<void>>> = {
  async 'powers an instance off when it asks for that, and not again after the next start'(subject) {
    const {selfStop} = subject.provider
    if (!selfStop) return
    const {id} = await subject.createRunning()
    await install(subject, id)
    const instance = await subject.describe(id)
    check(instance !== undefined, 'a running instance is described')
    await subject.text(id, 'mkdir -p "$HOME/.runctl" && echo \'{"reason": "idle"}\' >"$HOME/.runctl/power-off"')
    if (selfStop.endsAs(instance) === 'terminate') {
      await subject.until(id, 'terminated')
      return
    }
    await subject.until(id, 'stopped')
    await subject.start(id)
    const look = (): Promise<string> => subject.text(id, 'ls "$HOME/.runctl/power-off" 2>/dev/null; :')
    checkEqual(await subject.settled(look, found => found === ''), '', 'what asked for it, after the start')
    checkEqual((await subject.describe(id))?.state, 'running', 'state after the start')
  },

  async 'sets up what powers an instance off as often as it is asked'(subject) {
    if (!subject.provider.selfStop) return
    const {id} = await subject.createRunning()
    await install(subject, id)
    await install(subject, id)
  },

  async 'gives an instance its limits with its first boot'(subject) {
    if (!subject.provider.selfStop) return
    const {id} = await subject.create(subject.request({limits: LIMITS}))
    await subject.untilAnswers(id)
    const wanted = `- 3600\n${LIMITS.forAgent}`
    const look = (): Promise<string> => subject.text(id, 'cat "$HOME/.runctl/watch" "$HOME/.runctl/limits.json" 2>/dev/null; :')
    checkEqual(await subject.settled(look, found => found === wanted), wanted, 'the files')
    checkEqual(await subject.text(id, '[ -O "$HOME/.runctl/limits.json" ] && [ -w "$HOME/.runctl" ] && echo own'), 'own', 'whose they are')
  },

  async 'powers an instance off at its hard limit, although nobody ever comes'(subject) {
    const {selfStop} = subject.provider
    if (!selfStop) return
    const instance = await subject.create(subject.request({limits: {...LIMITS, hardSeconds: 1}}))
    await subject.until(instance.id, selfStop.endsAs(instance) === 'stop' ? 'stopped' : 'terminated')
  },
}

async function install(subject: ContractSubject, id: string): Promise<void> {
  const script = subject.provider.selfStop?.install ?? null
  if (script === null) return
  const {exitCode, stderr} = await subject.sh(id, script)
  checkEqual([exitCode, Buffer.from(stderr).toString()], [0, ''], 'exit status and complaints of the set-up')
}
