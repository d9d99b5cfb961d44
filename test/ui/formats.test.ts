import {expect} from 'chai'

import {formatBytes, formatMemory} from '../../src/ui/bytes.js'
import {fitWidth} from '../../src/ui/display-width.js'
import {formatAge, formatAgo, formatDuration} from '../../src/ui/duration.js'
import {formatCost, formatHourly} from '../../src/ui/money.js'
import {formatTime} from '../../src/ui/timestamp.js'
import {wrapWords} from '../../src/ui/wrap-words.js'
import {NOW} from './samples.js'

const ago = (seconds: number): string => new Date(NOW.getTime() - seconds * 1000).toISOString()

describe('formats', () => {
  it('tells sizes in decimal and memory in binary units', () => {
    expect([52_400_000, 0, null].map(formatBytes)).to.deep.equal(['52.4 MB', '0 B', '-'])
    expect([2 ** 34, null].map(formatMemory)).to.deep.equal(['16 GiB', '-'])
  })

  it('tells durations with two units at most', () => {
    expect([400, 12_340, 59_960, 60_000].map(formatDuration)).to.deep.equal(['0.4s', '12.3s', '1m', '1m'])
    expect([302_000, 12_000_000, 360_000_000].map(formatDuration)).to.deep.equal(['5m 2s', '3h 20m', '4d 4h'])
  })

  it('tells ages, and takes a clock that is ahead for now', () => {
    const ages = [-90, 0, 42, 119, 3600, 12_000, 400_000].map(seconds => formatAge(ago(seconds), NOW))
    expect(ages).to.deep.equal(['now', 'now', '42s', '1m', '1h', '3h 20m', '4d'])
    expect([ago(42), ago(0), null, 'soon'].map(at => formatAgo(at, NOW))).to.deep.equal(['42s ago', 'now', null, null])
  })

  it('tells money with as many digits as matter, and what is unknown as unknown', () => {
    expect([1.006, 0.5, 32.7726].map(formatHourly)).to.deep.equal(['$1.006/h', '$0.50/h', '$32.773/h'])
    expect([0.0104, 0.00005, 0, null].map(formatHourly)).to.deep.equal(['$0.0104/h', '$0.0001/h', '$0.00/h', 'unknown'])
    expect([12.3, 0, 1234.567].map(formatCost)).to.deep.equal(['$12.30', '$0.00', '$1234.57'])
    expect([0.001, 0.005, null].map(formatCost)).to.deep.equal(['<$0.01', '$0.01', 'unknown'])
  })

  it('tells times in UTC, and shows what is no time as it came', () => {
    expect(['2026-11-23T21:15:33+01:00', null, 'soon'].map(formatTime)).to.deep.equal(['2026-11-23 20:15 UTC', null, 'soon'])
  })

  it('cuts at whole characters, counting wide ones twice', () => {
    expect([fitWidth('訓練マシン', 6), fitWidth('訓練マシン', 6, 'start'), fitWidth('abc', 3)]).to.deep.equal(['訓練…', '…シン', 'abc'])
    expect(fitWidth('👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧', 5)).to.equal('👩‍👩‍👧👩‍👩‍👧…')
  })

  it('wraps at spaces alone', () => {
    expect(wrapWords('one two three\n  indented text here', 10)).to.deep.equal(['one two', 'three', '  indented', 'text here'])
    expect(wrapWords('a /very/long/path/that/stays b', 8)).to.deep.equal(['a', '/very/long/path/that/stays', 'b'])
  })
})
