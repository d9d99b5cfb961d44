// The rule behind the two tables in eslint.config.js: who under src/ may import whom, and which package.
import {dirname, relative, resolve, sep} from 'node:path'

/** `core/train.ts` -> the most specific area of the table that it is in: `providers/provider` before `providers`. */
function areaOf(file, areas) {
  const path = file.replace(/\.[cm]?[jt]sx?$/, '')
  return areas.filter((area) => path === area || path.startsWith(`${area}/`)).sort((a, b) => b.length - a.length)[0]
}

/** Only `import type` leaves nothing at run time: `import {type A}` still loads the module. */
function isTypeOnly(node) {
  return node.importKind === 'type' || node.exportKind === 'type' || node.type === 'TSImportType'
}

function sourceOf(node) {
  const source = node.source ?? node.argument?.literal ?? node.argument
  return typeof source?.value === 'string' ? source.value : null
}

/** `@aws-sdk/*` stands for all that begins so; a name without a star, for the package and its subpaths. */
function isOf(name, pattern) {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern || name.startsWith(`${pattern}/`)
}

export const layers = {
  meta: {
    type: 'problem',
    docs: {description: 'Keeps each layer to the imports that the architecture allows it.'},
    schema: [{type: 'object', properties: {layers: {type: 'object'}, packages: {type: 'object'}}, additionalProperties: false}],
    messages: {
      layer: '{{from}} must not import {{to}} ({{allowed}}).',
      typeOnly: '{{from}} may import only types from {{to}}: use `import type`.',
      unknown: '{{to}} is in no layer: add it to the table in eslint.config.js.',
      outside: 'A file under src/ imports nothing from outside src/.',
      package: '{{name}} is used only in {{areas}}, not in {{from}}.',
    },
  },
  create(context) {
    const {layers: table, packages} = context.options[0]
    const areas = Object.keys(table)
    const src = resolve(context.cwd, 'src')
    const file = relative(src, context.filename).split(sep).join('/')
    const from = areaOf(file, areas)

    function checkPackage(node, name) {
      for (const [pattern, users] of Object.entries(packages)) {
        if (isOf(name, pattern) && !users.some((user) => from === user || from.startsWith(`${user}/`))) {
          context.report({node, messageId: 'package', data: {name, areas: users.join(', '), from}})
        }
      }
    }

    function checkLayer(node, specifier) {
      const target = relative(src, resolve(dirname(context.filename), specifier)).split(sep).join('/')
      if (target.startsWith('..')) return context.report({node, messageId: 'outside'})
      const to = areaOf(target, areas)
      if (to === undefined) return context.report({node, messageId: 'unknown', data: {to: target}})
      if (to === from) return
      const allowed = table[from]
      // `hooks` in the table covers `hooks/events` too, but not the other way round.
      const covers = (name) => to === name || to.startsWith(`${name}/`)
      if (allowed.some(covers)) return
      if (!allowed.some((entry) => entry.startsWith('type ') && covers(entry.slice(5)))) {
        const list = allowed.length > 0 ? `it may import ${allowed.join(', ')}` : 'it may import no other layer'
        context.report({node, messageId: 'layer', data: {from, to, allowed: list}})
      } else if (!isTypeOnly(node)) {
        context.report({node, messageId: 'typeOnly', data: {from, to}})
      }
    }

    function check(node) {
      const specifier = sourceOf(node)
      if (specifier === null) return
      if (specifier.startsWith('.')) checkLayer(node, specifier)
      else checkPackage(node, specifier)
    }

    if (from === undefined) {
      return {Program: (node) => context.report({node, messageId: 'unknown', data: {to: file}})}
    }
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportAllDeclaration: check,
      ExportNamedDeclaration: check,
      TSImportType: check,
    }
  },
}
