/** What is looked at first where a checkpoint tells several figures. */
const FIRST = ['eval_loss', 'val_loss', 'validation_loss', 'loss', 'train_loss', 'eval_accuracy', 'val_accuracy', 'accuracy', 'acc'] as const

/** The one figure to show; null where there is none. */
export function mainMetric(metrics: Readonly<Record<string, number>>): {readonly name: string; readonly value: number} | null {
  const name = FIRST.find(one => Object.hasOwn(metrics, one)) ?? Object.keys(metrics).sort()[0]
  const value = name === undefined ? undefined : metrics[name]
  return name === undefined || value === undefined ? null : {name, value}
}
