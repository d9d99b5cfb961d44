import {expect} from 'chai'
import fc from 'fast-check'

import {displayWidth} from '../../src/ui/display-width.js'
import {renderRecord} from '../../src/ui/record.js'
import {renderTable, type Column} from '../../src/ui/table.js'
import {COLOR, HOSTILE, RAW_CONTROL, TABLE, TEXT} from './samples.js'

interface Row {
  readonly id: string
  readonly name: string | null
  readonly path: string
}
const COLUMNS: readonly Column<Row>[] = [
  {header: 'ID', value: row => row.id},
  {header: 'NAME', value: row => row.name, minWidth: 8, priority: 2},
  {header: 'PATH', value: row => row.path, minWidth: 10, cut: 'start'},
  {header: 'N', value: () => '7', align: 'right', priority: 1, style: () => 'green'},
]
const ROWS: readonly Row[] = [
  {id: 'i-1', name: '訓練', path: 'a/b.pt'},
  {id: 'local-22', name: null, path: 'checkpoints/epoch_1.pt'},
]

describe('renderTable', () => {
  it('aligns columns by what a terminal shows, without borders or trailing spaces', () => {
    expect(renderTable(COLUMNS, ROWS, TABLE, 'None.').split('\n')).to.deep.equal([
      'ID        NAME  PATH                    N',
      'i-1       訓練  a/b.pt                  7',
      'local-22  -     checkpoints/epoch_1.pt  7',
    ])
  })

  it('cuts what may be cut, from the side that says less', () => {
    const row = {id: 'x', name: 'n'.repeat(40), path: 'very/long/folder/name/of/a/project/last.pt'}
    const lines = renderTable(COLUMNS, [row], {...TABLE, width: 40}, '').split('\n')
    expect(lines[1]).to.equal('x   nnnnnnnnnnnnnn…  …project/last.pt  7')
    expect(displayWidth(lines[1] ?? '')).to.equal(40)
  })

  it('drops the least important columns where it is too narrow, and never cuts an id', () => {
    const row = {id: 'i-0123456789abcdef0', name: 'n'.repeat(40), path: 'p'.repeat(40)}
    expect(renderTable(COLUMNS, [row], {...TABLE, width: 31}, '').split('\n')[0]).to.equal('ID                   PATH')
    expect(renderTable(COLUMNS, [row], {...TABLE, width: 5}, '')).to.contain('i-0123456789abcdef0')
  })

  it('colours the header and cells only where colour is wanted', () => {
    expect(renderTable(COLUMNS, ROWS, COLOR, '')).to.contain('\x1b[1mID\x1b[22m').and.contain('\x1b[32m7\x1b[39m')
    expect(renderTable(COLUMNS, ROWS, TABLE, '')).not.to.contain('\x1b')
  })

  it('gives whole tab-separated values without a header as text', () => {
    const row = {id: 'x', name: null, path: 'p'.repeat(300)}
    expect(renderTable(COLUMNS, [row], TEXT, 'None.')).to.equal(`x\t-\t${'p'.repeat(300)}\t7`)
  })

  it('says that there is nothing, and prints nothing for programs', () => {
    expect(renderTable(COLUMNS, [], TABLE, 'No rows yet.')).to.equal('No rows yet.')
    expect(renderTable(COLUMNS, [], TEXT, 'No rows yet.')).to.equal('')
  })

  it('keeps hostile values in their cell', () => {
    const row = {id: HOSTILE, name: HOSTILE, path: HOSTILE}
    for (const env of [TABLE, TEXT]) {
      const lines = renderTable(COLUMNS, [row], env, '').split('\n')
      expect(lines).to.have.length(env === TABLE ? 2 : 1)
      expect(lines.at(-1)?.replaceAll('\t', '')).not.to.match(RAW_CONTROL)
    }
    expect(renderTable(COLUMNS, [row], TEXT, '').split('\t')).to.have.length(4)
  })

  it('fits every width that its least widths allow', () => {
    const cell = fc.string({maxLength: 60})
    const row = fc.record({id: fc.constant('id-1'), name: fc.option(cell), path: cell})
    fc.assert(
      fc.property(fc.array(row, {minLength: 1, maxLength: 5}), fc.integer({min: 20, max: 120}), (rows, width) => {
        for (const line of renderTable(COLUMNS, rows, {...TABLE, width}, '').split('\n')) expect(displayWidth(line)).to.be.at.most(width)
      }),
      {numRuns: 300},
    )
  })
})

describe('renderRecord', () => {
  it('aligns values, wraps sentences at spaces and never breaks a path', () => {
    const path = `/${'long/'.repeat(30)}end`
    const pairs = [['Name', 'x'], ['Detail', 'word '.repeat(12).trim()], ['Path', path], ['Left out', undefined], ['None', null]] as const
    expect(renderRecord(pairs, {...TABLE, width: 50}).split('\n')).to.deep.equal([
      'Name    x',
      'Detail  word word word word word word word word',
      '        word word word word',
      `Path    ${path}`,
      'None    -',
    ])
  })

  it('gives label, tab, value as text, a line for each value of a list', () => {
    expect(renderRecord([['Where', ['a\tb', 'c']], ['None', []]], TEXT)).to.equal('Where\ta\\tb\nWhere\tc\nNone\t-')
  })
})
