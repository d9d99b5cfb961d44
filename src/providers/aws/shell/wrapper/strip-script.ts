/**
 * A shell script without its comment lines, empty lines and indentation, which cost bytes on their way. It knows no quotes: a quoted text must not
 * go over a line end (a test compares what a shell makes of both).
 */
export function stripScript(script: string): string {
  const lines = script.split('\n').map(line => line.trimStart())
  return lines.filter(line => line !== '' && !line.startsWith('#')).join('\n') + '\n'
}
