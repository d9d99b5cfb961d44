import type {Checkpoint, Instance, RunStatus, SaveResult} from 'runctl'

import {plain, plainOrNull} from './plain-text.js'
import type {NotifyEvent} from './settings.js'

/** The message in the format `json`; docs/notify.md has its schema. What is not known is null. */
export interface NotifyDocument {
  readonly version: 1
  /** Also the `Idempotency-Key`: a message that comes twice has the same one. */
  readonly id: string
  readonly event: NotifyEvent | 'test'
  /** ISO 8601, UTC: when runctl saw it. */
  readonly at: string
  /** One line for people. */
  readonly text: string
  readonly platform: string | null
  readonly instance: InstancePart | null
  readonly run: RunPart | null
  readonly checkpoint: CheckpointPart | null
  readonly limit: {readonly kind: 'budget' | 'idle'; readonly detail: string | null} | null
  readonly saved: {readonly ok: boolean; readonly why: string | null} | null
}

export interface InstancePart {
  readonly id: string
  readonly name: string | null
  readonly state: string
  readonly type: string | null
  readonly region: string | null
  readonly lifecycle: 'on-demand' | 'spot'
}

export interface RunPart {
  readonly id: string
  readonly name: string | null
  readonly project: string | null
  readonly script: string | null
  readonly state: string | null
  readonly reason: string | null
  readonly detail: string | null
  readonly exit_code: number | null
  readonly signal: string | null
  readonly started_at: string | null
  readonly ended_at: string | null
  readonly checkpoint_count: number | null
}

export interface CheckpointPart {
  readonly path: string
  readonly state: string
  readonly format: string | null
  readonly size_bytes: number
  readonly step: number | null
  readonly epoch: number | null
  readonly metrics: Readonly<Record<string, number>>
}

/** What a step was given, as far as it is told. */
export interface Told {
  readonly event: NotifyEvent
  readonly platform: string
  readonly instance: Instance
  readonly run?: RunStatus | null
  /** Of a run of which nothing else is known. */
  readonly runId?: string
  readonly checkpoint?: Checkpoint | null
  readonly limit?: {readonly kind: 'budget' | 'idle'; readonly detail: string | null}
  readonly saved?: SaveResult | null
}

const NAME_LENGTH = 200
const SENTENCE_LENGTH = 500
const MOST_METRICS = 50

export function makeDocument(told: Told, id: string, at: Date): NotifyDocument {
  const checkpoint = told.checkpoint ?? told.run?.last_checkpoint ?? null
  const document = {
    version: 1,
    id,
    event: told.event,
    at: at.toISOString(),
    platform: plain(told.platform, NAME_LENGTH),
    instance: instancePart(told.instance),
    run: told.run ? runPart(told.run) : told.runId === undefined ? null : unknownRun(told.runId),
    checkpoint: checkpoint === null ? null : checkpointPart(checkpoint),
    limit: told.limit ? {kind: told.limit.kind, detail: plainOrNull(told.limit.detail, SENTENCE_LENGTH)} : null,
    saved: told.saved ? {ok: told.saved.ok, why: plainOrNull(told.saved.why, SENTENCE_LENGTH)} : null,
  } as const
  return {...document, text: plain(textOf(document), SENTENCE_LENGTH)}
}

export function testDocument(id: string, at: Date): NotifyDocument {
  const nothing = {platform: null, instance: null, run: null, checkpoint: null, limit: null, saved: null}
  return {version: 1, id, event: 'test', at: at.toISOString(), text: 'runctl can reach this webhook.', ...nothing}
}

function instancePart({id, instanceType, lifecycle, name, region, state}: Instance): InstancePart {
  return {id: plain(id, NAME_LENGTH), name: plainOrNull(name, NAME_LENGTH), state, type: instanceType, region, lifecycle}
}

function runPart(run: RunStatus): RunPart {
  return {
    id: plain(run.run_id, NAME_LENGTH),
    name: plainOrNull(run.name, NAME_LENGTH),
    project: plain(run.project, NAME_LENGTH),
    script: plain(run.script, NAME_LENGTH),
    state: run.state,
    reason: run.reason,
    detail: plainOrNull(run.detail, SENTENCE_LENGTH),
    exit_code: run.exit_code,
    signal: run.signal,
    started_at: run.started_at,
    ended_at: run.ended_at,
    checkpoint_count: run.checkpoint_count,
  }
}

function unknownRun(id: string): RunPart {
  const nothing = {name: null, project: null, script: null, state: null, reason: null, detail: null, exit_code: null, signal: null, started_at: null, ended_at: null, checkpoint_count: null}
  return {id: plain(id, NAME_LENGTH), ...nothing}
}

function checkpointPart({epoch, format, metrics, path, size_bytes, state, step}: Checkpoint): CheckpointPart {
  const figures = Object.entries(metrics).slice(0, MOST_METRICS).map(([name, figure]) => [plain(name, NAME_LENGTH), figure])
  return {path: plain(path, SENTENCE_LENGTH), state, format: plainOrNull(format, NAME_LENGTH), size_bytes, step, epoch, metrics: Object.fromEntries(figures) as Record<string, number>}
}

type Parts = Omit<NotifyDocument, 'text' | 'event'> & {readonly event: NotifyEvent}

function textOf({checkpoint, event, instance, limit, run, saved}: Parts): string {
  const machine = instance === null ? 'the instance' : instance.name === null ? instance.id : `${instance.name} (${instance.id})`
  const training = run === null ? 'the training' : `${run.script ?? 'run'} (${run.id})`
  const last = checkpoint === null ? 'no complete checkpoint' : `last checkpoint ${checkpoint.path}`
  switch (event) {
    case 'posttrain': return `${training} on ${machine} ${endOf(run)}; ${last}`
    case 'interrupted': return `${training} on ${machine} was interrupted: its machine went away; ${last}`
    case 'limit-reached': return `${machine} reached its ${limit?.kind ?? ''} limit and saves and stops itself${limit?.detail ? `: ${limit.detail}` : ''}; ${last}`
    case 'checkpoint-saved': return `${training} on ${machine} saved ${checkpoint?.path ?? 'a checkpoint'}`
    case 'poststop': return `${machine} is stopped${savedWords(saved)}`
    case 'postterminate': return `${machine} is terminated${savedWords(saved)}`
  }
}

function endOf(run: RunPart | null): string {
  const detail = run?.detail ? ` (${run.detail})` : ''
  switch (run?.reason) {
    case 'completed': return 'has completed'
    case 'failed': return `has failed${run.exit_code === null ? (run.signal === null ? '' : ` by ${run.signal}`) : ` with exit status ${run.exit_code}`}${detail}`
    case 'interrupted': return 'was interrupted'
    case undefined:
    case null: return `has ended${detail}`
    default: return `was stopped (${run?.reason ?? 'unknown'})${detail}`
  }
}

function savedWords(saved: NotifyDocument['saved']): string {
  if (saved === null) return ''
  return saved.ok ? ', all is saved' : `, not saved: ${saved.why ?? 'no reason is known'}`
}
