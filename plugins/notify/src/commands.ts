/**
 * The commands. oclif runs whatever has a function `run`, and oclif.manifest.json has what help and completion show: so this package needs no
 * `@oclif/core` where it is installed, and a command of it starts as quickly as one of runctl's.
 */
import {randomUUID} from 'node:crypto'
import {parseArgs} from 'node:util'

import type {Config as OclifConfig} from '@oclif/core'
import type {RunctlApi, RunctlHooks} from 'runctl'

import {testDocument} from './document.js'
import {messageBody} from './message-body.js'
import {spoolFolder} from './notify.js'
import {post} from './post.js'
import {hostOf, readSettings, SET_URL} from './settings.js'
import {Spool, type Undelivered} from './spool.js'
import {startSender} from './start-sender.js'

type Config = Pick<OclifConfig, 'bin' | 'dataDir' | 'runHook'>

interface Result<T> {
  readonly value: T
  readonly text: string
}

export interface TestResult {
  readonly delivered: true
  readonly host: string
  readonly status: number
}

export interface StatusResult {
  readonly url_is_set: boolean
  readonly waiting: readonly {readonly id: string; readonly event: string; readonly at: string; readonly host: string}[]
  readonly undelivered: readonly Undelivered[]
}

async function testWebhook(config: Config, api: RunctlApi): Promise<Result<TestResult>> {
  const settings = readSettings(await api.settings(), api.RunctlError)
  if (settings === null) throw new api.RunctlError('bad_input', 'no webhook is set: notify.url, or RUNCTL_NOTIFY_URL in the environment', {next: [SET_URL]})
  const id = randomUUID()
  const host = hostOf(settings.url)
  const {outcome, status, why} = await post(settings.url, messageBody(testDocument(id, new Date()), settings.format), id)
  if (outcome === 'delivered' && status !== null) return {value: {delivered: true, host, status}, text: `delivered: ${host} answered HTTP ${status}`}
  throw new api.RunctlError(status === null ? 'unreachable' : 'platform_failed', `${host} did not take the message: ${why}`, {next: [`${config.bin} notify test`], details: {host, status}})
}

async function showStatus(config: Config, api: RunctlApi): Promise<Result<StatusResult>> {
  const settings = readSettings(await api.settings(), api.RunctlError)
  const folder = spoolFolder(config.dataDir)
  const spool = new Spool(folder)
  const waiting = (await spool.waiting()).map(({message: {at, event, id, url}}) => ({id, event, at, host: hostOf(url)}))
  const undelivered = await spool.undelivered()
  // What is shown here need not be told again.
  await spool.takeUntold()
  if (waiting.length > 0) await startSender(folder)
  const lines = [
    `webhook      ${settings === null ? 'not set' : `${hostOf(settings.url)} (${settings.format})`}`,
    `waiting      ${waiting.length}`,
    ...waiting.map(({at, event, host}) => `  ${at}  ${event} to ${host}`),
    `undelivered  ${undelivered.length}`,
    ...undelivered.map(({event, failed_at: at, host, why}) => `  ${at}  ${event} to ${host}: ${why}`),
  ]
  return {value: {url_is_set: settings !== null, waiting, undelivered}, text: lines.join('\n')}
}

/** Parses the flags of both commands, prints the result or the error in the form that is asked for, and sets the exit status. */
async function runCommand<T>(argv: readonly string[], config: Config, work: (config: Config, api: RunctlApi) => Promise<Result<T>>): Promise<T | undefined> {
  const {successes: [answer]} = await config.runHook<'runctl-api', RunctlHooks>('runctl-api', {})
  const api = answer?.result
  if (api === undefined) throw new Error('this runctl does not answer the hook runctl-api: it is older than the plugin')
  let isJson = argv.includes('--json')
  try {
    const {json, output} = parsedFlags(argv, api)
    isJson = json || output === 'json'
    const {text, value} = await work(config, api)
    process.stdout.write(`${isJson ? JSON.stringify(value, null, 2) : text}\n`)
    return value
  } catch (error) {
    if (!isExpected(error)) throw error
    const {code, details, exitCode, message, next, stillRunning} = error
    const lines = next.map((command, at) => `${at === 0 ? 'Next:' : '     '} ${command}\n`)
    if (isJson) process.stdout.write(`${JSON.stringify({error: {code, message, exit_code: exitCode, still_running: stillRunning, next, details}}, null, 2)}\n`)
    else process.stderr.write(`Error: ${message}\n${lines.join('')}`)
    process.exitCode = exitCode
    return undefined
  }
}

function parsedFlags(argv: readonly string[], api: RunctlApi): {readonly json: boolean; readonly output: string} {
  try {
    const {values} = parseArgs({args: [...argv], strict: true, allowPositionals: false, options: {json: {type: 'boolean', default: false}, output: {type: 'string', default: 'table'}}})
    if (['json', 'table', 'text'].includes(values.output)) return values
  } catch (error) {
    throw new api.RunctlError('bad_input', (error as Error).message)
  }
  throw new api.RunctlError('bad_input', 'expected --output=json, --output=table or --output=text')
}

function isExpected(error: unknown): error is InstanceType<RunctlApi['RunctlError']> {
  return typeof error === 'object' && error !== null && Symbol.for('runctl.RunctlError') in error
}

export const COMMANDS = {
  'notify:status': {run: async (argv: readonly string[], config: Config): Promise<StatusResult | undefined> => runCommand(argv, config, showStatus)},
  'notify:test': {run: async (argv: readonly string[], config: Config): Promise<TestResult | undefined> => runCommand(argv, config, testWebhook)},
}
