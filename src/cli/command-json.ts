import type {ProcessesAnswer, StopAnswer} from '../agent/protocol.js'
import type {ResourceCleanup} from '../core/clean-up.js'
import type {CleanupResult} from '../core/cleanup-checkpoints.js'
import type {EndResult} from '../core/end-instance.js'
import type {ExtendResult} from '../core/extend-limits.js'
import type {ExecResult} from '../core/exec-command.js'
import type {CheckpointDiff} from '../core/diff-checkpoints.js'
import type {CheckpointInfo} from '../core/inspect-checkpoint.js'
import type {VerifiedCheckpoint} from '../core/verify-checkpoints.js'
import type {DoctorLine} from '../core/run-doctor.js'
import type {SetupResult} from '../core/set-up-platform.js'
import type {ListedRow} from '../core/list-holdings.js'
import type {ResourceRow} from '../core/list-resources.js'
import type {MadePlugin} from '../core/make-plugin.js'
import type {RunRow} from '../core/list-runs.js'
import type {RunWithLedger} from '../core/run-ledger.js'
import type {RunLogsJson} from '../core/read-log.js'
import type {RehearsalReport} from '../core/rehearse/rehearsal-report.js'
import type {WorkflowResult} from '../core/run-workflow.js'
import type {InstanceStatus} from '../core/show-status.js'
import type {SpendingSummary} from '../core/summarize-spending.js'
import type {StartResult} from '../core/start-instance.js'
import type {StopAllItem} from '../core/stop-all.js'
import type {CheckpointPullResult} from '../core/pull-checkpoint.js'
import type {PullReport, PushReport} from '../core/sync/reports.js'
import type {TagResult} from '../core/tag-checkpoint.js'
import type {Checkpoint} from '../model/checkpoint.js'
import type {Insight} from '../model/insight.js'
import type {ConfigSetResult, ConfigSetting, ConfigShowResult, ConfigValidateResult, InitResult} from '../model/config-answers.js'
import type {PluginReport, PluginsRemoved, PluginUpdate} from '../model/plugin-report.js'
import type {Overview} from '../core/show-overview.js'
import type {ErrorJson} from './error-json.js'
import type {OneOrSeveral} from './instances-command.js'
import type {CreateJson} from './verbs/create.js'
import type {MonitorJson} from './verbs/monitor.js'
import type {TrainJson} from './verbs/train.js'

/**
 * What each command prints under --json. The schemas in docs/json/ are made from this (`npm run schemas`): one file a key, blanks as dashes.
 * Verbs of a platform stand without its name; those that take several ids answer with an array then.
 */
export interface CommandJson {
  error: ErrorJson
  create: CreateJson
  start: OneOrSeveral<StartResult>
  stop: OneOrSeveral<EndResult>
  terminate: OneOrSeveral<EndResult>
  wait: OneOrSeveral<ResourceRow>
  status: OneOrSeveral<InstanceStatus> | readonly ResourceRow[]
  train: OneOrSeveral<TrainJson>
  monitor: MonitorJson
  processes: ProcessesAnswer
  exec: ExecResult
  extend: OneOrSeveral<ExtendResult>
  push: PushReport
  pull: PullReport
  setup: SetupResult
  doctor: readonly DoctorLine[]
  overview: Overview
  'workflow run': WorkflowResult
  'checkpoint list': readonly Checkpoint[]
  'checkpoint info': CheckpointInfo
  'checkpoint verify': readonly VerifiedCheckpoint[]
  'checkpoint diff': CheckpointDiff
  'checkpoint resume': TrainJson
  'checkpoint cleanup': CleanupResult
  'checkpoint tag': TagResult
  'checkpoint pull': CheckpointPullResult
  'checkpoint rehearse': RehearsalReport
  'run list': readonly RunRow[]
  'run show': RunWithLedger
  'run logs': RunLogsJson
  'run stop': StopAnswer
  'resources list': readonly ListedRow[]
  'resources summary': SpendingSummary
  'resources insights': readonly Insight[]
  'resources cleanup': ResourceCleanup
  'resources stop-all': readonly StopAllItem[]
  'config show': ConfigShowResult
  'config get': ConfigSetting
  'config set': ConfigSetResult
  'config validate': ConfigValidateResult
  init: InitResult
  'dev plugin': MadePlugin
  plugins: readonly PluginReport[]
  'plugins install': readonly PluginReport[]
  'plugins link': readonly PluginReport[]
  'plugins uninstall': PluginsRemoved
  'plugins update': readonly PluginUpdate[]
}
