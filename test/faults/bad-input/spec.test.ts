/** Specs that cannot be run are refused before anything is started or written. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { GistUser } from '../../support/gist.js';
import { pngOfSize } from '../../support/images.js';
import { assertRefused } from '../../support/refusals.js';

let user: GistUser;

before(async () => {
  user = await GistUser.create();
  await mkdir(path.join(user.folder, 'images'));
});

after(() => user.leave());

const GOOD = { name: 'knee', preprocess: { source: 'images' } };
const spec = (parts: object) => JSON.stringify({ ...GOOD, ...parts });
const source = (parts: object) => spec({ preprocess: { source: 'images', ...parts } });

/** Each: the problem, the text of the file, and the message. The error is a SpecError. */
const SPECS: [string, string | Buffer, RegExp][] = [
  ['an unknown key', spec({ trian: {} }), /trian: unknown key; did you mean "train"/],
  ['an unknown key within a section', spec({ train: { kimgs: 3 } }), /train\.kimgs: unknown key.*"kimg"/],
  ['a value of the wrong type', spec({ train: { batch: 'many' } }), /train\.batch: .*number.*given "many"/],
  [
    'a resolution that is not a power of two',
    source({ resolution: 100 }),
    /resolution: must be 16 or .*given 100/,
  ],
  ['a negative length', spec({ train: { kimg: -5 } }), /train\.kimg: .*>0.*given -5/],
  [
    'a length that is not a number',
    'name: knee\ntrain: {kimg: .nan}\npreprocess: {source: images}',
    /train\.kimg/,
  ],
  ['an interval of snapshots longer than the training', spec({ train: { kimg: 1 } }), /train\.snapshotKimg/],
  ['no source of images', '{"name": "knee"}', /preprocess\.source: is required/],
  ['an omitted stage without `from`', spec({ stages: ['generate'] }), /from: stage "generate" needs/],
  ['an unknown stage', spec({ stages: ['preprocess', 'trian'] }), /stages\[1\].*did you mean "train"/],
  [
    'a duplicate stage',
    spec({ stages: ['preprocess', 'preprocess'] }),
    /stages: must not contain a stage twice/,
  ],
  ['no stage', spec({ stages: [] }), /stages: needs at least one stage/],
  ['an unknown network', spec({ train: { cfg: 'stylegan4' } }), /stylegan4|stylegan3-t/],
  ['a metric of a later version', spec({ evaluate: { metrics: ['fid'] } }), /"fid" is not available/],
  ['a format of a later version', spec({ generate: { format: 'jpeg' } }), /"jpeg" is not available/],
  [
    'a subset that names a patient',
    source({ where: { PatientID: 'x' } }),
    /preprocess\.where.*must not tell patients/,
  ],
  ['a truncation out of range', spec({ generate: { truncationPsi: 3 } }), /generate\.truncationPsi: .*<=2/],
  ['a negative seed', spec({ generate: { seed: -1 } }), /generate\.seed: .*>=0/],
  ['an unknown scheme', source({ source: 'ftp://host/images' }), /preprocess\.source: must be a path, file/],
  ['a NUL character in an address', source({ source: 'ima\0ges' }), /preprocess\.source: .*NUL/],
  ['an invalid name', spec({ name: '../knee' }), /name: must be 1 to 63 letters/],
  ['an incomplete JSON document', '{"name": "knee", "preproc', /is neither JSON nor YAML/],
  ['a duplicate key', 'name: knee\nname: hip\n', /is neither JSON nor YAML/],
  ['no content', '', /is not a spec/],
  ['an image instead of text', pngOfSize(8, 8), /is neither JSON nor YAML|is not a spec/],
  [
    'nested aliases that expand exponentially',
    ['a: &a [x, x, x, x, x, x, x, x, x]', ...nested('b', 'a'), ...nested('c', 'b'), ...nested('d', 'c')].join(
      '\n',
    ),
    /is neither JSON nor YAML/,
  ],
];

/** A YAML list of nine references to another. */
function nested(name: string, of: string): string[] {
  return [`${name}: &${name} [${Array.from({ length: 9 }, () => `*${of}`).join(', ')}]`];
}

for (const [i, [problem, text, says]] of SPECS.entries()) {
  test(`\`gist run\` refuses a spec with ${problem}`, async () => {
    const file = `spec${i}.yaml`;
    await writeFile(path.join(user.folder, file), text);
    assertRefused(await user.gist('run', file, '--json'), { type: 'SpecError', code: 2, says });
  });
}

test('`gist run` refuses a spec file that does not exist', async () => {
  const outcome = await user.gist('run', 'nothing.yaml', '--json');
  assertRefused(outcome, { type: 'UsageError', code: 2, says: /there is no file nothing\.yaml/ });
});

test('`gist run` refuses a folder instead of a spec file', async () => {
  const outcome = await user.gist('run', 'images', '--json');
  assertRefused(outcome, { type: 'UsageError', code: 2, says: /images is a folder/ });
});

test('all problems of a spec are reported together', async () => {
  await writeFile(path.join(user.folder, 'three.json'), spec({ nmae: 1, train: { kimg: 0, batch: 1 } }));
  const outcome = await user.gist('run', 'three.json', '--json');
  assertRefused(outcome, { type: 'SpecError', code: 2, says: /3 problems:.*nmae/s });
});

test('a refused spec starts no server and writes no state', () => {
  assert.equal(existsSync(user.home), false);
});
