import {resolve} from 'node:path'

import type {ConfigValidateResult} from '../model/config-answers.js'
import {RunctlError} from '../model/errors.js'
import {readConfigFile} from './config-files.js'
import {readConfiguration, type ConfigurationInput} from './load-configuration.js'
import {configError} from './problem.js'
import {KeyTable} from './key-table.js'
import {readLayer} from './read-layer.js'

/** One file, or everything that counts here, the environment included. Throws `bad_input` with every problem. */
export async function validateConfiguration(input: ConfigurationInput & {readonly file?: string}): Promise<ConfigValidateResult> {
  if (input.file !== undefined) return validateFile(resolve(input.cwd, input.file), input)
  const {configuration, problems} = await readConfiguration(input)
  if (problems.length > 0) throw configError(problems, input.cwd)
  return {valid: true, files: [configuration.userFile, configuration.projectFile].filter(file => file !== null)}
}

async function validateFile(path: string, {cwd, pluginSettings}: ConfigurationInput): Promise<ConfigValidateResult> {
  const file = await readConfigFile(path)
  if (file === null) throw new RunctlError('not_found', `there is no file ${path}`)
  const problems = file.problem === null ? (await readLayer(file.text, path, new KeyTable(pluginSettings))).problems : [file.problem]
  if (problems.length > 0) throw configError(problems, cwd)
  return {valid: true, files: [path]}
}
