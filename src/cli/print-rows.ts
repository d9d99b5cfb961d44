import type {PagedText} from '../ui/paged-text.js'

type Write = (text: string) => Promise<void>

/** Pages as one JSON array, element by element, to the letter what `JSON.stringify(all, null, 2)` gives. Begins when the first page is there. */
export async function printJsonArray(pages: AsyncIterable<readonly unknown[]>, write: Write): Promise<void> {
  let begun = false
  for await (const page of pages) {
    const elements = page.map(element => JSON.stringify(element, null, 2).replaceAll('\n', '\n  '))
    if (elements.length === 0) continue
    await write(`${begun ? ',' : '['}\n  ${elements.join(',\n  ')}`)
    begun = true
  }
  await write(begun ? '\n]\n' : '[]\n')
}

/** The same as a single line. */
export async function printJsonLine(pages: AsyncIterable<readonly unknown[]>, write: Write): Promise<void> {
  let before = '['
  for await (const page of pages) {
    if (page.length === 0) continue
    await write(before + page.map(element => JSON.stringify(element)).join(','))
    before = ','
  }
  await write(before === '[' ? '[]\n' : ']\n')
}

/** Begins when the first page is there, or when it is known that there is none. */
export async function printText<R>(pages: AsyncIterable<readonly R[]>, form: PagedText<R>, write: Write): Promise<void> {
  let begun = false
  for await (const page of pages) {
    await write((begun ? '' : form.begin()) + form.page(page))
    begun = true
  }
  await write((begun ? '' : form.begin()) + form.end())
}
