import type {NotifyDocument} from './document.js'
import {plain} from './plain-text.js'
import type {Format} from './settings.js'

/** Of Slack: 3000 for the text of a section, 2000 for a field, ten fields. */
const MOST_TEXT = 2500
const MOST_FIELD = 500

/** What is sent: one JSON document. */
export function messageBody(document: NotifyDocument, format: Format): string {
  return JSON.stringify(format === 'slack' ? slackMessage(document) : document)
}

interface SlackMessage {
  readonly text: string
  readonly blocks: readonly unknown[]
}

export function slackMessage(document: NotifyDocument): SlackMessage {
  const text = escaped(document.text, MOST_TEXT)
  const fields = fieldsOf(document).map(([name, value]) => ({type: 'mrkdwn', text: `*${name}*\n${escaped(value, MOST_FIELD)}`}))
  const section = {type: 'section', text: {type: 'mrkdwn', text}}
  return {text, blocks: fields.length === 0 ? [section] : [section, {type: 'section', fields}]}
}

function fieldsOf({checkpoint, instance, platform, run}: NotifyDocument): readonly (readonly [string, string])[] {
  const all: readonly (readonly [string, string | null | undefined])[] = [
    ['Run', run?.id],
    ['Script', run?.script],
    ['Result', run?.reason],
    ['Exit status', run?.exit_code?.toString()],
    ['Instance', instance?.id],
    ['Type', instance?.type],
    ['Platform', platform],
    ['Checkpoint', checkpoint?.path],
  ]
  return all.flatMap(([name, value]) => (value === null || value === undefined ? [] : [[name, value] as const]))
}

/**
 * Slack asks for these three. `*`, `_`, `~` and backquotes have a meaning between words only to the eye, but a name must not be able to mention
 * everybody or to be a link: both begin with `<`.
 */
function escaped(text: string, most: number): string {
  return plain(text, most).replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
