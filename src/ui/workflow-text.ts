import type {WorkflowResult} from '../core/run-workflow.js'
import {renderCheckpointList} from './checkpoint-text.js'
import {formatDuration} from './duration.js'
import {ledgerWords} from './ledger-text.js'
import {formatCost} from './money.js'
import {renderRecord} from './record.js'
import type {RenderEnv} from './render-env.js'
import {uploadWords} from './run-text.js'
import {runStateStyle, runStateWords} from './state-words.js'
import {syncWords} from './train-text.js'

const BEGAN = {created: 'created', started: 'started', 'was-running': 'was running'} as const
const THEN = {keep: 'kept running', stop: 'stopped, its disk is kept', terminate: 'terminated'} as const

/** The report at the end of a whole session: what was done, where the checkpoints are, what it cost, how to go on. */
export function renderWorkflow(result: WorkflowResult, env: RenderEnv): string {
  const {checkpoints, instance, pulled, run} = result
  const facts = renderRecord([
    ['Instance', `${instance.id}: ${BEGAN[result.began]}, ${THEN[result.then]}`],
    ['Code', result.sync ? syncWords(result.sync) : 'not sent'],
    ['Run', run.run_id],
    ['Ended', runStateWords(run), runStateStyle(run)],
    ['Resume alarm', run.resume_alarm ?? undefined, 'red'],
    ['Checkpoints', `${result.verified_count} verified of ${checkpoints.length}, in ${run.checkpoint_dir}`],
    ['Output', run.output_uri === null || run.upload === null ? undefined : uploadWords(run.output_uri, run.upload)],
    ['Upload error', run.upload?.error ?? undefined, 'red'],
    ['Copied here', pulled ? pulled.destination : undefined],
    ['Took', formatDuration(result.duration_s * 1000)],
    ['Ledger', ledgerWords(result.ledger)],
    ['Cost', formatCost(result.cost_usd)],
  ], env)
  if (env.format === 'text') return facts
  const list = checkpoints.length === 0 ? 'The script wrote no checkpoints: nothing to resume from.' : renderCheckpointList(checkpoints, env)
  const next = result.next.map((command, at) => `${at === 0 ? 'Next:' : '     '} ${command}`)
  return [facts, '', list, ...(next.length > 0 ? ['', ...next] : [])].join('\n')
}
