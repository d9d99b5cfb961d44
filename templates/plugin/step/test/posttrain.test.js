import assert from 'node:assert/strict'
import {it} from 'node:test'

import posttrain from '../posttrain.js'

it('says how the run ended, in the words of the configuration', async () => {
  const notes = []
  const given = {instance: {id: 'local-1'}, run: {script: 'train.py', reason: 'completed'}, settings: {shed: {greeting: 'well done'}}, note: text => notes.push(text)}
  await posttrain.call({}, given)
  assert.deepEqual(notes, ['well done: train.py on local-1, completed'])
})
