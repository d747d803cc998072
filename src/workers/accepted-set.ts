/** The second set of `generate.rejectAbove`: the images that the evaluation accepts. */
import { z } from 'zod';
import type { OnProgress } from '../core/progress.js';
import type { CardEvaluation } from '../generation/data-card.js';
import { syntheticPrefix, writeAcceptedSet } from '../generation/index.js';
import { REJECTION_VALUES } from '../spec/analyses.js';
import type { EvaluateInput } from '../spec/compute-tasks.js';
import type { AcceptedSet } from '../spec/results.js';
import { contentKey, getJson, joinKey, type ObjectStore } from '../storage/index.js';
import { STAGE_VERSIONS } from '../storage/runs.js';

/** The part of `artifacts.json` that decides. */
const judgedSchema = z.object({ rejected: z.array(z.int()), pValue: z.array(z.number()) });

export interface Acceptance {
  accepted: AcceptedSet | null;
  /** What became of it, for readers of the report. */
  note: string;
}

/**
 * @param prefix of the results of the evaluation
 * @param identities of what the scores depend on besides the sets
 * @returns null where no rejection is asked for
 */
export async function acceptImages(
  store: ObjectStore,
  { runId, spec, dataset, synthetic }: EvaluateInput,
  { prefix, identities, evaluation }: { prefix: string; identities: string[]; evaluation: CardEvaluation },
  onProgress: OnProgress,
): Promise<Acceptance | null> {
  const { rejectAbove = null } = spec.generate;
  if (rejectAbove === null) return null;
  const artifacts = evaluation.analyses.find(({ analysis }) => analysis === 'artifacts');
  if (!artifacts?.values.some(({ name }) => name === REJECTION_VALUES.count))
    return {
      accepted: null,
      note: 'generate.rejectAbove rejected nothing: there are too few real images to judge by.',
    };
  const { rejected, pValue } = await getJson(store, joinKey(prefix, 'artifacts.json'), judgedSchema);
  const inputs = [synthetic.digest, dataset.digest, ...identities];
  const settings = { rejectAbove, maxImages: spec.evaluate.maxImages };
  const digest = contentKey('accepted', STAGE_VERSIONS.evaluate, inputs, settings).slice(0, 16);
  const accepted = await writeAcceptedSet(
    store,
    {
      from: synthetic.prefix,
      prefix: syntheticPrefix(runId, digest),
      digest,
      rejectAbove,
      judged: pValue.length,
      rejected,
      evaluation,
    },
    onProgress,
  );
  const unjudged = synthetic.images - pValue.length;
  const rest = unjudged > 0 ? ` ${unjudged} images beyond evaluate.maxImages were not judged.` : '';
  return {
    accepted,
    note: accepted
      ? `generate.rejectAbove left out ${rejected.length} images; the other ${accepted.images} are the set ${accepted.prefix}, with a data card of its own. Values on this page are those of all images.${rest}`
      : 'generate.rejectAbove rejected all images, so there is no set without them.',
  };
}
