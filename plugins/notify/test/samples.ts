import type {Checkpoint, Instance, RunStatus} from 'runctl'

export const INSTANCE: Instance = {
  id: 'local-0a1b2c3d',
  platform: 'local',
  name: 'gpu-box',
  state: 'running',
  stateReason: null,
  region: null,
  instanceType: null,
  lifecycle: 'on-demand',
  createdAt: '2026-11-23T12:00:00Z',
  launchedAt: '2026-11-23T12:00:00Z',
  tags: {'runctl:owner': 'nobody is told this'},
}

export const CHECKPOINT: Checkpoint = {
  path: 'checkpoints/epoch_3.json',
  state: 'complete',
  state_detail: null,
  format: 'json',
  size_bytes: 120,
  sha256: 'ab',
  step: 300,
  epoch: 3,
  metrics: {loss: 0.5},
  modified_at: '2026-11-23T12:30:00Z',
  run_id: 'r-1',
  attempt: 1,
  tags: [],
  places: [],
}

export function runStatus(change: Partial<RunStatus> = {}): RunStatus {
  const known = {run_id: 'r-1', name: null, project: 'digits', script: 'train.py', args: ['--token', 'hf_secret'], state: 'ended', reason: 'completed', detail: null, exit_code: 0, signal: null}
  return {...known, started_at: '2026-11-23T12:00:00Z', ended_at: '2026-11-23T12:40:00Z', checkpoint_count: 3, last_checkpoint: CHECKPOINT, ...change} as RunStatus
}
