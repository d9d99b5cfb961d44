import {execFile} from 'node:child_process'
import {readdir, readFile} from 'node:fs/promises'
import path from 'node:path'
import {promisify} from 'node:util'
import {Ajv} from 'ajv'
import {expect} from 'chai'

import {errorJson} from '../../src/cli/error-json.js'
import {RunctlError} from '../../src/model/errors.js'

const root = path.resolve(import.meta.dirname, '../..')
const folder = path.join(root, 'docs/json')
const schema = async (name: string): Promise<object> => JSON.parse(await readFile(path.join(folder, name), 'utf8'))

describe('the schemas in docs/json', () => {
  it('are what the types of the commands say', async function () {
    this.timeout(60_000)
    await promisify(execFile)(process.execPath, ['scripts/json-schemas.mjs', '--check'], {cwd: root})
  })

  it('are valid schemas', async () => {
    const names = await readdir(folder)
    expect(names).to.include('error.schema.json')
    for (const name of names) new Ajv({strict: false}).compile(await schema(name))
  })

  it('fit the document of a failure, and tell it from a result', async () => {
    const isError = new Ajv({strict: false}).compile(await schema('error.schema.json'))
    for (const error of [new RunctlError('not_found', 'x', {details: {a: 1}}), new TypeError('x')]) expect(isError(JSON.parse(JSON.stringify(errorJson(error, 3))))).to.equal(true)
    expect(isError([])).to.equal(false)
    for (const name of (await readdir(folder)).filter(file => file !== 'error.schema.json')) {
      expect(new Ajv({strict: false}).compile(await schema(name))(errorJson(new RunctlError('not_found', 'x'), 3)), name).to.equal(false)
    }
  })
})
