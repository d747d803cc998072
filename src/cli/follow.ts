/**
 * Follows a run until it ends, downloads its report and prints its outcome; Ctrl-C only detaches.
 */
import type { Client } from '../client/index.js';
import { findAutomaticSettings, strengthNote } from '../checkpoints/index.js';
import { downloadReport } from '../client/report-download.js';
import { describeTransfer } from '../weights/transfer-report.js';
import { environment } from '../core/environment.js';
import { openStore } from '../storage/index.js';
import type { PipelineResult } from '../spec/results.js';
import { printResult, printNotice } from './terminal.js';
import { watchUntilEnd } from './watching.js';

const EXIT_DETACHED = 130;

/** @throws FailedRunError when the run fails. */
export async function follow(client: Client, runId: string, json?: boolean): Promise<PipelineResult> {
  const detach = () => {
    printNotice(
      `\nThe run continues. Watch it again with: gist watch ${runId}\nPause it with: gist pause ${runId}`,
    );
    process.exit(EXIT_DETACHED);
  };
  process.once('SIGINT', detach);
  try {
    const store = openStore(environment.storeUri());
    const result = await watchUntilEnd(client, runId, {
      settingsOf: () => findAutomaticSettings(store, runId),
      noteOf: (checkpoint) => strengthNote(store, checkpoint),
    });
    const report = result.stages.evaluate ? await downloadReport(runId, result.stages.evaluate) : null;
    printResult(json, { ...result, report }, summary(result, report));
    return result;
  } finally {
    process.off('SIGINT', detach);
  }
}

function summary({ runId, stages, reused }: PipelineResult, report: string | null): string {
  const lines = [`Run ${runId} is done.`];
  const { preprocess, train, generate, evaluate } = stages;
  if (preprocess) {
    const { images, rejected } = preprocess.dataset;
    lines.push(
      `  data set   ${images.train} training and ${images.holdout} holdout images${rejected ? `, ${rejected} rejected` : ''}`,
    );
  }
  if (train)
    lines.push(
      `  training   ended ${train.ended} at ${train.last.kimg} kimg; best checkpoint ${train.checkpoint.prefix}`,
    );
  if (train?.transfer) lines.push(`  transfer   ${describeTransfer(train.transfer)}`);
  if (generate) lines.push(`  synthetic  ${generate.images} images in ${generate.prefix}`);
  for (const [name, value] of Object.entries(evaluate?.metrics ?? {}))
    lines.push(`  ${name}  ${Number(value.toPrecision(5))}`);
  const extractors = Object.values(evaluate?.extractors ?? {});
  if (extractors.length > 0) lines.push(`  extractor  ${extractors.join(', ')}`);
  for (const caveat of evaluate?.caveats ?? []) lines.push(`  note       ${caveat}`);
  if (reused.length > 0)
    lines.push(
      `  reused     ${reused.join(', ')} (made by an earlier run of the same inputs; --no-cache makes them again)`,
    );
  if (evaluate?.conclusion) lines.push(`  in short   ${evaluate.conclusion.headline}`);
  if (report) lines.push(`  report     ${report}`);
  return lines.join('\n');
}
