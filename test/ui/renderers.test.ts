import {expect} from 'chai'

import {renderCheckpointInfo} from '../../src/ui/checkpoint-info-text.js'
import {renderCheckpointList} from '../../src/ui/checkpoint-text.js'
import {renderInstance, renderInstanceList} from '../../src/ui/instance-text.js'
import {renderProcesses} from '../../src/ui/processes-text.js'
import {checkpoint, HOSTILE, processes, RAW_CONTROL, resource, TABLE, TEXT} from './samples.js'

const INSTANCES = [
  resource(),
  resource({
    id: 'local-1a2b',
    platform: 'local',
    region: null,
    name: null,
    state: 'stopped',
    state_reason: 'user',
    instance_type: 'local',
    cost_per_hour: 0,
    estimated_cost: 0,
    cost_at_least: 0,
  }),
  resource({id: 'i-0aaaabbbbccccdddd', lifecycle: 'spot', name: '訓練', cost_per_hour: null, estimated_cost: null, cost_at_least: 0}),
]

describe('renderInstanceList', () => {
  it('keeps id, name, state and money in 80 columns and sums up below', () => {
    expect(renderInstanceList(INSTANCES, TABLE).split('\n')).to.deep.equal([
      'ID                   NAME     STATE    TYPE                UP  PER HOUR     COST',
      'i-0123456789abcdef0  mnist-…  running  g5.xlarge       3h 10m  $1.006/h    $3.19',
      'local-1a2b           -        stopped  local                -   $0.00/h    $0.00',
      'i-0aaaabbbbccccdddd  訓練     running  g5.xlarge spot  3h 10m   unknown  unknown',
      '',
      '2 of 3 instances running: $1.006/h, at least $3.19 so far; the cost of 1 is not known in full',
    ])
  })

  it('shows what is known of a cost that is not known in full', () => {
    const [, row, , sum] = renderInstanceList([resource({state: 'stopped', estimated_cost: null})], TABLE).split('\n')
    expect(row).to.match(/\$1\.006\/h +\$3\.19\+( |$)/)
    expect(sum).to.equal('0 of 1 instance running: $0.00/h, at least $3.19 so far; the cost of 1 is not known in full')
  })

  it('shows why an instance is in its state, and the rest, where there is room', () => {
    const [header] = renderInstanceList(INSTANCES, {...TABLE, width: 200}).split('\n')
    expect(header).to.match(/PLATFORM +REGION +STATE +WHY +TYPE .* PROJECT +OWNER +CHECKPOINT$/)
  })

  it('gives every field exactly as text', () => {
    expect(renderInstanceList(INSTANCES.slice(1, 2), TEXT)).to.equal(
      'local-1a2b\t-\tlocal\t-\tstopped\tuser\tlocal\t2026-11-23T17:05:00Z\t0\t0\t-\tmnist\tada\tcheckpoints/checkpoint_epoch_3.pt',
    )
  })
})

describe('renderInstance', () => {
  it('tells what it is, why it is so and what it costs', () => {
    const text = renderInstance(resource({state: 'stopped', state_reason: 'interrupted', lifecycle: 'spot', owner: null}), TABLE)
    expect(text).to.contain('State       stopped (interrupted)\n').and.contain('Type        g5.xlarge (spot)\n')
    expect(text).to.contain('Costs       $1.006/h (pricing-api)\n').and.not.contain('Owner')
    expect(text).to.contain('Checkpoint  checkpoints/checkpoint_epoch_3.pt (epoch 3, step 1200, 12m ago)')
  })

  it('never shows an unknown price as zero', () => {
    const text = renderInstance(resource({cost_per_hour: null, estimated_cost: null, cost_at_least: 0, price_source: null, storage_usd_per_month: null}), TABLE)
    expect(text).to.match(/Costs +unknown\nDisks +100 GiB, unknown price\nSo far +unknown\n/)
  })

  it('says what is in a cost, what is known of it, and why the rest is not', () => {
    const since = 'what it cost from 2026-11-01 10:00 to 2026-11-02 10:00 UTC is not known'
    expect(renderInstance(resource(), TABLE)).to.include('So far      $3.19 (machine and disks)\n').and.include('Disks       100 GiB, $8.00 a month, running or not\n')
    expect(renderInstance(resource({estimated_cost: null, cost_unknown: [since]}), {...TABLE, width: 200})).to.include(`So far      unknown; at least $3.19: ${since}\n`)
    expect(renderInstance(resource({stops_at: '2026-11-24T08:00:00Z'}), TABLE)).to.match(/Stops itself +.*2026-11-24/)
  })
})

