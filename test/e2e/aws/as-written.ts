import {spawnSync} from 'node:child_process'
import {mkdir, writeFile} from 'node:fs/promises'
import path from 'node:path'

import type {RunRow} from '../../../src/core/list-runs.js'
import {collect, until, type Bench, type Outcome} from '../support/bench.js'
import {REPOSITORY} from '../support/repository.js'

/** For tests with a pipe to the real jq. */
export const hasJq = (): boolean => spawnSync('jq', ['--version']).status === 0

/** A user of an AWS account with three running instances. */
export interface WrittenAccount {
  readonly bench: Bench
  readonly ids: readonly string[]
}

/** How many times quicker the user's own `sleep` is over. */
const SLEEP_DIVISOR = 10

/**
 * Runs lines as a user types them from the documentation into bash, with `runctl` on the PATH, and a `sleep` for people in a hurry. In them
 * `i-xxx`, `i-yyy` and `i-zzz` stand for the instances, and nothing else is changed.
 */
export async function asWritten(bench: Bench, instances: readonly string[], lines: string): Promise<Outcome> {
  const bin = path.join(bench.root, 'bin')
  await mkdir(bin, {recursive: true})
  await writeFile(path.join(bin, 'runctl'), `#!/bin/sh\nexec '${REPOSITORY}bin/run.js' "$@"\n`, {mode: 0o755})
  await writeFile(path.join(bin, 'sleep'), `#!/bin/sh\nexec /bin/sleep "$(awk "BEGIN {print $1 / ${SLEEP_DIVISOR}}")"\n`, {mode: 0o755})
  const ids = new Map(['i-xxx', 'i-yyy', 'i-zzz'].map((name, at) => [name, instances[at]]))
  const script = lines.replace(/\bi-(?:xxx|yyy|zzz)\b/g, name => ids.get(name) ?? name)
  return collect(bench.shell(`PATH='${bin}':"$PATH"\n${script}`), 110_000, [lines])
}

/** Like {@link asWritten}, and the last line succeeds. */
export async function wellAsWritten(bench: Bench, instances: readonly string[], lines: string): Promise<string> {
  const {code, stderr, stdout} = await asWritten(bench, instances, lines)
  if (code !== 0) throw new Error(`ended with ${code}:\n${lines}\n--- stdout\n${stdout}\n--- stderr\n${stderr}`)
  return stdout
}

/** An error message as it was before it was folded to the width of the terminal. */
export const oneLine = (text: string): string => text.replace(/\n {7}/g, ' ')

/** The commands that an error message gives to go on. */
export const nextCommands = (stderr: string): readonly string[] => [...stderr.matchAll(/^(?:Next:| {5}) (runctl .*)$/gm)].map(([, command]) => command ?? '')

/** The runs of these instances, as soon as all have ended. */
export async function endedRuns(bench: Bench, instances: readonly string[]): Promise<readonly RunRow[]> {
  let runs: readonly RunRow[] = []
  await until(async () => {
    runs = (await bench.json<readonly RunRow[]>(['run', 'list'])).filter(({instance_id}) => instances.includes(instance_id))
    return instances.every(id => runs.some(({instance_id}) => instance_id === id)) && runs.every(({state}) => state === 'stopped')
  }, 40_000, 'the runs end')
  return runs
}
