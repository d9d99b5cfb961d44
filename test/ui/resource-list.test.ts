import {expect} from 'chai'

import type {HoldingRow, ListedRow} from '../../src/core/list-holdings.js'
import type {PagedText} from '../../src/ui/paged-text.js'
import {ResourceListText} from '../../src/ui/resource-list-text.js'
import {ResourcesCsv} from '../../src/ui/resources-csv.js'
import {ResourcesHtml} from '../../src/ui/resources-html.js'
import {PagedTable} from '../../src/ui/table.js'
import {displayWidth} from '../../src/ui/display-width.js'
import {COLOR, HOSTILE, NOW, RAW_CONTROL, resource, TABLE, TEXT} from './samples.js'

const whole = (form: PagedText<ListedRow>, ...pages: readonly (readonly ListedRow[])[]): string => form.begin() + pages.map(page => form.page(page)).join('') + form.end()

function volume(over: Partial<HoldingRow> = {}): HoldingRow {
  return {
    ...resource({instance_type: null, estimated_cost: null, cost_at_least: 0, cost_per_hour: null, run: null, last_checkpoint: null, launched_at: null}),
    kind: 'volume', id: 'vol-0123456789abcdef0', name: 'data', state: 'available', lifecycle: null, holding_type: 'gp3', goes_with_instance: false, ...over,
  }
}

describe('a table that comes page by page', () => {
  const table = (): PagedTable<{readonly id: string; readonly note: string | null}> =>
    new PagedTable([{header: 'ID', value: row => row.id}, {header: 'NOTE', value: row => row.note, priority: 1}], TABLE)

  it('has its header once, as long as later pages fit', () => {
    const one = table()
    expect(one.page([{id: 'i-long', note: 'abcd'}])).to.equal('ID      NOTE\ni-long  abcd')
    expect(one.page([{id: 'i-1', note: null}])).to.equal('i-1     -')
  })

  it('begins anew where a cell is wider, or a column says something now: nothing is cut or left out for being late', () => {
    const one = table()
    expect(one.page([{id: 'i-1', note: null}])).to.equal('ID\ni-1')
    expect(one.page([{id: 'i-2', note: 'x'}])).to.equal('\nID   NOTE\ni-2  x')
    expect(one.page([{id: 'i-longer', note: 'x'}])).to.equal('\nID        NOTE\ni-longer  x')
    expect(one.page([{id: 'i-3', note: null}])).to.equal('i-3       -')
  })
})

describe('the list of resources as text', () => {
  it('has instances, other things below, and sums in which what is not known is counted', () => {
    const unknown = resource({id: 'i-2', cost_per_hour: null, estimated_cost: null, cost_at_least: 1})
    const text = whole(new ResourceListText(TABLE), [resource(), unknown], [volume(), volume({id: 'vol-2', storage_usd_per_month: null, attached_to: 'i-2'})])
    expect(text).to.contain('2 of 2 instances running: $1.006/h + unknown (1), $4.19 + unknown (1) so far')
    expect(text).to.contain('2 volumes: $8.00 + unknown (1) a month, $8.00 of it attached to nothing')
    expect(text).to.match(/vol-2 +volume .*unknown/)
  })

  it('fits into 80 columns, in colour too, and lets nothing act on the terminal', () => {
    const hostile = {name: HOSTILE, project: HOSTILE, owner: HOSTILE}
    const text = whole(new ResourceListText(TABLE), [resource(hostile)], [volume({...hostile, attached_to: 'i-0123456789abcdef0'})])
    for (const line of text.split('\n')) expect(displayWidth(line), line).to.be.at.most(80)
    expect(text).not.to.match(RAW_CONTROL)
    expect(whole(new ResourceListText(COLOR), [resource()])).to.contain('\x1b[1mID\x1b[22m')
  })

  it('is lines alone for programs, each beginning with an id, and a sentence where there is nothing', () => {
    const lines = whole(new ResourceListText(TEXT), [resource()], [volume()]).split('\n')
    expect(lines.map(line => line.split('\t')[0])).to.deep.equal(['i-0123456789abcdef0', 'vol-0123456789abcdef0', ''])
    expect(whole(new ResourceListText(TEXT))).to.equal('')
    expect(whole(new ResourceListText(TABLE, 'No instances.'))).to.equal('No instances.\n')
  })
})

describe('the list as CSV', () => {
  const cells = (row: ListedRow): Readonly<Record<string, string>> => {
    const [header = '', line = ''] = whole(new ResourcesCsv(), [row]).split('\r\n')
    return Object.fromEntries(header.split(',').map((name, at) => [name, line.split(',')[at] ?? '']))
  }

  it('says unknown for a price that is not known, and nothing for what does not apply', () => {
    expect(cells(resource({cost_per_hour: null, estimated_cost: null, storage_usd_per_month: null}))).to.include({cost_per_hour: 'unknown', estimated_cost: 'unknown', storage_usd_per_month: 'unknown'})
    expect(cells(resource({cost_per_hour: 0, stops_at: null}))).to.include({cost_per_hour: '0', stops_at: '', id: 'i-0123456789abcdef0'})
    expect(cells(volume())).to.include({kind: 'volume', cost_per_hour: '', estimated_cost: 'unknown', storage_usd_per_month: '8', instance_type: 'gp3'})
  })

  it('makes no formula of what somebody wrote into a tag', () => {
    for (const name of ['=1+1', '+1', '-1', '@x', '\tx']) expect(cells(resource({name})).name).to.equal(`'${name}`)
    expect(cells(resource({name: 'a=1'})).name).to.equal('a=1')
  })

  it('quotes as RFC 4180 says', () => {
    const csv = whole(new ResourcesCsv(), [resource({name: 'a "b", c\nd', owner: '=HYPERLINK("x")'})])
    expect(csv).to.contain(',"a ""b"", c\nd",').and.contain(`"'=HYPERLINK(""x"")"`)
    expect(csv.endsWith('\r\n')).to.equal(true)
  })
})

describe('the list as HTML', () => {
  it('is one file that needs no other, with sums and its date, and unknown as unknown', () => {
    const html = whole(new ResourcesHtml(NOW), [resource(), resource({id: 'i-2', cost_per_hour: null, estimated_cost: null, cost_at_least: 0})], [volume()])
    expect(html).to.match(/^<!DOCTYPE html>/).and.match(/<\/html>\n$/)
    expect(html).not.to.match(/(src|href)=|@import|url\(/)
    expect(html).to.contain('2026-11-23 20:15 UTC').and.contain('$3.19 + unknown (1) so far')
    expect(html.match(/<tr>/g)).to.have.length(4)
    expect(html).to.contain('<td class="number unknown">unknown</td>')
  })

  it('escapes what somebody wrote', () => {
    const html = whole(new ResourcesHtml(NOW), [resource({name: '<script>alert("1")</script>', owner: `' & ${HOSTILE}`})])
    expect(html).to.contain('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;').and.contain('&#39; &amp; ')
    expect(html).not.to.match(/<script|\x1b|\u202e/)
  })
})
