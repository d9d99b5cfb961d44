import {execFile} from 'node:child_process'
import {promisify} from 'node:util'
import type {Check, CheckResult, ProviderEnvironment} from 'runctl'

import type {Machines} from './machines.js'

const LOOK_MS = 20_000
/** Kilobytes free, and the names of the GPUs where there are some. */
const LOOK = 'df -Pk "$HOME" | awk \'NR == 2 {print $4}\'; nvidia-smi --query-gpu=name --format=csv,noheader 2>/dev/null || :'

/** The client, and each host of the list. */
export function sshChecks(hosts: readonly string[], machines: Machines, {env}: Pick<ProviderEnvironment, 'env'>): readonly Check[] {
  return [clientCheck(env), ...hosts.map(host => hostCheck(host, machines))]
}

function clientCheck(env: ProviderEnvironment['env']): Check {
  return {
    name: 'ssh',
    needs: [],
    async run() {
      try {
        // It tells its version on standard error.
        const {stderr} = await promisify(execFile)('ssh', ['-V'], {env: {...env}})
        return {status: 'ok', found: stderr.trim(), fix: null}
      } catch (error) {
        return {status: 'failed', found: `ssh cannot be started: ${(error as Error).message}`, fix: 'install the OpenSSH client'}
      }
    },
  }
}

function hostCheck(host: string, machines: Machines): Check {
  return {
    name: `host ${host}`,
    needs: ['ssh'],
    async run({signal}): Promise<CheckResult> {
      try {
        const look = await machines.look(host, signal ? {signal} : {})
        if (!look.answers) return {status: look.instance.state === 'stopped' ? 'warning' : 'failed', found: (look.error as Error).message, fix: look.instance.state === 'stopped' ? `runctl ssh start ${host}` : `ssh ${host} true`}
        const script = Buffer.from(LOOK)
        const {stdout} = await machines.call(host, {request: {op: 'run', script: script.length, input: 0, timeout: LOOK_MS / 1000, most: 65_536}, body: [script], timeoutMs: LOOK_MS, signal})
        const [free = '', ...gpus] = Buffer.from(stdout).toString('utf8').trim().split('\n')
        const python = look.facts?.python.join('.') ?? 'unknown'
        return {status: 'ok', found: `python ${python}, ${(Number(free) / 1e6).toFixed(0)} GB free, ${gpus.length === 0 ? 'no GPU' : gpus.join(', ')}`, fix: null}
      } catch (error) {
        if (signal?.aborted) throw error
        const [fix] = (error as {readonly next?: readonly string[]}).next ?? []
        return {status: 'failed', found: (error as Error).message, fix: fix ?? `ssh ${host} true`}
      }
    },
  }
}
