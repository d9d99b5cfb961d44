import type {MadePlugin} from '../core/make-plugin.js'
import {escapeControl} from './escape-control.js'

export function renderMadePlugin({files, folder, name, next}: MadePlugin): string {
  return [`${name} in ${escapeControl(folder)}:`, ...files.map(file => `  ${file}`), '', ...next.map((command, at) => `${at === 0 ? 'Next:' : '     '} ${escapeControl(command)}`)].join('\n')
}