describe('checkpoint texts', () => {
  const bad = checkpoint({
    path: 'checkpoints/deeper/and/deeper/model-step-000400.safetensors',
    epoch: null,
    step: 400,
    size_bytes: 3,
    state: 'corrupt',
    state_detail: 'cut off',
    places: [],
  })

  it('lists in 80 columns, keeping the end of a path', () => {
    expect(renderCheckpointList([checkpoint(), bad], TABLE).split('\n')).to.deep.equal([
      'PATH                            EPOCH  STEP     SIZE  AGE  STATE     WHERE',
      '…kpoints/checkpoint_epoch_3.pt      3  1200  52.4 MB  12m  complete  instance,s3',
      '…model-step-000400.safetensors      -   400      3 B  12m  corrupt   -',
    ])
    expect(renderCheckpointList([], TABLE, 'No checkpoints in x.')).to.equal('No checkpoints in x.')
  })

  it('shows the digest whole, every place, and why a state is not complete', () => {
    const text = renderCheckpointInfo({...checkpoint(), xray: null}, 0, TABLE)
    expect(text).to.contain('SHA-256   9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n')
    expect(text).to.contain('s3://my-bucket/runs/checkpoint_epoch_3.pt (not verified there)')
    expect(renderCheckpointInfo({...bad, xray: null}, 0, TABLE)).to.contain('State     corrupt: cut off\n').and.contain('Places    -')
  })
})

describe('renderProcesses', () => {
  it('shows the machine, its GPUs and the processes in 80 columns', () => {
    expect(renderProcesses(processes(), TABLE).split('\n')).to.deep.equal([
      '8 CPUs, load 3.21, memory 12 GiB of 15.6 GiB, disk 81.2 GB free of 100 GB',
      'GPU 0: NVIDIA A10G, 97% busy, memory 20 GiB of 22.5 GiB, 71 °C',
      'GPU 1: NVIDIA A10G',
      '',
      ' PID   CPU  MEMORY   GPU MEM     TIME  COMMAND',
      '4711  398%   8 GiB  19.6 GiB  19m 56s  python3 training/train_with_checkpoints.…',
      '  99     -       -         -        -  sh',
    ])
  })

  it('has no GPU column on a machine without one, and says that nothing runs', () => {
    const text = renderProcesses(processes({gpus: null}), TABLE)
    expect(text).not.to.contain('GPU')
    expect(renderProcesses(processes({processes: []}), TABLE)).to.match(/No processes of a run\.$/)
  })

  it('names the kind of each line as text, the fields always the same', () => {
    const kinds = (answer = processes()): readonly string[] => {
      const lines = renderProcesses(answer, TEXT).split('\n')
      return lines.map(line => `${line.split('\t')[0] ?? ''} ${line.split('\t').length}`)
    }
    expect(kinds()).to.deep.equal(['machine 7', 'gpu 7', 'gpu 7', 'process 8', 'process 8'])
    expect(kinds(processes({gpus: null}))).to.deep.equal(['machine 7', 'process 8', 'process 8'])
  })
})

describe('every renderer', () => {
  it('lets nothing hostile act on the terminal', () => {
    const instance = resource({
      id: HOSTILE,
      name: HOSTILE,
      project: HOSTILE,
      owner: HOSTILE,
      state_reason: HOSTILE as 'user',
      created_at: HOSTILE,
      region: HOSTILE,
      price_source: HOSTILE,
      last_checkpoint: {path: HOSTILE, epoch: null, step: null, at: HOSTILE},
    })
    const places = [{kind: 's3', where: HOSTILE, path: HOSTILE, verified_at: HOSTILE}] as const
    const kept = checkpoint({path: HOSTILE, state_detail: HOSTILE, format: HOSTILE, modified_at: HOSTILE, places})
    const [gpu] = processes().gpus ?? []
    const [process] = processes().processes
    const answer = processes({
      gpus: gpu ? [{...gpu, name: HOSTILE}] : null,
      processes: process ? [{...process, command: HOSTILE, run_id: HOSTILE}] : [],
    })
    for (const env of [TABLE, TEXT]) {
      expect(renderInstance(instance, env)).not.to.match(RAW_CONTROL)
      expect(renderInstanceList([instance], env).replaceAll('\t', '')).not.to.match(RAW_CONTROL)
      expect(renderCheckpointInfo({...kept, xray: null}, 0, env)).not.to.match(RAW_CONTROL)
      expect(renderCheckpointList([kept], env)).not.to.match(RAW_CONTROL)
      expect(renderProcesses(answer, env)).not.to.match(RAW_CONTROL)
    }
  })
})
