import {expect} from 'chai'
import fc from 'fast-check'

import {costBetween, costUntil, monthsBetween, sumOfCosts, type CostSegment} from '../../src/model/cost.js'
import {spotSegments} from '../../src/model/cost-spot.js'
import {decodeCostTags, encodeCostTags} from '../../src/model/cost-tags.js'

const at = (text: string): Date => new Date(`2026-${text}Z`)
const segment = (from: string, to: string | null, over: Partial<CostSegment> = {}): CostSegment => ({
  from: at(from).toISOString(), to: to === null ? null : at(to).toISOString(), kind: 'on-demand', instance_type: 'g5.xlarge', usd_per_hour: 1,
  storage_usd_per_month: 0, price_source: 'pricing-api', begins_with_start: true, ...over,
})

const T0 = Date.UTC(2026, 0, 20)
const money = fc.option(fc.double({min: 0, max: 40, noNaN: true}), {nil: null, freq: 6})
/** A history without holes: each beginning where the one before ends, the last perhaps going on. */
const history = (prices: fc.Arbitrary<number | null>) => fc.array(fc.record({
  seconds: fc.oneof(fc.integer({min: 0, max: 200}), fc.integer({min: 1, max: 3_000_000})),
  kind: fc.constantFrom('on-demand' as const, 'spot' as const, 'stopped' as const),
  usd: prices, storage: prices, start: fc.boolean(), type: fc.constantFrom('g5.xlarge', 't3.micro', null),
}), {maxLength: 12}).chain(parts => fc.boolean().map(isOpen => {
  let from = T0
  return parts.map(({kind, seconds, start, storage, type, usd}, index): CostSegment => {
    const to = from + seconds * 1000
    const made = {
      from: new Date(from).toISOString(), to: isOpen && index === parts.length - 1 ? null : new Date(to).toISOString(), kind, instance_type: type,
      usd_per_hour: kind === 'stopped' ? 0 : usd, storage_usd_per_month: storage, price_source: kind === 'stopped' || usd === null ? null : 'pricing-api', begins_with_start: kind !== 'stopped' && start,
    }
    from = to
    return made
  })
}))
const moment = fc.integer({min: T0 - 1e9, max: T0 + 4e10}).map(ms => new Date(ms))

