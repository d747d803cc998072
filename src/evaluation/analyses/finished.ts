/** Finished analyses in the store: an evaluation that starts again after a crash goes on there. */
import { z } from 'zod';
import type { AnalysisName, AnalysisResult } from '../../spec/analyses.js';
import { findJson, joinKey, type ObjectStore, putJson } from '../../storage/index.js';

/** Only read by the version that wrote it. */
const resultSchema = z.custom<AnalysisResult>((value) => value instanceof Object && 'analysis' in value);

export class FinishedAnalyses {
  /** @param prefix changes with everything that the results depend on */
  constructor(
    private readonly store: ObjectStore,
    private readonly prefix: string,
  ) {}

  find(name: AnalysisName): Promise<AnalysisResult | null> {
    return findJson(this.store, this.keyOf(name), resultSchema);
  }

  /** Its figures must be in the store by now. */
  async add(result: AnalysisResult): Promise<void> {
    await putJson(this.store, this.keyOf(result.analysis), result);
  }

  private keyOf(name: AnalysisName): string {
    return joinKey(this.prefix, `${name}.json`);
  }
}
