/**
 * Recorded graphs in a folder of this machine's cache: a training that resumes does not record its
 * step again.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { log } from '../../core/log.js';
import { makeScratchFolder } from '../../core/scratch.js';
import type { Signature } from './saved-model.js';

/** A recorded graph. */
export interface RecordedGraph {
  /** A SavedModel, as a file. */
  model: Uint8Array;
  signatures: Record<string, Signature>;
}

/** Graphs of a whole training at 256 px have some 10 MB. */
const DEFAULT_LIMIT_BYTES = 500e6;
const SUFFIX = '.graph';

/** A file for each graph: its digest, then the digested rest: key and signatures, and the model. */
export class GraphCache {
  constructor(
    private readonly folder: string,
    private readonly limitBytes = DEFAULT_LIMIT_BYTES,
  ) {}

  /**
   * The graph of what the key stands for, or the one that `record` makes, which is kept. An entry
   * that is damaged, of another user or of another key is not used and is written again.
   *
   * @param identity everything that the graph depends on, as JSON
   */
  async findOrRecord(identity: unknown, record: () => RecordedGraph): Promise<RecordedGraph> {
    const key = sha256(JSON.stringify(identity));
    const found = await this.find(key);
    if (found) return found;
    const graph = record();
    // Without it, the next start records once more.
    await this.keep(key, graph).catch((error: unknown) =>
      log.warn('the recorded graph could not be kept', { error: (error as NodeJS.ErrnoException).code }),
    );
    return graph;
  }

  private async find(key: string): Promise<RecordedGraph | null> {
    const file = this.fileOf(key);
    try {
      const graph = decode(await readOwn(file), key);
      if (!graph) log.warn('a recorded graph in the cache is damaged; it is recorded again');
      else await utimes(file, new Date(), new Date());
      return graph;
    } catch {
      return null;
    }
  }

  /** Other processes see the whole file or none: it is renamed to its place. */
  private async keep(key: string, graph: RecordedGraph): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const scratch = await makeScratchFolder('graph', this.folder);
    try {
      const file = path.join(scratch, 'graph');
      const bytes = encode(key, graph);
      await writeFile(file, bytes, { mode: 0o600 });
      await this.makeRoom(bytes.byteLength);
      await rename(file, this.fileOf(key));
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }

  /** The least recently used ones go first. */
  private async makeRoom(bytes: number): Promise<void> {
    const names = (await readdir(this.folder)).filter((name) => name.endsWith(SUFFIX));
    const files = await Promise.all(
      names.map(async (name) => {
        const file = path.join(this.folder, name);
        const info = await stat(file).catch(() => null);
        return { file, bytes: info?.size ?? 0, usedMs: info?.mtimeMs ?? 0 };
      }),
    );
    let total = bytes + files.reduce((sum, file) => sum + file.bytes, 0);
    for (const { file, bytes: size } of files.sort((a, b) => a.usedMs - b.usedMs)) {
      if (total <= this.limitBytes) return;
      await rm(file, { force: true });
      total -= size;
    }
  }

  private fileOf(key: string): string {
    return path.join(this.folder, `${key}${SUFFIX}`);
  }
}

/** A graph can read and write files: that of another user is not run. */
async function readOwn(file: string): Promise<Buffer> {
  const handle = await open(file);
  try {
    const { uid } = await handle.stat();
    if (uid !== (process.getuid?.() ?? uid)) throw new Error('it belongs to another user');
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

function encode(key: string, { model, signatures }: RecordedGraph): Buffer {
  const header = Buffer.from(`${JSON.stringify({ key, signatures })}\n`);
  const digest = createHash('sha256').update(header).update(model).digest('hex');
  return Buffer.concat([Buffer.from(`${digest}\n`), header, model]);
}

/** null when it is damaged or of another key. */
function decode(bytes: Buffer, expected: string): RecordedGraph | null {
  const at = bytes.indexOf('\n') + 1;
  const rest = bytes.subarray(at);
  if (bytes.toString('latin1', 0, at) !== `${sha256(rest)}\n`) return null;
  const end = rest.indexOf('\n');
  const { key, signatures } = JSON.parse(rest.toString('utf8', 0, end)) as {
    key: string;
    signatures: Record<string, Signature>;
  };
  return key === expected ? { model: rest.subarray(end + 1), signatures } : null;
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}