describe('what segments cost', () => {
  it('counts the machine by the second and the disks by the second of the month that it is', () => {
    expect(costBetween([segment('11-01T10:00:00', '11-01T11:30:00')], at('11-01T00:00:00'), at('11-02T00:00:00'))).to.deep.equal({usd: 1.5, known_usd: 1.5, unknown: []})
    const disks = [segment('02-15T00:00:00', '03-16T12:00:00', {kind: 'stopped', usd_per_hour: 0, storage_usd_per_month: 10, begins_with_start: false})]
    expect(costUntil(disks, at('12-01T00:00:00')).usd).to.be.closeTo(10 * (14 / 28 + 15.5 / 31), 1e-9)
  })

  it('counts a minute of each start at least, and once where a price changed within it', () => {
    const short = [segment('11-01T10:00:00', '11-01T10:00:10', {usd_per_hour: 36}), segment('11-01T10:00:10', '11-01T10:00:20', {usd_per_hour: 72, begins_with_start: false})]
    expect(costUntil(short, at('12-01T00:00:00')).usd).to.be.closeTo(0.1 + 0.2 + 40 * 0.02, 1e-9)
    const twice = [segment('11-01T10:00:00', '11-01T10:00:10'), segment('11-01T10:05:00', '11-01T10:05:10')]
    expect(costUntil(twice, at('12-01T00:00:00')).usd).to.be.closeTo(2 / 60, 1e-9)
    expect(costUntil([segment('11-01T10:00:00', null)], at('11-01T10:00:10')).usd, 'also where it goes on').to.be.closeTo(1 / 60, 1e-9)
  })

  it('says what is unknown, and counts the rest', () => {
    const segments = [
      segment('11-01T10:00:00', '11-01T11:00:00'),
      segment('11-01T11:00:00', '11-01T12:00:00', {usd_per_hour: null, storage_usd_per_month: null, begins_with_start: false}),
      segment('11-01T12:00:00', '11-01T13:00:00', {usd_per_hour: null, begins_with_start: false}),
    ]
    expect(costUntil(segments.slice(0, 2), at('11-02T00:00:00'))).to.deep.equal({usd: null, known_usd: 1, unknown: ['what it cost from 2026-11-01 11:00 to 2026-11-01 12:00 UTC is not known']})
    expect(costUntil(segments, at('11-02T00:00:00')).unknown).to.deep.equal([
      'what the machine cost from 2026-11-01 11:00 to 2026-11-01 13:00 UTC is not known', 'what its disks cost from 2026-11-01 11:00 to 2026-11-01 12:00 UTC is not known',
    ])
    expect(costBetween(segments, at('11-01T00:00:00'), at('11-01T11:00:00')).usd, 'outside the window').to.equal(1)
    expect(sumOfCosts([costUntil(segments.slice(0, 1), at('11-02T00:00:00')), costUntil(segments.slice(1, 2), at('11-02T00:00:00'))])).to.deep.include({usd: null, known_usd: 1})
  })

  it('adds up over windows', () => {
    fc.assert(fc.property(history(money), moment, moment, moment, (segments, ...times) => {
      const [a, b, c] = times.sort((x, y) => x.getTime() - y.getTime())
      // What goes on ends with the window: of one that looks at less, the rest is not there yet.
      const done = segments.map(one => ({...one, to: one.to ?? new Date(Math.max(c.getTime(), Date.parse(one.from))).toISOString()}))
      const sum = costBetween(done, a, b).known_usd + costBetween(done, b, c).known_usd
      expect(costBetween(done, a, c).known_usd).to.be.closeTo(sum, 1e-6)
    }))
  })

  it('is the same for a segment in two parts', () => {
    fc.assert(fc.property(history(money), fc.nat(), fc.double({min: 0, max: 1, noNaN: true}), moment, (segments, which, part, now) => {
      const done = segments.map(one => ({...one, to: one.to ?? new Date(Math.max(now.getTime(), Date.parse(one.from))).toISOString()}))
      const index = done.length === 0 ? 0 : which % done.length
      const split = done.flatMap((one, position) => {
        const from = Date.parse(one.from)
        const middle = new Date(from + Math.round((Date.parse(one.to) - from) * part)).toISOString()
        return position === index ? [{...one, to: middle}, {...one, from: middle, begins_with_start: false}] : [one]
      })
      const whole = costUntil(done, now)
      expect(costUntil(split, now).known_usd).to.be.closeTo(whole.known_usd, 1e-6)
      expect(costUntil(split, now).unknown).to.deep.equal(whole.unknown)
    }))
  })

  it('is never negative', () => {
    fc.assert(fc.property(history(money), moment, moment, (segments, from, to) => {
      const {known_usd, unknown, usd} = costBetween(segments, from, to)
      expect(known_usd).to.be.at.least(0)
      expect(usd).to.equal(unknown.length > 0 ? null : known_usd)
    }))
  })

  it('knows how long months are', () => {
    expect(monthsBetween(Date.UTC(2026, 0, 1), Date.UTC(2027, 0, 1))).to.be.closeTo(12, 1e-9)
    expect(monthsBetween(Date.UTC(2026, 1, 1), Date.UTC(2026, 1, 15))).to.equal(0.5)
    expect(monthsBetween(5, 5)).to.equal(0)
  })
})

describe('what a spot machine is billed for', () => {
  const rest = {instance_type: 'g5.xlarge', price_source: 'spot-history', storage_usd_per_month: 0}
  const changes = [{from: at('11-01T00:00:00').toISOString(), usdPerHour: 0.3}, {from: at('11-01T11:10:00').toISOString(), usdPerHour: 0.5}, {from: at('11-01T12:20:00').toISOString(), usdPerHour: 0.9}, {from: at('11-01T12:25:00').toISOString(), usdPerHour: 0.4}]

  it('is the price at the begin of each of its hours, for that hour', () => {
    const segments = spotSegments(at('11-01T10:30:00'), at('11-01T14:00:00'), changes, at('11-02T00:00:00'), rest)
    expect(segments.map(({from, to, usd_per_hour}) => [from.slice(11, 16), to?.slice(11, 16), usd_per_hour])).to.deep.equal([['10:30', '11:30', 0.3], ['11:30', '12:30', 0.5], ['12:30', '14:00', 0.4]])
    expect(segments.map(({begins_with_start}) => begins_with_start)).to.deep.equal([true, false, false])
  })

  it('goes on at the last price that is known, and is unknown before the first', () => {
    const segments = spotSegments(at('11-01T10:30:00'), null, changes.slice(1), at('11-01T12:00:00'), rest)
    expect(segments.map(({price_source, to, usd_per_hour}) => [to?.slice(11, 16) ?? null, usd_per_hour, price_source])).to.deep.equal([['11:30', null, null], [null, 0.5, 'spot-history']])
    expect(spotSegments(at('11-01T10:30:00'), null, [], at('11-01T10:30:00'), rest).map(({usd_per_hour}) => usd_per_hour)).to.deep.equal([null])
  })
})

