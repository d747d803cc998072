/** The import rules that the lint checks; docs/architecture.md gives the reasons. */

const folders = require('./scripts/import-rules.cjs');

const TEMPORAL = '(^|/)node_modules/@temporalio/';

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      comment: 'Types may refer to each other; code that runs may not.',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-unresolved',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'temporal-stays-outside',
      severity: 'error',
      comment: 'Temporal is known only to workflows, activities, workers and client.',
      from: { path: '^src/', pathNot: '^src/(workflows|activities|workers|client)/' },
      to: { path: TEMPORAL },
    },
    {
      name: 'workflows-are-deterministic',
      severity: 'error',
      comment: 'Workflows run on spec, core errors, other workflows and the Temporal workflow API.',
      from: { path: '^src/workflows/' },
      to: {
        dependencyTypesNot: ['type-only'],
        pathNot: '^src/(spec|workflows)/|^src/core/errors\\.ts$|node_modules/@temporalio/(workflow|common)/',
      },
    },
    {
      name: 'workflows-know-activities-by-type',
      severity: 'error',
      comment:
        "Types vanish when workflows are bundled, so those of activities may be named, and nobody else's.",
      from: { path: '^src/workflows/' },
      to: {
        dependencyTypes: ['type-only'],
        path: '^src/',
        pathNot: '^src/(spec|workflows|activities|core)/',
      },
    },
    {
      name: 'activities-are-apart',
      severity: 'error',
      comment:
        'What two activities share belongs in a domain folder; index puts them together, and four files adapt Temporal for all. training/ holds the parts of one activity.',
      from: { path: '^src/activities/', pathNot: '^src/activities/index\\.ts$' },
      to: {
        path: '^src/activities/',
        pathNot: '^src/activities/((failures|heartbeat|attempt-count|search-attributes)\\.ts$|training/)',
      },
    },
    {
      name: 'spec-is-pure',
      severity: 'error',
      from: { path: '^src/spec/' },
      to: { pathNot: '^src/(spec|core)/|node_modules/zod/' },
    },
    ...Object.entries(folders).map(([folder, allowed]) => ({
      name: `imports-of-${folder}`,
      severity: 'error',
      comment: 'The table is in scripts/import-rules.cjs.',
      from: { path: `^src/${folder}/` },
      to: { path: '^src/', pathNot: `^src/(${[folder, ...allowed].join('|')})/` },
    })),
    {
      name: 'every-folder-has-a-rule',
      severity: 'error',
      from: { path: '^src/', pathNot: `^src/(${Object.keys(folders).join('|')})/` },
      to: {},
    },
    {
      name: 'product-does-not-import-tests',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|bench)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: 'specify',
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
