import {loadAgentFile} from '../agent/agent-file.js'
import {AgentClient} from '../agent/client.js'
import {saveRuns} from '../core/save-runs.js'
import type {RunctlHook} from './events.js'

/** The built-in step that saves: asks the training for a checkpoint, verifies it, and ends the training if it is good. */
const saveBeforeStop: RunctlHook<'prestop-checkpoint'> = async ({force, graceSeconds, instance, provider, requestId, signal}) => {
  const agent = new AgentClient(provider.shell, instance.id, loadAgentFile)
  const answer = await saveRuns({requestId, runId: null, graceSeconds, force, reason: 'user'}, agent, signal)
  const failed = answer.reports.filter(report => !report.ok)
  const why = answer.done
    ? failed.map(report => `${report.run_id}: ${report.why ?? 'nothing good was saved'}`).join('; ') || null
    : 'the agent has not finished saving in time'
  return {ok: answer.done && answer.ok, why, reports: answer.reports, only_here: answer.only_here, ...(answer.last === undefined ? {} : {last: answer.last})}
}

export default saveBeforeStop
