/** Finished analyses in the store: an evaluation that starts again after a crash goes on there. */
import { z } from 'zod';
import type { AnalysisName, AnalysisResult } from '../../spec/analyses.js';
import { findJson, joinKey, type ObjectStore, putJson } from '../../storage/index.js';

/** A result is only used by the version that wrote it: its form is part of the key. */
const finishedSchema = z.object({
  key: z.string(),
  result: z.custom<AnalysisResult>((value) => value instanceof Object),
});

export class FinishedAnalyses {
  /**
   * @param prefix of the evaluation: one result of each analysis is kept, beside its figures
   * @param key changes with everything that the results depend on
   */
  constructor(
    private readonly store: ObjectStore,
    private readonly prefix: string,
    private readonly key: string,
  ) {}

  async find(name: AnalysisName): Promise<AnalysisResult | null> {
    const found = await findJson(this.store, this.objectOf(name), finishedSchema);
    return found?.key === this.key ? found.result : null;
  }

  /** Its figures must be in the store by now. */
  async add(result: AnalysisResult): Promise<void> {
    await putJson(this.store, this.objectOf(result.analysis), { key: this.key, result });
  }

  private objectOf(name: AnalysisName): string {
    return joinKey(this.prefix, `analyses/${name}.json`);
  }
}