describe('the tags that keep what an instance has cost', () => {
  const told = (segments: readonly CostSegment[]) => decodeCostTags(encodeCostTags(segments))

  it('give back what was put in', () => {
    const segments = [
      segment('11-01T10:00:00', '11-01T11:30:00', {storage_usd_per_month: 8.5}),
      segment('11-01T11:30:00', '11-03T08:00:00', {kind: 'stopped', usd_per_hour: 0, storage_usd_per_month: 8.5, price_source: null, begins_with_start: false}),
      segment('11-03T08:00:00', '11-03T09:00:00', {kind: 'spot', usd_per_hour: 0.3412, storage_usd_per_month: null, price_source: 'spot-history'}),
      segment('11-03T10:00:00', null, {usd_per_hour: null, instance_type: null, price_source: null}),
    ]
    expect(told(segments)).to.deep.equal({segments, damaged: false})
    expect(encodeCostTags(segments)['runctl:cost']).to.match(/^1\.1\.[0-9a-z]+\.[0-9a-z]+ d460@1\/8\.5=g5\.xlarge:pricing-api x3fm0 p2s0@0\.3412\/-:spot-history g2s0 d@-\/0=-:-$/)
    expect(told([])).to.deep.equal({segments: [], damaged: false})
  })

  it('stay short enough for a cloud, and keep the sum to a tenth of a percent', () => {
    const long = fc.array(history(fc.double({min: 0, max: 40, noNaN: true})), {maxLength: 40}).map(lists => {
      let from = T0
      return lists.flat().filter(({to}) => to !== null).map(one => {
        const length = Date.parse(one.to ?? '') - Date.parse(one.from)
        const moved = {...one, from: new Date(from).toISOString(), to: new Date(from + length).toISOString()}
        from += length
        return moved
      })
    })
    fc.assert(fc.property(long, segments => {
      const tags = encodeCostTags(segments)
      const values = Object.values(tags)
      expect(values.length).to.be.at.most(6)
      for (const value of values) expect(value).to.match(/^[A-Za-z0-9][A-Za-z0-9 _.:/=+@-]{0,254}[A-Za-z0-9-]$/)
      const now = new Date(T0)
      const whole = costUntil(segments, now).known_usd
      // A start that took no time at all is kept as one of a second.
      expect(costUntil(decodeCostTags(tags).segments, now).known_usd).to.be.closeTo(whole, whole * 0.001 + 0.01)
    }), {numRuns: 60})
  })

  it('keep what is unknown apart from what is known', () => {
    const segments = Array.from({length: 900}, (_, index) => segment('11-01T00:00:00', null, {
      from: new Date(T0 + index * 7_200_000).toISOString(), to: new Date(T0 + (index + 1) * 7_200_000).toISOString(),
      usd_per_hour: index > 400 && index < 500 ? null : 1 + (index % 7) / 10, begins_with_start: index % 3 === 0,
    }))
    const {known_usd, unknown} = costUntil(told(segments).segments, new Date(T0))
    expect(known_usd).to.be.closeTo(costUntil(segments, new Date(T0)).known_usd, 1)
    expect(unknown).to.have.length(1)
  })

  it('are not believed where somebody else has written them', () => {
    const tags = encodeCostTags(Array.from({length: 60}, (_, index) => segment('11-01T00:00:00', null, {
      from: new Date(T0 + index * 7_200_000).toISOString(), to: new Date(T0 + (index + 1) * 7_200_000).toISOString(), usd_per_hour: index + 0.123,
    })))
    expect(Object.keys(tags).length).to.be.greaterThan(1)
    const damaged = (over: Readonly<Record<string, string>>) => decodeCostTags({...tags, ...over})
    expect(damaged({})).to.include({damaged: false})
    for (const over of [{'runctl:cost-2': ''}, {'runctl:cost': 'nothing'}, {'runctl:cost': (tags['runctl:cost'] ?? '').replace('0.123', '9.123')}]) {
      expect(damaged(over), JSON.stringify(over)).to.deep.equal({segments: [], damaged: true})
    }
    expect(damaged({'runctl:cost-6': 'left over from before'})).to.include({damaged: false})
    fc.assert(fc.property(fc.string({unit: 'binary', maxLength: 300}), value => {
      expect(decodeCostTags({'runctl:cost': value, 'runctl:cost-2': value}).segments).to.deep.equal([])
    }))
  })
})
