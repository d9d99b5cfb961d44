import type {ProcessesAnswer, RunStatus} from '../../src/agent/protocol.js'
import type {Checkpoint} from '../../src/model/checkpoint.js'
import type {ResourceRow} from '../../src/core/list-resources.js'
import type {RenderEnv} from '../../src/ui/render-env.js'

export const NOW = new Date('2026-11-23T20:15:00Z')
export const TABLE: RenderEnv = {format: 'table', width: 80, color: false, now: NOW}
export const TEXT: RenderEnv = {...TABLE, format: 'text'}
export const COLOR: RenderEnv = {...TABLE, color: true}

/** What a hostile tag, file name or log line may hold. */
export const HOSTILE = '\x1b[2J\x1b]0;x\x07\r\u202eevil\u009b31m\n\tend'
export const RAW_CONTROL = /[\0-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/

export function checkpoint(over: Partial<Checkpoint> = {}): Checkpoint {
  return {
    path: 'checkpoints/checkpoint_epoch_3.pt',
    state: 'complete',
    state_detail: null,
    format: 'torch-zip',
    size_bytes: 52_428_800,
    sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    step: 1200,
    epoch: 3,
    metrics: {},
    modified_at: '2026-11-23T20:03:00Z',
    run_id: 'run-20261123-195501-3f9a',
    attempt: 1,
    tags: [],
    places: [
      {
        kind: 'instance',
        where: 'i-0123456789abcdef0',
        path: '/home/u/projects/mnist/checkpoints/checkpoint_epoch_3.pt',
        verified_at: '2026-11-23T20:04:00Z',
      },
      {kind: 's3', where: 'my-bucket', path: 'runs/checkpoint_epoch_3.pt', verified_at: null},
    ],
    ...over,
  }
}

export function run(over: Partial<RunStatus> = {}): RunStatus {
  return {
    run_id: 'run-20261123-195501-3f9a',
    name: null,
    project: 'mnist',
    script: 'training/train_with_checkpoints.py',
    args: ['--epochs', '5'],
    state: 'running',
    reason: null,
    detail: null,
    exit_code: null,
    signal: null,
    attempt: 1,
    parent_run_id: null,
    resume_from: null,
    created_at: '2026-11-23T19:55:01Z',
    started_at: '2026-11-23T19:55:04Z',
    ended_at: null,
    pid: 4711,
    processes_alive: 3,
    project_dir: '/home/u/projects/mnist',
    checkpoint_dir: '/home/u/projects/mnist/checkpoints',
    output_dir: '/home/u/projects/mnist/outputs',
    log_path: '/home/u/.runctl/runs/run-20261123-195501-3f9a/log',
    log_size_bytes: 18_233,
    last_log_line: 'epoch 3 loss 0.412 accuracy 0.913',
    last_log_at: '2026-11-23T20:14:30Z',
    checkpoint_count: 3,
    last_checkpoint: checkpoint(),
    last_stored_checkpoint: null,
    save_took_s: null,
    resume_alarm: null,
    output_uri: null,
    upload: null,
    ...over,
  }
}

export function resource(over: Partial<ResourceRow> = {}): ResourceRow {
  return {
    kind: 'instance',
    id: 'i-0123456789abcdef0',
    name: 'mnist-trainer',
    platform: 'aws',
    region: 'us-east-1',
    state: 'running',
    state_reason: null,
    instance_type: 'g5.xlarge',
    lifecycle: 'on-demand',
    created_at: '2026-11-20T08:00:00Z',
    launched_at: '2026-11-23T17:05:00Z',
    stopped_at: null,
    cost_per_hour: 1.006,
    estimated_cost: 3.1877,
    cost_at_least: 3.1877,
    cost_unknown: [],
    price_source: 'pricing-api',
    storage_usd_per_month: 8,
    disk_gib: 100,
    project: 'mnist',
    owner: 'ada',
    run: 'run-20261123-195501-3f9a',
    last_checkpoint: {path: 'checkpoints/checkpoint_epoch_3.pt', epoch: 3, step: 1200, at: '2026-11-23T20:03:00Z'},
    at_risk_usd: null,
    stops_at: null,
    made_by_runctl: true,
    attached_to: null,
    over_budget: null,
    ...over,
  }
}

export function processes(over: Partial<ProcessesAnswer> = {}): ProcessesAnswer {
  return {
    now: '2026-11-23T20:15:00Z',
    cpu_count: 8,
    load_1min: 3.214,
    memory_total_bytes: 16_777_216_000,
    memory_used_bytes: 12_884_901_888,
    disk_total_bytes: 100_000_000_000,
    disk_free_bytes: 81_200_000_000,
    gpus: [
      {
        index: 0,
        name: 'NVIDIA A10G',
        utilization_percent: 97,
        memory_used_bytes: 21_474_836_480,
        memory_total_bytes: 24_159_191_040,
        temperature_c: 71,
      },
      {index: 1, name: 'NVIDIA A10G', utilization_percent: null, memory_used_bytes: null, memory_total_bytes: null, temperature_c: null},
    ],
    processes: [
      {
        pid: 4711,
        ppid: 4700,
        run_id: 'run-20261123-195501-3f9a',
        cpu_percent: 398.2,
        memory_bytes: 8_589_934_592,
        gpu_memory_bytes: 21_000_000_000,
        elapsed_s: 1196,
        command: 'python3 training/train_with_checkpoints.py --epochs 5 --checkpoint-interval 1 --learning-rate 0.001',
      },
      {pid: 99, ppid: 1, run_id: null, cpu_percent: null, memory_bytes: null, gpu_memory_bytes: null, elapsed_s: null, command: 'sh'},
    ],
    ...over,
  }
}
