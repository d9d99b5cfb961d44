import {spawnSync} from 'node:child_process'
import {once} from 'node:events'
import {rm, utimes, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {WATCH, WATCH_SOURCE} from '../../../src/providers/aws/self-stop/watch-script.js'
import {WatchBed} from './watch-bed.js'

const SHELLS = ['dash', 'bash'].filter(name => spawnSync(name, ['-c', 'true']).status === 0)

describe('the watch on an instance', function () {
  this.timeout(30_000)
  before(function () {
    // It reads what Linux says of processes.
    if (process.platform !== 'linux') this.skip()
  })

  it('asks for nothing but coreutils and what every Linux has', () => {
    const words = new Set(WATCH_SOURCE.split('\n').map(line => line.trim().split(' ')[0]))
    for (const program of ['python3', 'curl', 'aws', 'sed', 'awk', 'flock', 'systemctl']) expect(words).to.not.include(program)
    expect(WATCH.startsWith('#!/bin/sh\n')).to.equal(true)
  })

  for (const sh of SHELLS) {
    describe(`by ${sh}`, () => {
      let bed: WatchBed
      beforeEach(async function () {
        if (process.platform !== 'linux') this.skip()
        bed = await WatchBed.make(sh)
      })
      afterEach(() => bed?.remove())

      it('powers off when the machine has run for longer than the hard limit, and not before', async () => {
        await bed.limits('100 -\n')
        bed.start()
        await bed.setUptime(100)
        expect(await bed.counted(100)).to.equal(100)
        expect(await bed.called()).to.deep.equal([])
        await bed.setUptime(101)
        expect(await bed.poweredOff()).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ after 101 s: more than 100 s\n$/)
        expect((await bed.called())[0]).to.equal('shutdown -h now')
      })

      it('never does without limits', async () => {
        const child = bed.start()
        await bed.setUptime(999_999)
        await bed.counted(999_999)
        await bed.limits('- -\n')
        await bed.setUptime(9_999_999)
        await bed.counted(9_999_999)
        expect(await bed.called()).to.deep.equal([])
        expect(child.exitCode).to.equal(null)
      })

      it('adds up all boots, the seconds before it was started too', async () => {
        const first = bed.start()
        await bed.setUptime(50)
        await bed.counted(50)
        await bed.setUptime(58)
        await bed.end(first)
        expect(await bed.used()).to.deep.equal(['58', '58', 'boot-1'])
        await bed.boot('boot-2', 7)
        await bed.limits('70 -\n')
        bed.grace = 10
        bed.start()
        expect(await bed.counted(7)).to.equal(65)
        await bed.setUptime(13)
        expect(await bed.poweredOff()).to.contain('after 71 s')
      })

      it('gives each later boot 15 minutes before the hard limit applies, so that somebody can give it more', async () => {
        await bed.limits('100 -\n')
        let child = bed.start()
        await bed.setUptime(101)
        await bed.poweredOff()
        child = await bed.restart(child, 'boot-2', 5)
        expect(await bed.counted(5)).to.equal(106)
        await bed.setUptime(600)
        await bed.counted(600)
        // Who starts the watch again gets no more and no less.
        await bed.end(child, 'SIGKILL')
        child = bed.start()
        await bed.setUptime(899)
        expect(await bed.counted(899)).to.equal(1000)
        expect(await bed.called()).to.deep.equal([])
        await bed.setUptime(900)
        expect(await bed.poweredOff()).to.match(/ after 1001 s: more than 100 s\n$/)

        child = await bed.restart(child, 'boot-3', 20)
        await bed.counted(20)
        await bed.limits('5000 -\n')
        await bed.setUptime(3999)
        expect(await bed.counted(3999)).to.equal(5000)
        expect(await bed.called()).to.deep.equal([])
        await bed.setUptime(4000)
        expect(await bed.poweredOff()).to.match(/ after 5001 s: more than 5000 s\n$/)
      })

      it('lets a later boot be asked to power off at once', async () => {
        await bed.limits('10 -\n')
        let child = bed.start()
        await bed.setUptime(11)
        await bed.poweredOff()
        child = await bed.restart(child, 'boot-2', 5)
        await bed.underWay(5)
        await bed.write('home/.runctl/power-off', '')
        expect(await bed.poweredOff()).to.match(/ after 17 s: asked for\n$/)
        expect(child.exitCode).to.equal(null)
      })

      it('waits for the guard anew from each boot', async () => {
        await bed.limits('- 60\n')
        await bed.write('home/.runctl/guard-alive', '')
        const child = bed.start()
        await bed.counted(0)
        await bed.setUptime(61)
        await bed.poweredOff()
        await bed.restart(child, 'boot-2', 10)
        await bed.counted(10)
        await bed.setUptime(70)
        expect(await bed.counted(70)).to.equal(131)
        expect(await bed.called()).to.deep.equal([])
        await bed.setUptime(71)
        expect(await bed.poweredOff()).to.match(/ after 132 s: nobody looked after the limits for 60 s\n$/)
      })

      it('counts from process 1, where that is younger than the kernel', async () => {
        await bed.boot('boot-1', 10_010, 10_000)
        bed.start()
        expect(await bed.counted(10_010)).to.equal(10)
      })

      it('goes on after a kill as if it had never been away', async () => {
        const first = bed.start()
        await bed.setUptime(50)
        await bed.counted(50)
        await bed.end(first, 'SIGKILL')
        await bed.setUptime(90)
        bed.start()
        expect(await bed.counted(90)).to.equal(90)
      })

      it('powers off when nobody has looked after the limits for too long: nobody ever', async () => {
        await bed.limits('- 60\n')
        bed.start()
        await bed.counted(0)
        await bed.setUptime(60)
        await bed.counted(60)
        expect(await bed.called()).to.deep.equal([])
        await bed.setUptime(61)
        expect(await bed.poweredOff()).to.contain('nobody looked after the limits for 60 s')
      })

      it('or nobody any more; a touched file and other limits are signs of life', async () => {
        await bed.limits('- 60\n')
        await bed.write('home/.runctl/guard-alive', '')
        bed.start()
        await bed.counted(0)
        for (const uptime of [60, 120, 180]) {
          await bed.setUptime(uptime)
          await bed.counted(uptime)
          // However wrong the clock is.
          await utimes(join(bed.home, '.runctl/guard-alive'), new Date(0), new Date(uptime === 120 ? 5e12 : uptime))
          await bed.setUptime(uptime + 1)
          await bed.counted(uptime + 1)
        }
        await bed.limits('- 61\n')
        await bed.setUptime(200)
        await bed.counted(200)
        await bed.setUptime(261)
        await bed.counted(261)
        expect(await bed.called()).to.deep.equal([])
        await bed.setUptime(262)
        expect(await bed.poweredOff()).to.contain('for 61 s')
      })

      it('powers off when it is asked to', async () => {
        bed.start()
        await bed.underWay()
        await bed.write('home/.runctl/power-off', '{"reason":"budget"}')
        expect(await bed.poweredOff()).to.contain('asked for')
        expect((await bed.called())[0]).to.equal('shutdown -h now')
      })

      it('takes away what is left of the last boot’s power-off, and heeds one of this boot', async () => {
        await bed.write('home/.runctl/power-off', '{}')
        const first = bed.start()
        await bed.until(async () => (await bed.read('home/.runctl/power-off')) === '')
        await bed.setUptime(5)
        await bed.counted(5)
        expect(await bed.called()).to.deep.equal([])
        await bed.end(first, 'SIGKILL')
        await bed.write('home/.runctl/power-off', '{}')
        bed.start()
        await bed.poweredOff()
      })

      it('passes over what is damaged; the limits that it read last hold', async () => {
        await bed.limits('100 -\n')
        bed.start()
        await bed.underWay()
        for (const [at, line] of ['', 'x', '1', '5 x', '-5 -', '05 -', '5 - 7', '5.5 -', '* *', '$(id) -', `${'9'.repeat(40)} -`, '1\n2\n', '\0\0 -'].entries()) {
          await bed.limits(line)
          await bed.setUptime(50 + at)
          await bed.counted(50 + at)
        }
        await rm(join(bed.home, '.runctl/watch'))
        spawnSync('mkfifo', [join(bed.home, '.runctl/watch')])
        await bed.setUptime(100)
        await bed.counted(100)
        expect(await bed.called()).to.deep.equal([])
        await bed.setUptime(101)
        await bed.poweredOff()
      })

      it('begins at the boot where its own count is damaged', async () => {
        for (const used of ['x y z\n', '', '7 7 boot-1', '12345678901 3 boot-1\n', '08 1 boot-0\n']) {
          await bed.write('var/lib/runctl/used', used)
          await bed.setUptime(5)
          const child = bed.start()
          expect(await bed.counted(5)).to.equal(5)
          await bed.end(child)
        }
        await bed.write('var/lib/runctl/used', '40 nonsense boot-1\n')
        bed.start()
        expect(await bed.counted(5)).to.equal(45)
      })

      it('is one at a time: the last to start takes over, and nothing is counted twice', async () => {
        const first = bed.start()
        await bed.counted(0)
        await bed.setUptime(30)
        const gone = once(first, 'exit')
        const second = bed.start()
        expect((await gone)[0]).to.equal(0)
        await bed.setUptime(40)
        expect(await bed.counted(40)).to.equal(40)
        expect(second.exitCode).to.equal(null)
      })

      it('goes on asking, and asks otherwise, where shutdown fails', async () => {
        await bed.program('shutdown', `${bed.note('shutdown')}\nexit 1`)
        await bed.write('home/.runctl/power-off', '')
        await bed.limits('1 -\n')
        await bed.setUptime(2)
        bed.start()
        await bed.until(async () => (await bed.called()).includes('poweroff -f'))
        expect((await bed.called()).slice(0, 4)).to.deep.equal(['shutdown -h now', 'poweroff ', 'shutdown -h now', 'poweroff '])
        expect((await bed.read('var/lib/runctl/power-offs')).split('\n')).to.have.length(2)
      })

      it('lets go whoever starts it, and waits for a user who is not there yet', async () => {
        await rm(bed.home, {recursive: true})
        const starter = bed.start([])
        expect((await once(starter, 'exit'))[0]).to.equal(0)
        await bed.counted(0)
        await bed.write('home/.runctl/watch', '3 -')
        await bed.setUptime(4)
        await bed.poweredOff()
      })

      it('keeps counting where nothing can be written', async function () {
        await bed.limits('20 -\n')
        await bed.write('var/lib/runctl/used', '10 0 boot-0')
        await rm(join(bed.root, 'var/lib'), {recursive: true})
        await writeFile(join(bed.root, 'var/lib'), 'in the way')
        bed.start()
        await bed.setUptime(21)
        await bed.poweredOff()
      })
    })
  }
})
