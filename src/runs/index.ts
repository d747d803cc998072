/** Public interface of stored runs: comparing, repeating, cost, pruning. */
export { compareRuns, type Comparison, comparisonPage, type Row } from './compare.js';
export { costOfRun, type RunCost } from './cost.js';
export {
  carryOutDeletion,
  deleteRun,
  planDeletion,
  planPruning,
  type PruneCandidate,
  type SweepDeletion,
} from './prune.js';
export { compareReproduction, type Reproduction } from './reproduction.js';
export { readStoredRun, type StoredRun, storedRunIds, usedRuns } from './stored-run.js';
