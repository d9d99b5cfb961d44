import {saveFitWords, type SaveFit} from '../model/save-fit.js'
import {atRiskWords, type WorkAtRisk} from '../model/work-at-risk.js'
import {paint} from './paint.js'
import type {RenderEnv} from './render-env.js'
import {shownCost, shownNumber} from './shown-values.js'
import {wrapWords} from './wrap-words.js'

/** What would be gone with the machine, and whether a save is over in time: a line each, where there is something to say. */
export function riskLines({at_risk, save_fit}: {readonly at_risk?: WorkAtRisk | null; readonly save_fit?: SaveFit | null}, env: RenderEnv): readonly string[] {
  return [...(at_risk ? [riskLine(at_risk, env)] : []), ...(save_fit ? fitLine(save_fit, env) : [])]
}

function riskLine(risk: WorkAtRisk, env: RenderEnv): string {
  if (env.format === 'text') return ['At risk', risk.since, risk.seconds, shownCost(risk.usd, env) ?? '-'].join('\t')
  return wrapWords(atRiskWords(risk), env.width).join('\n')
}

function fitLine(fit: SaveFit, env: RenderEnv): readonly string[] {
  if (env.format === 'text') return [['Save fits', fit.fits ?? '-', shownNumber(fit.needed_s) ?? '-', fit.window_s, shownNumber(fit.advised_interval_s) ?? '-'].join('\t')]
  const words = saveFitWords(fit)
  return words === null ? [] : wrapWords(words, env.width).map(line => paint(line, fit.fits === false ? 'yellow' : undefined, env.color))
}
