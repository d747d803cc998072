/** Downloads a run's report to a local folder, where a browser can open it. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { environment } from '../core/environment.js';
import type { EvaluateResult } from '../spec/results.js';
import { openStore } from '../storage/index.js';

/** @returns path of the local report.html; its PNG figures are in the same folder */
export async function downloadReport(runId: string, { report, prefix }: EvaluateResult): Promise<string> {
  const store = openStore(environment.storeUri());
  const folder = path.join(environment.stateFolder(), 'reports', runId);
  await mkdir(path.join(folder, 'figures'), { recursive: true });
  for await (const { key } of store.list(`${prefix}figures/`)) {
    await writeFile(path.join(folder, 'figures', path.basename(key)), await store.get(key));
  }
  const page = path.join(folder, 'report.html');
  await writeFile(`${page}.part`, await store.get(report));
  await rename(`${page}.part`, page);
  return page;
}
