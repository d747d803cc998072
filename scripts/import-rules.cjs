/**
 * Allowed imports between folders of src/. dependency-cruiser enforces them; docs/architecture.md
 * shows them.
 */
const FLOOR = ['core', 'spec'];

module.exports = {
  core: [],
  spec: ['core'],
  storage: FLOOR,
  imaging: [...FLOOR, 'storage'],
  nn: FLOOR,
  gan: [...FLOOR, 'nn'],
  checkpoints: [...FLOOR, 'nn', 'storage'],
  weights: [...FLOOR, 'storage', 'nn', 'gan', 'checkpoints'],
  generation: [...FLOOR, 'storage', 'imaging', 'nn', 'gan', 'checkpoints'],
  training: [...FLOOR, 'storage', 'imaging', 'nn', 'gan', 'checkpoints', 'weights', 'generation'],
  evaluation: [...FLOOR, 'storage', 'imaging', 'nn', 'weights', 'generation'],
  report: [...FLOOR, 'storage', 'imaging', 'checkpoints', 'weights', 'generation', 'evaluation'],
  sweeps: [...FLOOR, 'storage', 'checkpoints', 'report'],
  runs: [...FLOOR, 'storage', 'checkpoints', 'report', 'sweeps'],
  workflows: [...FLOOR, 'activities'],
  activities: [
    ...FLOOR,
    'storage',
    'imaging',
    'checkpoints',
    'weights',
    'training',
    'evaluation',
    'report',
    'sweeps',
  ],
  workers: [...FLOOR, 'storage', 'nn', 'generation', 'evaluation', 'report', 'activities', 'workflows'],
  client: [...FLOOR, 'storage', 'checkpoints', 'sweeps'],
  cli: [
    ...FLOOR,
    'storage',
    'imaging',
    'nn',
    'checkpoints',
    'weights',
    'generation',
    'training',
    'evaluation',
    'sweeps',
    'runs',
    'client',
  ],
};
