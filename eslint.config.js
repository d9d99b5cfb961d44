import {defineConfig} from 'eslint/config'
import tseslint from 'typescript-eslint'

import {layers} from './eslint/layers.js'

/** Who may import whom under src/. A layer may always import itself; `type x` allows `import type` alone. */
const LAYERS = {
  commands: ['cli', 'core', 'ui', 'model', 'type config'],
  cli: ['core', 'config', 'state', 'ui', 'agent', 'model', 'hooks/events', 'providers/provider'],
  hooks: ['hooks/events', 'core', 'providers', 'agent', 'model'],
  'hooks/events': ['type providers/provider', 'type agent', 'type model'],
  core: ['agent', 'model', 'type providers/provider', 'type hooks/events'],
  'providers/provider': ['type model'],
  'providers/local': ['providers/provider', 'model'],
  'providers/aws': ['providers/provider', 'model'],
  agent: ['model', 'type providers/provider'],
  config: ['model'],
  state: ['model'],
  ui: ['model', 'type core', 'type agent'],
  testing: ['providers/provider', 'model'],
  model: [],
  // The public API: what plugins import.
  index: ['cli', 'core', 'agent', 'model', 'hooks/events', 'providers/provider'],
}

/** Which layers may use these packages at all. */
const PACKAGES = {
  '@oclif/*': ['commands', 'hooks', 'cli'],
  '@aws-sdk/*': ['providers/aws'],
  '@smithy/*': ['providers/aws'],
  listr2: ['ui'],
  'cli-table3': ['ui'],
  'node:*': Object.keys(LAYERS).filter((layer) => layer !== 'model'),
}

const NODE_GLOBALS = [
  'AbortController', 'AbortSignal', 'Buffer', 'TextDecoder', 'TextEncoder', 'URL', 'clearTimeout', 'console', 'process', 'setTimeout',
]

export default defineConfig(
  {ignores: ['**/dist/', '**/.dist-*/']},
  {linterOptions: {reportUnusedDisableDirectives: 'error'}},
  {
    files: ['**/*.{js,mjs,cjs,ts}'],
    rules: {
      'max-lines': ['error', 400],
      eqeqeq: 'error',
      'no-constant-binary-expression': 'error',
      'no-constructor-return': 'error',
      'no-debugger': 'error',
      'no-dupe-else-if': 'error',
      'no-duplicate-case': 'error',
      'no-empty': ['error', {allowEmptyCatch: true}],
      'no-fallthrough': 'error',
      'no-self-compare': 'error',
      'no-sparse-arrays': 'error',
      'no-template-curly-in-string': 'error',
      'no-unmodified-loop-condition': 'error',
      'no-unreachable': 'error',
      'no-unsafe-finally': 'error',
      'no-useless-catch': 'error',
      'no-var': 'error',
      'prefer-const': 'error',
      'no-eval': 'error',
      // Named exports only: the same thing has the same name everywhere. Commands, hooks and tools want a default one: see below.
      'no-restricted-exports': [
        'error',
        {restrictDefaultExports: {direct: true, named: true, defaultFrom: true, namedFrom: true, namespaceFrom: true}},
      ],
    },
  },
  {
    files: ['**/*.{js,mjs,cjs}'],
    languageOptions: {globals: Object.fromEntries(NODE_GLOBALS.map((name) => [name, 'readonly']))},
    rules: {'no-undef': 'error', 'no-unused-vars': 'error'},
  },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {parserOptions: {project: './tsconfig.test.json', tsconfigRootDir: import.meta.dirname}},
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', {fixStyle: 'inline-type-imports', disallowTypeAnnotations: false}],
      '@typescript-eslint/consistent-type-exports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', {considerDefaultExhaustiveForUnions: true}],
      '@typescript-eslint/no-unused-vars': ['error', {argsIgnorePattern: '^_', caughtErrors: 'none', ignoreRestSiblings: true}],
      '@typescript-eslint/only-throw-error': ['error', {allowThrowingAny: true, allowThrowingUnknown: true}],
      '@typescript-eslint/prefer-promise-reject-errors': ['error', {allowThrowingAny: true, allowThrowingUnknown: true}],
      '@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
      // Numbers and booleans in messages are meant.
      '@typescript-eslint/restrict-template-expressions': ['error', {allowNumber: true, allowBoolean: true}],
      '@typescript-eslint/restrict-plus-operands': ['error', {allowNumberAndString: true}],
      // `return fail(…)` reads well.
      '@typescript-eslint/no-confusing-void-expression': 'off',
      // An async function without await turns a throw into a rejection and fits an interface: both are reasons.
      '@typescript-eslint/require-await': 'off',
      // `void` in a union or a map of return types says "nothing comes back": the hooks' table is one.
      '@typescript-eslint/no-invalid-void-type': 'off',
      // It takes a JSON answer's or an index's type for the truth, and with it the checks at our edges for superfluous.
      '@typescript-eslint/no-unnecessary-condition': 'off',
      '@typescript-eslint/no-unnecessary-type-conversion': 'off',
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      '@typescript-eslint/no-dynamic-delete': 'off',
      '@typescript-eslint/no-base-to-string': 'off',
      // `[...text]` is how to get at code points.
      '@typescript-eslint/no-misused-spread': ['error', {allow: ['string']}],
    },
  },
  {
    files: ['src/**/*.ts'],
    plugins: {runctl: {rules: {layers}}},
    rules: {
      'runctl/layers': ['error', {layers: LAYERS, packages: PACKAGES}],
      // Results go through the base command, messages through the note and progress seams.
      'no-console': 'error',
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/cli/**'],
    rules: {
      'no-restricted-syntax': [
        'error',
        {
          selector: 'MemberExpression[property.name="runHook"]',
          message: 'Hooks are run by src/cli/ alone: with a deadline, a signal and the failures read.',
        },
      ],
    },
  },
  {
    // Plugins use what everybody's plugin has: runctl's types, and what they are handed.
    files: ['plugins/*/src/**/*.ts'],
    languageOptions: {parserOptions: {project: './plugins/*/tsconfig.json', tsconfigRootDir: import.meta.dirname}},
    rules: {
      'no-console': 'error',
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          paths: [{name: 'runctl', allowTypeImports: true, message: 'At run time there is no package runctl where plugins are installed: import type alone.'}],
          patterns: [{group: ['../../*'], message: 'A plugin knows of runctl what the package exports.'}],
        },
      ],
    },
  },
  {files: ['src/commands/**/*.ts', 'src/hooks/**/*.ts', 'plugins/*/src/*.ts', 'templates/plugin/**/*.js', 'eslint.config.js', 'test/support/reporter.js', 'test/e2e/shed-plugin/*.js'], rules: {'no-restricted-exports': 'off'}},
  // events.ts is a library, not a hook.
  {files: ['src/hooks/events.ts'], rules: {'no-restricted-exports': ['error', {restrictDefaultExports: {direct: true, named: true}}]}},
  {
    files: ['test/**/*.ts', 'plugins/*/test/**/*.ts'],
    rules: {
      // chai's `expect(x).to.be.true` is an expression.
      '@typescript-eslint/no-unused-expressions': 'off',
      // Tests look into parsed JSON and know what they put there.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
)
