/**
 * A whole training with an official trainer's stand-in: data in, progress, checkpoints and images
 * out.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CheckpointError, TrainingError } from '../../../src/core/errors.js';
import { CHECKPOINT_PARTS, trainPrefix } from '../../../src/checkpoints/manifest.js';
import { createSampler } from '../../../src/generation/checkpoint-sampler.js';
import { findTransfer } from '../../../src/weights/transfer-report.js';
import { listSnapshots } from '../../../src/checkpoints/index.js';
import type { TrainerEvent } from '../../../src/training/index.js';
import { findInitialSnapshot } from '../../../src/training/official/initial-snapshot.js';
import { snapshotParts } from '../../../src/training/official/snapshot.js';
import { readWeights } from '../../../src/weights/import.js';
import { specifiedNetwork } from '../../../src/training/specified-network.js';
import { decodeSafetensors } from '../../../src/nn/formats/safetensors.js';
import { sha256 } from '../../../src/storage/index.js';
import { tinyWeights } from '../../support/tiny-weights.js';
import { type Attempt, OfficialRig } from '../../support/official-training.js';
import { newest } from '../../support/tiny-training.js';

const only = <Type extends TrainerEvent['type']>({ events }: Attempt, type: Type) =>
  events.filter((event): event is Extract<TrainerEvent, { type: Type }> => event.type === type);

describe('engine stylegan3', () => {
  let rig: OfficialRig;
  let whole: Attempt;
  before(async () => {
    rig = await OfficialRig.create();
    whole = await rig.attempt(rig.job('whole'), {}, { env: { AWS_SECRET_ACCESS_KEY: 'secret' } });
  });
  after(() => rig.remove());

  async function statistics(runId: string): Promise<Record<string, { mean: number | null }>[]> {
    const text = Buffer.from(await rig.tiny.store.get(`${trainPrefix(runId)}stats.jsonl`)).toString('utf8');
    return text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, { mean: number | null }>);
  }

  test('train.py receives one zip with labels and its own options, and no secrets', () => {
    const { given } = whole;
    assert.deepEqual(given?.data, { images: 32, resolution: 16, labelled: true });
    const { outdir: _outdir, data: _data, gamma, ...options } = given?.options ?? {};
    assert.ok(Math.abs(Number(gamma) - (0.0002 * 16 * 16) / 4) < 1e-12, String(gamma));
    assert.deepEqual(options, {
      cfg: 'stylegan2',
      gpus: '1',
      batch: '4',
      'batch-gpu': '4',
      cond: 'true',
      mirror: 'true',
      aug: 'noaug',
      resume: null,
      freezed: '0',
      cbase: '128',
      cmax: '8',
      'map-depth': '2',
      'mbstd-group': '4',
      fp32: 'false',
      kimg: '12',
      tick: '3',
      snap: '1',
      metrics: 'none',
      seed: '3',
      workers: '3',
      desc: 'gist',
    });
    assert.ok(given?.env.includes('STAND_IN_WEIGHTS'));
    assert.deepEqual(
      given?.env.filter((name) => /^(AWS|TEMPORAL|GIST)_/.test(name)),
      [],
    );
    // What the trainer process sets for itself is not for train.py.
    for (const name of ['CUDA_VISIBLE_DEVICES', 'OMP_NUM_THREADS'])
      assert.equal(given?.env.includes(name), name in process.env, name);
  });

  test('ticks become progress and stats.jsonl, snapshots become verified checkpoints, and the end an outcome', async () => {
    const last = await newest(rig.tiny.store, 'whole');
    assert.deepEqual(whole.outcome, { type: 'done', checkpoint: last.ref });
    assert.deepEqual(
      only(whole, 'progress').map(({ kimg, step }) => [kimg, step]),
      [
        [0.004, 1],
        [3.004, 751],
        [6.004, 1501],
        [9.004, 2251],
        [12, 3000],
      ],
    );
    assert.equal(only(whole, 'progress').at(-1)?.losses['Loss/D/loss'], 1.2);
    const snapshots = await listSnapshots(rig.tiny.store, 'whole');
    assert.deepEqual(
      snapshots.map(({ kimg }) => kimg),
      [3.004, 6.004, 9.004, 12],
    );
    const { manifest } = last;
    assert.equal(manifest.configuration.engine, 'stylegan3');
    assert.deepEqual(Object.keys(manifest.parts).sort(), [
      'D.safetensors',
      'G.safetensors',
      'G_ema.safetensors',
      'network-snapshot.pkl',
      'preview.png',
      'stats.jsonl',
    ]);
    assert.deepEqual(manifest.classes, [
      { name: 'early', images: 16 },
      { name: 'late', images: 16 },
    ]);
    assert.ok(await rig.tiny.store.head(`${trainPrefix('whole')}reals.png`));
    const lines = await statistics('whole');
    assert.deepEqual(
      lines.map((line) => line['Progress/kimg']?.mean),
      [0.004, 3.004, 6.004, 9.004, 12],
    );
    assert.equal(lines[0]?.['Loss/D/loss']?.mean, null);
  });

  test('a checkpoint generates images like any other', async () => {
    const [, second] = await listSnapshots(rig.tiny.store, 'whole');
    assert.ok(second);
    const sampler = await createSampler(rig.tiny.store, second.prefix, { batch: 2, mode: 'eager' });
    const [image] = await sampler.generate([1], [0], 1);
    sampler.dispose();
    assert.equal(image?.length, 16 * 16);
    const { parts } = await newest(rig.tiny.store, 'whole');
    const average = decodeSafetensors(parts[CHECKPOINT_PARTS.generatorEma] ?? new Uint8Array(), 'average');
    assert.equal(average['G_ema.mapping.w_avg']?.data[0], 12);
  });

  test('an extended training resumes from its newest snapshot, continues its counters, and warns that it is not bit-exact', async () => {
    const before = await newest(rig.tiny.store, 'whole');
    const more = await rig.attempt(rig.job('whole', { targetKimg: 15 }));
    const last = await newest(rig.tiny.store, 'whole');
    assert.deepEqual(more.outcome, { type: 'done', checkpoint: last.ref });
    assert.equal(last.ref.kimg, 15);
    assert.equal(more.given?.resumed, sha256(before.parts[CHECKPOINT_PARTS.official] ?? new Uint8Array()));
    assert.equal(more.given?.options.kimg, '3');
    assert.equal(more.given?.options.seed, '15');
    const [started] = only(more, 'started');
    assert.deepEqual(started?.resumedFrom, before.ref);
    assert.match(started?.warnings.join() ?? '', /at 12 kimg without the state of its optimizers.*0\.040/);
    const lines = await statistics('whole');
    assert.deepEqual(
      lines.map((line) => line['Progress/tick']?.mean),
      [0, 1, 2, 3, 4, 5, 6],
    );
    assert.equal(lines.at(-1)?.['Progress/kimg']?.mean, 15);
    const again = await rig.attempt(rig.job('whole', { targetKimg: 15 }));
    assert.deepEqual(again.outcome, more.outcome);
    assert.equal(again.given, null);
  });

  test('it starts from a .pkl or a run of the same engine, and refuses weights that train.py cannot read', async () => {
    const { parts, ref } = await newest(rig.tiny.store, 'whole');
    await rig.tiny.store.put('raw/start.pkl', parts[CHECKPOINT_PARTS.official] ?? new Uint8Array());
    const resume = `${rig.tiny.store.uri}raw/start.pkl`;
    const transferred = await rig.attempt(rig.job('transferred', { targetKimg: 1, spec: { resume } }));
    assert.equal((transferred.outcome as { type?: string }).type, 'done', String(transferred.outcome));
    assert.equal(transferred.given?.resumed, sha256(parts[CHECKPOINT_PARTS.official] ?? new Uint8Array()));
    assert.match(only(transferred, 'started')[0]?.transfer ?? '', /G (\d+) of \1 tensors/);
    assert.ok(await findTransfer(rig.tiny.store, 'transferred'));
    const config = (classes: number) =>
      specifiedNetwork(
        { ...rig.job('any').train, cfg: 'stylegan2' },
        { resolution: 16, channels: 1, classes },
      );
    let finds = 0;
    const find = (address: string, classes = 2) => {
      const place = { store: rig.tiny.store, runPrefix: `found/${++finds}/` };
      return findInitialSnapshot(
        { ...place, warn: (warning) => assert.fail(warning) },
        address,
        config(classes),
      );
    };
    for (const address of ['whole', ref.prefix, 'raw/start.pkl']) {
      const { snapshot } = await find(address);
      assert.equal(sha256(snapshot), transferred.given?.resumed, address);
    }
    const refused = (address: string, because: RegExp, classes?: number) =>
      assert.rejects(
        find(address, classes),
        (error) => error instanceof CheckpointError && because.test(error.message),
      );
    await refused(rig.weights, /train\.py reads only network-snapshot-\*\.pkl/);
    await refused('raw/start.pkl', /does not fit: .*mapping.*train\.py copies/, 0);
    await refused('nobody', /no run, checkpoint or imported weights/);
  });

  test('a snapshot of stylegan3-r, whose discriminator has fewer channels than its generator, is accepted', async () => {
    const train = { ...rig.job('any').train, cfg: 'stylegan3-r' as const, cbase: 64, cmax: 4 };
    const config = specifiedNetwork(train, { resolution: 16, channels: 1, classes: 0 });
    const weights = tinyWeights(config);
    assert.deepEqual(weights['G.synthesis.L0_36_8.weight']?.shape, [8, 8, 1, 1]);
    assert.deepEqual(weights['D.b16.fromrgb.weight']?.shape, [4, 1, 1, 1]);
    const snapshot = await rig.snapshotOf(weights);
    await rig.tiny.store.put('raw/r.pkl', snapshot);
    const { report } = await findInitialSnapshot(
      { store: rig.tiny.store, runPrefix: 'found/r/', warn: assert.fail },
      'raw/r.pkl',
      config,
    );
    assert.deepEqual(report.initialized, []);
    assert.deepEqual(snapshotParts(snapshot, 'r.pkl', config).notes, []);
    // A file read without a spec has the same inferred widths.
    assert.deepEqual(readWeights(snapshot, 'r.pkl').notes, []);
  });

  test('a snapshot has the networks of the spec, also where its shapes do not determine cbase, or it is refused', async () => {
    const { train } = rig.job('any');
    const configOf = (sizes: { cbase: number; cmax: number }) =>
      specifiedNetwork({ ...train, cfg: 'stylegan2', ...sizes }, { resolution: 16, channels: 1, classes: 0 });
    const wide = configOf({ cbase: 32_768, cmax: 8 });
    const snapshot = await rig.snapshotOf(tinyWeights(wide));
    const { parts, average } = snapshotParts(snapshot, 'x.pkl', wide);
    assert.equal(Object.keys(parts).length, 4);
    assert.ok(average['G_ema.synthesis.b16.conv1.weight']);
    assert.throws(
      () => snapshotParts(snapshot, 'x.pkl', configOf({ cbase: 32_768, cmax: 16 })),
      (error) => error instanceof CheckpointError && /x\.pkl: .*of this spec; G_ema: /.test(error.message),
    );
    // No layer of these has cbase / resolution channels without a remainder.
    const uneven = configOf({ cbase: 100, cmax: 32 });
    const kept = snapshotParts(await rig.snapshotOf(tinyWeights(uneven)), 'x.pkl', uneven);
    assert.deepEqual(kept.notes, []);
    const broken = tinyWeights(wide);
    broken['G.mapping.fc0.bias']?.data.fill(Number.NaN);
    const bytes = await rig.snapshotOf(broken);
    assert.throws(() => snapshotParts(bytes, 'x.pkl', wide), TrainingError);
  });

  test('a checkpoint records the clamp of its snapshot, none in single precision', async () => {
    const single = { targetKimg: 3, spec: { stylegan3: { fp32: true } } };
    await rig.attempt(rig.job('single', single));
    for (const [runId, clamp] of [
      ['whole', 256],
      ['single', null],
    ] as const) {
      const { manifest, parts } = await newest(rig.tiny.store, runId);
      assert.equal(manifest.configuration.network.clamp, clamp);
      const snapshot = parts[CHECKPOINT_PARTS.official] ?? new Uint8Array();
      assert.equal(readWeights(snapshot, 'x.pkl').config.clamp, clamp);
    }
  });

  test('the built-in engine does not resume from its checkpoints', async () => {
    const native = await rig.attempt(
      rig.tiny.job('whole', { targetKimg: 20, spec: { zDim: 512, wDim: 512 } }),
    );
    assert.ok(native.outcome instanceof CheckpointError);
    assert.match(native.outcome.message, /engine = "stylegan3", this training wants "tfjs"/);
  });
});
