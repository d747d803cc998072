/** Downloads a run's report to a local folder, where a browser can open it. */
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { environment } from '../core/environment.js';
import type { EvaluateResult } from '../spec/results.js';
import { type ObjectStore, openStore } from '../storage/index.js';

/**
 * @param folder default: `reports/<run>` of the state folder
 * @returns path of the local report.html; tables, data card and figures are in the same folder
 */
export async function downloadReport(
  runId: string,
  { report, prefix }: Pick<EvaluateResult, 'report' | 'prefix'>,
  folder = path.join(environment.stateFolder(), 'reports', runId),
): Promise<string> {
  const store = openStore(environment.storeUri());
  const page = path.join(folder, 'report.html');
  for await (const { key } of store.list(prefix)) {
    const name = key.slice(prefix.length);
    if (key !== report && isOfReport(name)) await download(store, key, path.join(folder, name));
  }
  await download(store, report, page);
  return page;
}

/** Files of a report are at the top, or in `figures/`. */
function isOfReport(name: string): boolean {
  return /^(figures\/)?[\w-][\w.-]*$/.test(name);
}

/** The file exists once it is complete. */
async function download(store: ObjectStore, key: string, file: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(`${file}.part`, await store.get(key));
  await rename(`${file}.part`, file);
}
