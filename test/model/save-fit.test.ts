import {expect} from 'chai'

import {saveFit, saveFitWords, type SaveFacts} from '../../src/model/save-fit.js'

const FACTS: SaveFacts = {interruptible: true, sizeBytes: 14e9, uploads: true, bytesPerS: 67e6, saveTookS: null, graceS: 120, meanTimeToInterruptionS: 86_400}
const fit = (over: Partial<SaveFacts> = {}) => saveFit({...FACTS, ...over})

describe('whether a save fits', () => {
  it('goes by the size at the measured speed, and how long a save took', () => {
    expect(fit().needed_s).to.be.closeTo(208.96, 0.01)
    expect(fit({saveTookS: 10}).needed_s).to.be.closeTo(218.96, 0.01)
    expect(fit()).to.deep.include({window_s: 120, window: 'spot-notice', fits: false})
    expect(fit({sizeBytes: 1e9})).to.deep.include({fits: true})
    expect(fit({interruptible: false, graceS: 300})).to.deep.include({window_s: 300, window: 'stop-grace', fits: true, advised_interval_s: null})
  })

  it('is unknown as long as one of them is', () => {
    for (const over of [{sizeBytes: null}, {bytesPerS: null}, {bytesPerS: 0}, {uploads: false}]) {
      expect(fit(over), JSON.stringify(over)).to.deep.include({needed_s: null, fits: null, advised_interval_s: null})
      expect(saveFitWords(fit(over))).to.equal(null)
    }
    expect(fit({uploads: false, saveTookS: 130})).to.deep.include({needed_s: 130, fits: false, size_bytes: null})
  })

  it('advises the interval of Young and Daly where the machine may be taken away', () => {
    // The square root of 2 · 200 s · 24 h.
    expect(fit({sizeBytes: 200 * 67e6}).advised_interval_s).to.equal(5879)
    expect(fit({sizeBytes: 200 * 67e6, meanTimeToInterruptionS: 8640}).advised_interval_s).to.equal(1859)
  })

  it('is told in a sentence, with what mends it', () => {
    expect(saveFitWords(fit({sizeBytes: 200 * 67e6, meanTimeToInterruptionS: 8640}))).to.equal(
      'a save needs 200 s (13 GB at 67 MB/s) and a spot notice gives 120 s: the last one would be lost; save every 30 min (Young/Daly), so that little is lost, or make checkpoints smaller')
    expect(saveFitWords(fit({interruptible: false}))).to.contain('a stop gives 120 s (stop.grace): the last one would be lost; give more (stop --grace)')
    expect(saveFitWords(fit({sizeBytes: 67e6}))).to.equal('a save needs 1 s (67 MB at 67 MB/s) and a spot notice gives 120 s: it fits')
  })
})
