/**
 * A training that starts from another one: what is copied, what starts from initial values, and
 * what is refused.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { CheckpointError, SpecError } from '../../../src/core/errors.js';
import { CHECKPOINT_PARTS, trainPrefix } from '../../../src/checkpoints/manifest.js';
import { findTransfer } from '../../../src/weights/transfer-report.js';
import { superviseTrainer, type TrainerEvent } from '../../../src/training/index.js';
import { openInitialWeights } from '../../../src/weights/initial-weights.js';
import { readWeights, writeWeights } from '../../../src/weights/index.js';
import { decodeSafetensors } from '../../../src/nn/formats/safetensors.js';
import { newest, type TinyTraining, tinyTraining } from '../../support/tiny-training.js';

/** One step of batch 4. */
const BRIEF = { targetKimg: 0.004 };

describe('transfer', () => {
  let tiny: TinyTraining;
  before(async () => {
    tiny = await tinyTraining();
    await superviseTrainer(tiny.job('source', BRIEF));
  });
  after(() => tiny.remove());

  async function train(runId: string, spec: Record<string, unknown>) {
    const events: TrainerEvent[] = [];
    await superviseTrainer(tiny.job(runId, { ...BRIEF, spec }), { onEvent: (event) => events.push(event) });
    const started = events.find((event) => event.type === 'started');
    const { manifest, parts } = await newest(tiny.store, runId);
    const tensors = (part: string) => decodeSafetensors(parts[part] ?? new Uint8Array(), part);
    return {
      started,
      manifest,
      D: tensors(CHECKPOINT_PARTS.discriminator),
      G: tensors(CHECKPOINT_PARTS.generator),
    };
  }

  test('everything is copied where nothing differs, kimg and optimizer start from 0, frozen layers do not change', async () => {
    const { started, manifest, D, G } = await train('same', {
      resume: 'source',
      freezed: 3,
      glr: 1e-9,
      dlr: 0.01,
    });
    assert.match(
      started?.transfer ?? '',
      /starts from runs\/source\/train\/checkpoint.* at 0.004 kimg: G (\d+) of \1 tensors/,
    );
    assert.equal(manifest.kimg, 0.004);
    assert.equal(manifest.step, 1);
    const report = await findTransfer(tiny.store, 'same');
    assert.deepEqual(report?.initialized, []);
    const source = await newest(tiny.store, 'source');
    const before = decodeSafetensors(source.parts[CHECKPOINT_PARTS.discriminator] ?? new Uint8Array(), 'D');
    for (const [name, { data }] of Object.entries(D)) {
      const isFrozen = /^D\.b16\.(fromrgb|conv0|conv1)\./.test(name) || name.endsWith('resample_filter');
      const isSame = data.every((value, i) => value === before[name]?.data[i]);
      // A bias that got no gradient may stay as well.
      if (isFrozen || !name.endsWith('bias')) assert.equal(isSame, isFrozen, name);
    }
    const theirs = decodeSafetensors(source.parts[CHECKPOINT_PARTS.generator] ?? new Uint8Array(), 'G');
    for (const [name, { data }] of Object.entries(G)) {
      if (name.endsWith('w_avg')) continue;
      const apart = Math.max(...data.map((value, i) => Math.abs(value - (theirs[name]?.data[i] ?? 0))));
      assert.ok(apart < 1e-6, `${name} moved by ${apart}`);
    }
  });

  test('after the first step, the average is still close to that of the source', async () => {
    const moved = async (runId: string, part: string) => {
      const of = async (run: string) =>
        decodeSafetensors((await newest(tiny.store, run)).parts[part] ?? new Uint8Array(), part);
      const [source, now] = [await of('source'), await of(runId)];
      const name = Object.keys(now).find((key) => key.endsWith('synthesis.b4.conv1.weight')) ?? '';
      return Math.max(
        ...(now[name]?.data ?? []).map((value, i) => Math.abs(value - (source[name]?.data[i] ?? 0))),
      );
    };
    await train('averaged', { resume: 'source', glr: 0.01 });
    const [trained, average] = [
      await moved('averaged', CHECKPOINT_PARTS.generator),
      await moved('averaged', CHECKPOINT_PARTS.generatorEma),
    ];
    assert.ok(trained > 1e-3, `G moved by ${trained}`);
    assert.ok(average > 0 && average < trained / 100, `G by ${trained}, its average by ${average}`);
  });

  test('from official weights of another resolution without classes, what fits is copied and the rest is named', async () => {
    const snapshot = await readFile('test/fixtures/weights/tiny-protocol4.pkl');
    await writeWeights(tiny.store, 'weights/tiny/', readWeights(snapshot, 'tiny.pkl'));
    const sizes = { cbase: 64, cmax: 8, zDim: 4, wDim: 4, mapDepth: 2 };
    await train('other-size', { resume: 'tiny', ...sizes });
    const report = await findTransfer(tiny.store, 'other-size');
    const named = (name: string) => report?.initialized.find((line) => line.startsWith(`${name}:`));
    assert.match(named('G.mapping.embed.weight') ?? '', /not in the source/);
    assert.match(named('G.mapping.fc0.weight') ?? '', /was \[4, 4\], is \[4, 8\]/);
    assert.match(named('G.synthesis.b16.conv1.weight') ?? '', /not in the source/);
    assert.equal(named('G.synthesis.b4.conv1.weight'), undefined);
    assert.equal(named('D.b4.conv.weight'), undefined);
    assert.ok((report?.networks.G?.copied ?? 0) > 10);
  });

  test('a training with a checkpoint resumes from it, even if its source was changed or deleted', async () => {
    await superviseTrainer(tiny.job('resumes', { ...BRIEF, spec: { resume: 'same' } }));
    const graph = async () => (await newest(tiny.store, 'resumes')).manifest.numericEnvironment.graph;
    const before = await graph();
    const events: TrainerEvent[] = [];
    await superviseTrainer(tiny.job('resumes', { targetKimg: 0.008, spec: { resume: 'gone' } }), {
      onEvent: (event) => events.push(event),
    });
    const started = events.find((event) => event.type === 'started');
    assert.equal(started?.resumedFrom?.step, 1);
    assert.equal(started?.transfer, undefined);
    // Two processes compiled the same step, so nothing is to be warned of.
    assert.match(before ?? '', /^[0-9a-f]{64}$/);
    assert.equal(await graph(), before);
    assert.deepEqual(started?.warnings, []);
    assert.equal((await newest(tiny.store, 'resumes')).ref.step, 2);
  });

  test('every attempt before the first checkpoint starts from the same weights, or is refused', async () => {
    const runPrefix = trainPrefix('pinned');
    const open = (resume: string) =>
      openInitialWeights(
        { store: tiny.store, runPrefix, warn: assert.fail },
        resume,
        ({ from, networks }) => ({
          from,
          bias: networks.G?.['mapping.fc0.bias']?.data,
        }),
      );
    await superviseTrainer(tiny.job('moves-on', BRIEF));
    const first = await open('moves-on');
    await superviseTrainer(tiny.job('moves-on', { targetKimg: 0.008 }));
    assert.notEqual((await newest(tiny.store, 'moves-on')).ref.prefix, first.from);
    assert.deepEqual(await open('moves-on'), first);
    const refused = (because: RegExp, resume = 'moves-on') =>
      assert.rejects(
        open(resume),
        (error) => error instanceof CheckpointError && because.test(error.message),
      );
    await refused(/to start from source now/, 'source');
    for await (const { key } of tiny.store.list(`${first.from}D.`)) await tiny.store.delete(key);
    await refused(/only some still exist/);
    await tiny.store.put(`${first.from}manifest.json`, Buffer.from('{}'));
    await refused(/deleted or changed/);
    await tiny.store.delete(`${first.from}manifest.json`);
    await refused(/deleted or changed/);
  });

  test('weights that do not fit are refused, and the error names sizes that fit', async () => {
    const refused = (
      spec: Record<string, unknown>,
      Class: typeof CheckpointError | typeof SpecError,
      because: RegExp,
    ) =>
      assert.rejects(
        superviseTrainer(tiny.job('refused', { ...BRIEF, spec })),
        (error) => error instanceof Class && because.test(error.message),
      );
    await refused({ resume: 'nobody' }, CheckpointError, /no run, checkpoint or imported weights/);
    await refused(
      { resume: 'source', cbase: 1024, cmax: 32 },
      CheckpointError,
      /no layer.*16 px, gray, cbase 128, cmax 8.*Set cfg stylegan2, cbase 128, cmax 8/,
    );
    await refused({ resume: 'source', freezed: 9 }, SpecError, /7 layers/);
  });
});
