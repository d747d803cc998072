/** Trainings with the stand-in for the official trainer, for tests. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type SuperviseOptions,
  superviseTrainer,
  type TrainerEvent,
  type TrainerJob,
} from '../../src/training/index.js';
import { specifiedNetwork } from '../../src/training/specified-network.js';
import { encodeSafetensors, type NamedTensor } from '../../src/nn/formats/safetensors.js';
import type { ObjectStore } from '../../src/storage/index.js';
import { tinyWeights } from './tiny-weights.js';
import { type TinyTraining, tinyTraining } from './tiny-training.js';

export const CHECKOUT = path.resolve('test/support/official-checkout');

/** What the stand-in reports that it received. */
export interface Given {
  pid: number;
  options: Record<string, string | null>;
  data: { images: number; resolution: number; labelled: boolean };
  /** SHA-256 of the snapshot that it was to start from. */
  resumed: string | null;
  /** Pid of a process that it has started. */
  helper: number;
  env: string[];
}

export interface Attempt {
  /** The outcome, or the error that it ended with. */
  outcome: unknown;
  events: TrainerEvent[];
  /** null when it was never started. */
  given: Given | null;
}

/** Previews in eager mode, because compiling the generator takes longer than the rest of a test. */
const SPEC = {
  engine: 'stylegan3',
  zDim: 512,
  wDim: 512,
  mirror: true,
  snapshotKimg: 3,
  checkpointMinutes: 1000,
  mode: 'eager',
};

export class OfficialRig {
  private attempts = 0;

  private constructor(
    readonly tiny: TinyTraining,
    private readonly folder: string,
    /** File with the networks that the stand-in's snapshots hold. */
    readonly weights: string,
  ) {}

  static async create(): Promise<OfficialRig> {
    const tiny = await tinyTraining();
    const folder = await mkdtemp(path.join(tmpdir(), 'gist-official-'));
    const rig = new OfficialRig(tiny, folder, path.join(folder, 'tiny.safetensors'));
    const { train, dataset } = rig.job('any');
    const { resolution, channels } = await datasetShape(tiny.store, dataset.prefix);
    const config = specifiedNetwork({ ...train, cfg: 'stylegan2' }, { resolution, channels, classes: 2 });
    await writeFile(rig.weights, encodeSafetensors(tinyWeights(config)));
    return rig;
  }

  /** 12 kimg of batch 4, a snapshot every 3 kimg. */
  job(runId: string, overrides: Partial<TrainerJob> & { spec?: Record<string, unknown> } = {}): TrainerJob {
    return this.tiny.job(runId, { targetKimg: 12, ...overrides, spec: { ...SPEC, ...overrides.spec } });
  }

  /** Runs one attempt to its end. @param standIn STAND_IN_* without that prefix */
  async attempt(
    job: TrainerJob,
    standIn: Record<string, string> = {},
    options: SuperviseOptions = {},
  ): Promise<Attempt> {
    const report = path.join(this.folder, `report-${++this.attempts}`);
    await mkdir(report);
    const events: TrainerEvent[] = [];
    const outcome = await superviseTrainer(job, {
      ...options,
      env: { ...this.env({ REPORT: report, ...standIn }), ...options.env },
      onEvent: (event) => {
        events.push(event);
        options.onEvent?.(event);
      },
    }).catch((error: unknown) => error);
    return { outcome, events, given: await readReport(report) };
  }

  env(standIn: Record<string, string>): Record<string, string> {
    const named = Object.entries({ WEIGHTS: this.weights, ...standIn });
    return {
      GIST_STYLEGAN3_DIR: CHECKOUT,
      GIST_STYLEGAN3_PYTHON: 'python3',
      PYTHONDONTWRITEBYTECODE: '1',
      ...Object.fromEntries(named.map(([name, value]) => [`STAND_IN_${name}`, value])),
    };
  }

  /** Networks as the stand-in pickles them. */
  async snapshotOf(tensors: Record<string, NamedTensor>): Promise<Uint8Array> {
    const [from, to] = ['from.safetensors', 'to.pkl'].map((name) => path.join(this.folder, name));
    await writeFile(`${from}`, encodeSafetensors(tensors));
    const code = 'import sys, snapshots as s; s.write_snapshot(sys.argv[2], s.read_safetensors(sys.argv[1]))';
    execFileSync('python3', ['-B', '-c', code, `${from}`, `${to}`], { cwd: CHECKOUT });
    return readFile(`${to}`);
  }

  async remove(): Promise<void> {
    await this.tiny.remove();
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** What the stand-in left in its folder of reports; null when there is nothing yet. */
export async function readReport(folder: string): Promise<Given | null> {
  const file = (await readdir(folder)).find((name) => name.endsWith('.json'));
  if (!file) return null;
  const given = JSON.parse(await readFile(path.join(folder, file), 'utf8')) as Omit<Given, 'pid'>;
  return { ...given, pid: Number.parseInt(file, 10) };
}

/** Whether a process is there and has not ended, waited for by its parent or not. */
export function isRunning(pid: number): boolean {
  try {
    const state = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return state.slice(state.lastIndexOf(')') + 2)[0] !== 'Z';
  } catch {
    return false;
  }
}

export async function untilEnded(...pids: number[]): Promise<void> {
  for (let tries = 0; tries < 200 && pids.some(isRunning); tries++) await sleep(50);
  assert.deepEqual(pids.filter(isRunning), []);
}

async function datasetShape(
  store: ObjectStore,
  prefix: string,
): Promise<{ resolution: number; channels: number }> {
  const manifest = Buffer.from(await store.get(`${prefix}manifest.json`)).toString('utf8');
  return JSON.parse(manifest) as { resolution: number; channels: number };
}
