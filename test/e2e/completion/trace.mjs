// Notes every module that Node loads and every file that is read with readFileSync, a line each, in $TRACE.
import fs from 'node:fs'
import {register, syncBuiltinESMExports} from 'node:module'

const {TRACE} = process.env
const {readFileSync} = fs
fs.readFileSync = (file, ...rest) => {
  fs.appendFileSync(TRACE, `read ${file}\n`)
  return readFileSync(file, ...rest)
}
syncBuiltinESMExports()
const hook = `import {appendFileSync} from 'node:fs'
export async function load(url, context, next) {
  if (url.startsWith('file:')) appendFileSync(${JSON.stringify(TRACE)}, 'load ' + new URL(url).pathname + '\\n')
  return next(url, context)
}`
register(`data:text/javascript,${encodeURIComponent(hook)}`)
