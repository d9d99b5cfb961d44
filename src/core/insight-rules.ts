import type {ProcessesAnswer, RunStatus} from '../agent/protocol.js'
import {sizeWords, timeWords} from '../model/amount-words.js'
import type {Checkpoint} from '../model/checkpoint.js'
import {HOURS_A_MONTH} from '../model/cost.js'
import type {InsightKind} from '../model/insight.js'
import {TAGS} from '../model/instance.js'
import {wordForShell} from '../model/quote-for-shell.js'
import type {InsightFacts} from './insight-facts.js'

/** What a rule says of an instance; the rest of an insight are facts. `command`: for the place where the instance is. */
export interface Finding {
  readonly kind: InsightKind
  readonly finding: string
  readonly usd_per_month: number | null
  readonly at_risk_usd: number | null
  readonly command: string | null
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** A pause between two trainings is no idleness. */
const IDLE_MS = HOUR_MS
/** A training that has just begun reads its data. */
const SETTLED_MS = HOUR_MS / 6
/** A machine whose GPU does more than this is used for something, in percent; as is one that has this much load on its processors. */
const BUSY_GPU_PERCENT = 5
const BUSY_LOAD = 0.5
/** Below this part of what there is a machine is too large. */
const FAR_BELOW = 0.25
const FEW_CORES = 4
/** So long a stopped disk may wait, and so much a month it may cost, before it is worth a word. */
const STOPPED_MS = 14 * DAY_MS
const DISK_USD = 1
/** A saving of less is not worth a restart. */
const SPOT_SAVES = 0.2
/** Uploads take a while. */
const BEHIND_MS = HOUR_MS / 6

type Rule = (facts: InsightFacts) => Finding | null

/** A finding of each rule that has one. Nothing is said of what was not measured. */
export const findingsOf = (facts: InsightFacts): readonly Finding[] => RULES.flatMap(rule => rule(facts) ?? [])

const idle: Rule = ({instance: {id, launchedAt, platform}, looks, now, price, runs}) => {
  if (runs === null || price?.usdPerHour === 0 || runs.some(isActive)) return null
  const since = Math.max(...[launchedAt, ...runs.map(run => run.ended_at)].map(at => Date.parse(at ?? '')).filter(ms => !Number.isNaN(ms)))
  const ms = now.getTime() - since
  const look = looks.at(-1)
  if (!(ms >= IDLE_MS) || !Number.isFinite(ms) || (look && isBusy(look))) return null
  const busy = look ? busyWords(look) : ''
  const lately = look && busy !== '' ? `; at ${look.now} ${busy}` : ''
  const ran = runs.length === 0 ? 'nothing has run since its start' : 'no run'
  return {kind: 'idle', finding: `${ran} for ${timeWords(ms / 1000)}${lately}`, ...monthly(price?.usdPerHour ?? null), command: `runctl ${platform} stop ${id}`}
}

const noLimit: Rule = ({canLimit, instance: {id, platform, state, tags}, isLimited, price}) => {
  if (!canLimit || state !== 'running' || tags[TAGS.createdBy] === undefined || tags[TAGS.stopsAt] || isLimited === true || price?.usdPerHour === 0) return null
  const costs = price === null ? '' : `; left alone it costs $${(price.usdPerHour * 24).toFixed(2)} a day`
  return {kind: 'no-limit', finding: `nothing stops it by itself${costs}`, usd_per_month: null, at_risk_usd: null, command: `runctl ${platform} extend ${id} --hours 8 --idle 30m`}
}

const oversized: Rule = ({instance: {instanceType, platform}, looks, now, price, runs}) => {
  const run = (runs ?? []).find(({started_at, state}) => state === 'running' && now.getTime() - Date.parse(started_at ?? '') >= SETTLED_MS)
  const [first, last] = [looks[0], looks.at(-1)]
  if (run === undefined || first === undefined || last === undefined || looks.length < 2 || price?.usdPerHour === 0) return null
  const words = looks.every(hasGpus) ? smallGpuWords(looks) : smallCpuWords(looks)
  if (words === null) return null
  return {
    kind: 'oversized',
    finding: `while ${run.run_id} runs, ${words} (two looks, ${first.now} and ${last.now}): a smaller type than ${instanceType ?? 'this one'} may do${goOn(run)}`,
    // What a smaller one costs depends on which.
    usd_per_month: null,
    at_risk_usd: null,
    command: `runctl ${platform} create --type SMALLER --wait`,
  }
}

const stoppedLong: Rule = ({disk, instance: {platform, state, stoppedAt, tags}, now}) => {
  const ms = now.getTime() - Date.parse(stoppedAt ?? '')
  if (state !== 'stopped' || disk === null || disk.usdPerMonth < DISK_USD || !(ms >= STOPPED_MS)) return null
  const isOurs = tags[TAGS.createdBy] !== undefined
  return {
    kind: 'stopped-long',
    finding: `stopped for ${timeWords(ms / 1000)}, and its ${disk.gib} GiB of disk are paid for${isOurs ? '' : '; runctl did not make it'}`,
    usd_per_month: disk.usdPerMonth,
    at_risk_usd: null,
    command: isOurs ? `runctl resources cleanup --platform ${platform} --older-than 14d${ownerFlag(tags[TAGS.owner])}` : null,
  }
}

const spotMissed: Rule = ({instance: {instanceType, platform}, runs, spot}) => {
  const run = (runs ?? []).find(({last_stored_checkpoint, state}) => state === 'running' && last_stored_checkpoint?.state === 'complete')
  if (run === undefined || spot === null || instanceType === null || spot.onDemandUsd <= 0) return null
  const part = 1 - spot.meanUsd / spot.onDemandUsd
  if (part < SPOT_SAVES) return null
  return {
    kind: 'spot-missed',
    finding: `spot was ${Math.round(part * 100)} % less than on demand over the last ${spot.days} day(s): $${spot.meanUsd.toFixed(3)}/h on average and $${spot.mostUsd.toFixed(3)}/h at most, instead of `
      + `$${spot.onDemandUsd.toFixed(3)}/h${goOn(run)}`,
    ...monthly(spot.onDemandUsd - spot.meanUsd),
    command: `runctl ${platform} create --spot --type=${wordForShell(instanceType)} --wait`,
  }
}

const unsynced: Rule = ({instance: {id, launchedAt, platform, state, tags}, now, price, runs}) => {
  if (state === 'stopped') {
    const count = tags[TAGS.onlyHere] ?? ''
    if (!/^[1-9]\d{0,8}$/.test(count) || tags[TAGS.onlyHereOf] !== launchedAt) return null
    const finding = `${count} complete checkpoint(s) were on its disk alone when it stopped`
    return {kind: 'unsynced', finding, usd_per_month: null, at_risk_usd: null, command: `runctl ${platform} start ${id} --wait && runctl ${platform} pull ${id} --checkpoints && runctl ${platform} stop ${id}`}
  }
  const only = (runs ?? []).filter(run => run.last_checkpoint !== null && isOnlyOnDisk(run, run.last_checkpoint, id, now))
  const [newest] = only
  if (newest === undefined) return null
  const seconds = only.reduce((sum, run) => sum + secondsOfWork(run), 0)
  const why = newest.upload?.error ? `: the upload to ${newest.output_uri ?? 'the store'} fails (${newest.upload.error})` : ''
  return {
    kind: 'unsynced',
    finding: `the newest checkpoint of ${only.length === 1 ? newest.run_id : `each of ${only.length} runs`}, ${timeWords(seconds)} of work, is on its disk alone${why}`,
    usd_per_month: null,
    at_risk_usd: price === null ? null : (price.usdPerHour * seconds) / 3600,
    command: `runctl ${platform} pull ${id} --checkpoints --project=${wordForShell(newest.project)}`,
  }
}

const RULES: readonly Rule[] = [idle, noLimit, oversized, spotMissed, stoppedLong, unsynced]

const monthly = (usdPerHour: number | null): Pick<Finding, 'at_risk_usd' | 'usd_per_month'> => ({usd_per_month: usdPerHour === null ? null : usdPerHour * HOURS_A_MONTH, at_risk_usd: null})
/** Only what is in the store can go on elsewhere. */
const goOn = ({last_stored_checkpoint: last, run_id: id}: RunStatus): string => (last === null ? '' : `; its checkpoints are in the store: \`runctl checkpoint resume --run ${id} --instance-id NEW\` goes on there`)

/** From its start to its last checkpoint; 0 where a time is not known. */
function secondsOfWork({last_checkpoint: last, started_at: started}: RunStatus): number {
  const ms = Date.parse(last?.modified_at ?? '') - Date.parse(started ?? '')
  return ms > 0 ? ms / 1000 : 0
}

const isActive = ({state}: RunStatus): boolean => state !== 'stopped'
const hasGpus = ({gpus}: ProcessesAnswer): boolean => gpus !== null && gpus.length > 0

/** Somebody works there without runctl. */
const isBusy = ({gpus, load_1min: load}: ProcessesAnswer): boolean =>
  (gpus ?? []).some(gpu => (gpu.utilization_percent ?? 0) > BUSY_GPU_PERCENT) || (load ?? 0) > BUSY_LOAD

function busyWords({cpu_count: cores, gpus, load_1min: load}: ProcessesAnswer): string {
  const gpu = gpus === null || gpus.length === 0 ? [] : [`its ${gpus.length === 1 ? 'GPU was' : `${gpus.length} GPUs were`} at ${Math.max(...gpus.map(one => one.utilization_percent ?? 0))} %`]
  return [...gpu, ...(load === null ? [] : [`the load of the last minute was ${load} on ${cores} core(s)`])].join(' and ')
}

/** null where a GPU is used well, or does not tell. */
function smallGpuWords(looks: readonly ProcessesAnswer[]): string | null {
  const all = looks.flatMap(({gpus}) => gpus ?? [])
  const parts = all.map(gpu => ({memory: gpu.memory_used_bytes === null || !gpu.memory_total_bytes ? null : gpu.memory_used_bytes / gpu.memory_total_bytes, busy: gpu.utilization_percent === null ? null : gpu.utilization_percent / 100}))
  if (!parts.every(({busy, memory}) => busy !== null && memory !== null && busy < FAR_BELOW && memory < FAR_BELOW)) return null
  const most = all.reduce((a, b) => ((b.memory_used_bytes ?? 0) > (a.memory_used_bytes ?? 0) ? b : a))
  return `no GPU was busier than ${Math.max(...all.map(gpu => gpu.utilization_percent ?? 0))} % or used more than ${sizeWords(most.memory_used_bytes ?? 0)} of its ${sizeWords(most.memory_total_bytes ?? 0)}`
}

/** null where its cores or its memory are used well, or it does not tell. */
function smallCpuWords(looks: readonly ProcessesAnswer[]): string | null {
  const fits = looks.every(({cpu_count, gpus, load_1min, memory_total_bytes, memory_used_bytes}) =>
    gpus === null && cpu_count >= FEW_CORES && load_1min !== null && load_1min / cpu_count < FAR_BELOW
    && memory_total_bytes !== null && memory_used_bytes !== null && memory_used_bytes / memory_total_bytes < 2 * FAR_BELOW)
  if (!fits) return null
  const most = looks.reduce((a, b) => ((b.load_1min ?? 0) > (a.load_1min ?? 0) ? b : a))
  return `the load of the last minute was at most ${most.load_1min ?? 0} on ${most.cpu_count} cores, with ${sizeWords(most.memory_used_bytes ?? 0)} of ${sizeWords(most.memory_total_bytes ?? 0)} of memory used`
}

function isOnlyOnDisk(run: RunStatus, last: Checkpoint, id: string, now: Date): boolean {
  if (last.state !== 'complete' || last.places.some(({kind, verified_at, where}) => verified_at !== null && !(kind === 'instance' && where === id))) return false
  if (run.output_uri === null || run.upload?.error) return true
  return now.getTime() - Date.parse(run.upload?.behind_since ?? '') >= BEHIND_MS
}

/** Joined, so that a value can never be taken for a flag. */
export const ownerFlag = (owner: string | undefined): string => (owner === undefined ? '' : ` --owner=${wordForShell(owner)}`)
