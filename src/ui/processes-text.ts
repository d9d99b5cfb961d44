import type {ProcessesAnswer} from '../agent/protocol.js'
import {formatBytes, formatMemory} from './bytes.js'
import {escapeLine} from './escape-control.js'
import {formatDuration} from './duration.js'
import {plural} from './plural.js'
import type {RenderEnv} from './render-env.js'
import {shownNumber} from './shown-values.js'
import {renderTable, type Column} from './table.js'
import {wrapWords} from './wrap-words.js'

type Gpu = NonNullable<ProcessesAnswer['gpus']>[number]
type Process = ProcessesAnswer['processes'][number]

/**
 * `table`: a line about the machine, one for each GPU, the processes. `text`: `machine`, `gpu` and `process` lines, each with
 * its kind in the first field, bytes and seconds as plain numbers.
 */
export function renderProcesses(answer: ProcessesAnswer, env: RenderEnv, empty = 'No processes of a run.'): string {
  if (env.format === 'text') return textLines(answer, env)
  const gpus = answer.gpus ?? []
  const head = [...wrapWords(machineLine(answer), env.width), ...gpus.map(gpuLine)]
  return [...head, '', renderTable(processColumns(answer, env), answer.processes, env, empty)].join('\n')
}

function machineLine(answer: ProcessesAnswer): string {
  return [
    plural(answer.cpu_count, 'CPU'),
    ...(answer.load_1min === null ? [] : [`load ${answer.load_1min.toFixed(2)}`]),
    ...(answer.memory_total_bytes === null ? [] : [memoryWords(answer.memory_used_bytes, answer.memory_total_bytes)]),
    `disk ${formatBytes(answer.disk_free_bytes)} free of ${formatBytes(answer.disk_total_bytes)}`,
  ].join(', ')
}

function memoryWords(usedBytes: number | null, totalBytes: number): string {
  return `memory ${formatMemory(usedBytes)} of ${formatMemory(totalBytes)}`
}

function gpuLine(gpu: Gpu): string {
  return [
    `GPU ${gpu.index}: ${escapeLine(gpu.name)}`,
    ...(gpu.utilization_percent === null ? [] : [`${gpu.utilization_percent}% busy`]),
    ...(gpu.memory_total_bytes === null ? [] : [memoryWords(gpu.memory_used_bytes, gpu.memory_total_bytes)]),
    ...(gpu.temperature_c === null ? [] : [`${gpu.temperature_c} °C`]),
  ].join(', ')
}

function processColumns(answer: ProcessesAnswer, env: RenderEnv): readonly Column<Process>[] {
  const memory = (bytes: number | null): string | null => {
    if (bytes === null) return null
    return env.format === 'text' ? String(bytes) : formatMemory(bytes)
  }
  const gpuMemory: Column<Process> = {header: 'GPU MEM', value: row => memory(row.gpu_memory_bytes), align: 'right', priority: 4}
  return [
    {header: 'PID', value: row => String(row.pid), align: 'right'},
    {header: 'CPU', value: row => percent(row.cpu_percent, env), align: 'right', priority: 5},
    {header: 'MEMORY', value: row => memory(row.memory_bytes), align: 'right', priority: 3},
    ...(env.format === 'text' || answer.gpus !== null ? [gpuMemory] : []),
    {header: 'TIME', value: row => elapsed(row.elapsed_s, env), align: 'right', priority: 2},
    {header: 'RUN', value: row => row.run_id, priority: 1},
    {header: 'COMMAND', value: row => commandWords(row.command), minWidth: 24},
  ]
}

/** runctl's own part on the instance, by what it does. */
function commandWords(command: string): string {
  const own = /\/\.runctl\/agent\/[0-9a-f]{64}\.pyz (\w+)/.exec(command)?.[1]
  return own === undefined ? command : `runctl agent (${own.replace(/^_/, '')})`
}

function percent(value: number | null, env: RenderEnv): string | null {
  if (value === null) return null
  return env.format === 'text' ? String(value) : `${value.toFixed(0)}%`
}

function elapsed(seconds: number | null, env: RenderEnv): string | null {
  if (seconds === null) return null
  return env.format === 'text' ? String(seconds) : formatDuration(seconds * 1000)
}

function textLines(answer: ProcessesAnswer, env: RenderEnv): string {
  const machine: Column<ProcessesAnswer>[] = [
    {header: '', value: () => 'machine'},
    {header: '', value: row => String(row.cpu_count)},
    {header: '', value: row => shownNumber(row.load_1min)},
    {header: '', value: row => shownNumber(row.memory_used_bytes)},
    {header: '', value: row => shownNumber(row.memory_total_bytes)},
    {header: '', value: row => String(row.disk_free_bytes)},
    {header: '', value: row => String(row.disk_total_bytes)},
  ]
  const gpu: Column<Gpu>[] = [
    {header: '', value: () => 'gpu'},
    {header: '', value: row => String(row.index)},
    {header: '', value: row => row.name},
    {header: '', value: row => shownNumber(row.utilization_percent)},
    {header: '', value: row => shownNumber(row.memory_used_bytes)},
    {header: '', value: row => shownNumber(row.memory_total_bytes)},
    {header: '', value: row => shownNumber(row.temperature_c)},
  ]
  const process: Column<Process>[] = [{header: '', value: () => 'process'}, ...processColumns(answer, env)]
  return [
    renderTable(machine, [answer], env, ''),
    renderTable(gpu, answer.gpus ?? [], env, ''),
    renderTable(process, answer.processes, env, ''),
  ]
    .filter(part => part !== '')
    .join('\n')
}
