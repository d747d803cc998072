/** The import rules of the house; docs/architecture.md says why. */

const DOMAIN = '^src/(imaging|nn|gan|evaluation|report|storage)/';
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
        'What two activities share belongs in a domain folder; index puts them together, and two files adapt Temporal for all.',
      from: { path: '^src/activities/', pathNot: '^src/activities/index\\.ts$' },
      to: { path: '^src/activities/', pathNot: '^src/activities/(failures|heartbeat)\\.ts$' },
    },
    {
      name: 'domain-looks-down',
      severity: 'error',
      from: { path: DOMAIN },
      to: { path: '^src/(cli|client|workers|activities|workflows)/' },
    },
    {
      name: 'spec-is-pure',
      severity: 'error',
      from: { path: '^src/spec/' },
      to: { pathNot: '^src/(spec|core)/|node_modules/zod/' },
    },
    {
      name: 'core-stands-alone',
      severity: 'error',
      from: { path: '^src/core/' },
      to: { path: '^src/', pathNot: '^src/core/' },
    },
    {
      name: 'client-and-activities-look-down',
      severity: 'error',
      from: { path: '^src/(client|activities)/' },
      to: { path: '^src/(cli|workers)/' },
    },
    {
      name: 'workers-do-not-know-the-command',
      severity: 'error',
      from: { path: '^src/workers/' },
      to: { path: '^src/cli/' },
    },
    {
      name: 'client-and-activities-are-apart',
      severity: 'error',
      comment: 'They meet through workflows only: a client may be on another machine.',
      from: { path: '^src/(client|activities)/' },
      to: { path: '^src/(client|activities)/', pathNot: '^src/$1/' },
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
