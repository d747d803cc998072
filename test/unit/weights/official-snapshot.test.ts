/**
 * Official snapshots: every tensor comes out as it went in, hostile ones are refused and nothing in
 * them is executed.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { CheckpointError } from '../../../src/core/errors.js';
import { readWeights } from '../../../src/weights/index.js';
import { readOfficialSnapshot } from '../../../src/weights/official-snapshot.js';
import { encodeSafetensors, type NamedTensor } from '../../../src/nn/formats/safetensors.js';
import { TINY_CONFIG, tinyWeights } from '../../support/tiny-weights.js';

const FIXTURES = 'test/fixtures/weights';
/** A Python with PyTorch, to make snapshots on the spot. */
const PYTHON = process.env.GIST_TEST_PYTHON;

function flat(networks: ReturnType<typeof readWeights>['networks']): Record<string, NamedTensor> {
  return Object.fromEntries(
    Object.entries(networks).flatMap(([network, { tensors }]) =>
      Object.entries(tensors).map(([name, tensor]) => [`${network}.${name}`, tensor]),
    ),
  );
}

/** Bytes, one for each character. */
const bytes = (content: string) => Buffer.from(content, 'latin1');

function text(value: string): string {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(value.length);
  return `X${length.toString('latin1')}${value}`;
}

/** A pickle of protocol 4 around some instructions. */
const pickle = (content: string) => bytes(`\x80\x04${content}.`);
const global = (module: string, name: string) => `${text(module)}${text(name)}\x93`;
const RECONSTRUCT = global('torch_utils.persistence', '_reconstruct_persistent_obj');
/** A network with that state. */
const network = (state: string) =>
  `${RECONSTRUCT}}(${text('type')}${text('class')}${text('class_name')}${text('Generator')}${text('state')}${state}u\x85R`;
const snapshot = (g: string) => pickle(`}${text('G')}${g}s`);

const number = (value: number) => {
  const four = Buffer.alloc(4);
  four.writeInt32LE(value);
  return four.toString('latin1');
};

/**
 * A storage of that many floats, as it lies inside of a pickle: a whole file of the older format.
 */
function storage(elements: number, value = '\x00\x00\x00\x00'): string {
  const id = `(${text('storage')}ctorch\nFloatStorage\n${text('0')}${text('cpu')}J${number(elements)}NtQ.`;
  const file = [
    '\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.',
    '\x80\x02M\xe9\x03.',
    `\x80\x02}${text('little_endian')}\x88s.`,
    `\x80\x02${id}`,
    `\x80\x02](${text('0')}e.`,
    `${number(elements)}${number(0)}${value.repeat(elements)}`,
  ].join('');
  return `${global('torch.storage', '_load_from_bytes')}B${number(file.length)}${file}\x85R`;
}

function refused(content: Buffer, because: RegExp): void {
  assert.throws(
    () => readOfficialSnapshot(content, 'x.pkl'),
    (error) => error instanceof CheckpointError && because.test(error.message),
  );
}

describe('official snapshots', () => {
  for (const file of ['tiny-protocol3.pkl', 'tiny-protocol4.pkl']) {
    test(`${file} gives every tensor with its name in the state dict, and nothing else`, async () => {
      const { config, networks, notes, format } = readWeights(
        await readFile(path.join(FIXTURES, file)),
        file,
      );
      assert.equal(format, 'official snapshot');
      assert.deepEqual(config, { ...TINY_CONFIG, clamp: 256 });
      assert.deepEqual(notes, []);
      assert.deepEqual(flat(networks), tinyWeights());
      assert.equal(networks.G?.className, 'Generator');
    });
  }

  test('a snapshot that PyTorch writes during the test is read, in every protocol and precision', {
    skip: !PYTHON,
  }, async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'gist-snapshot-'));
    try {
      const source = path.join(folder, 'tiny.safetensors');
      await writeFile(source, encodeSafetensors(tinyWeights()));
      for (const [protocol, type, trainer, clamp] of [
        ['2', 'float32', 'stylegan2-ada', 256],
        ['3', 'float32', 'stylegan3', 256],
        ['5', 'float64', 'stylegan3-fp32', null],
        ['4', 'float16', 'stylegan2-ada', 256],
      ] as const) {
        const target = path.join(folder, `${protocol}.pkl`);
        await promisify(execFile)(PYTHON ?? '', [
          'test/support/official_snapshots.py',
          source,
          target,
          protocol,
          type,
          trainer,
        ]);
        const { networks, config } = readWeights(await readFile(target), 'fresh.pkl');
        assert.equal(config.clamp, clamp);
        const [found, expected] = [flat(networks), tinyWeights()];
        assert.deepEqual(Object.keys(found).sort(), Object.keys(expected).sort());
        for (const [name, { data }] of Object.entries(expected)) {
          const tolerance = type === 'float16' ? 1e-3 : 0;
          data.forEach((value, i) => {
            const other = found[name]?.data[i] as number;
            assert.ok(
              Math.abs(other - value) <= tolerance * Math.max(1, Math.abs(value)),
              `${name} ${value} ${other}`,
            );
          });
        }
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test('a storage of more than a megabyte is read from protocol 2, which stores bytes as text', () => {
    const load = global('torch.storage', '_load_from_bytes');
    const file = storage(400_000, '\x80\x3f\xc0\x3f').slice(load.length + 5, -2);
    const utf8 = Buffer.from(file, 'utf8').toString('latin1');
    const encoded = `c_codecs\nencode\n(${text(utf8)}${text('latin1')}tR`;
    const tensor = `ctorch._utils\n_rebuild_tensor_v2\n(ctorch.storage\n_load_from_bytes\n(${encoded}tRK\x00J${number(400_000)}\x85K\x01\x85\x89}tR`;
    const reconstruct = 'ctorch_utils.persistence\n_reconstruct_persistent_obj\n';
    const generator = network(`}${text('_parameters')}}${text('w')}${tensor}ss`).replace(
      RECONSTRUCT,
      reconstruct,
    );
    const { networks } = readOfficialSnapshot(bytes(`\x80\x02}${text('G')}${generator}s.`), 'x.pkl');
    const value = Buffer.from('\x80\x3f\xc0\x3f', 'latin1').readFloatLE();
    assert.deepEqual(networks.G?.tensors.w?.data, new Float32Array(400_000).fill(value));
  });

  test('a snapshot of a TensorFlow StyleGAN is refused with a hint on how to convert it', () => {
    const attempts = [
      pickle(`${global('dnnlib.tflib.network', 'Network')})\x81`),
      bytes('\x80\x02cdnnlib.tflib.network\nNetwork\n)\x81.'),
      snapshot(`${global('dnnlib.tflib.network', 'Network')})\x81`),
    ];
    for (const content of attempts) {
      refused(content, /"dnnlib.tflib.network Network": it is a network of TensorFlow.*legacy\.py --source/);
      assert.throws(() => readWeights(content, 'x.pkl'), /^(?!.*corrupt)/);
    }
  });

  test('a snapshot that is truncated at any place is refused', async () => {
    const whole = await readFile(path.join(FIXTURES, 'tiny-protocol4.pkl'));
    for (let end = 1; end < whole.length; end += 997) refused(whole.subarray(0, end), /./);
  });
});

describe('the clamp of a snapshot', () => {
  const TENSOR = `${global('torch._utils', '_rebuild_tensor_v2')}(${storage(1)}K\x00K\x01\x85K\x01\x85\x89}tR`;
  const dictionary = (entries: Record<string, string>) =>
    `}(${Object.entries(entries)
      .map(([key, value]) => `${text(key)}${value}`)
      .join('')}u`;
  const CLAMPED = dictionary({ conv_clamp: 'M\x80\x00' });
  const UNCLAMPED = dictionary({ conv_clamp: 'N' });
  /** A generator made with some settings, whose synthesis layers hold these. */
  const generator = (made: string, ...layers: string[]) => {
    const held = Object.fromEntries(layers.map((state, i) => [`L${i}`, network(state)]));
    const synthesis = network(dictionary({ _modules: dictionary(held) }));
    return snapshot(
      network(
        dictionary({
          _init_kwargs: made,
          _parameters: dictionary({ w: TENSOR }),
          _modules: dictionary({ synthesis }),
        }),
      ),
    );
  };
  const clampOf = (content: Buffer) => readOfficialSnapshot(content, 'x.pkl').networks.G?.clamp;

  test('is that of its layers, regardless of the arguments of the constructor', () => {
    const made = dictionary({ synthesis_kwargs: CLAMPED });
    assert.equal(clampOf(generator(made, UNCLAMPED, UNCLAMPED)), null);
    assert.equal(clampOf(generator(UNCLAMPED, CLAMPED, CLAMPED)), 128);
  });

  test('is that of the arguments of the constructor if its layers have none, for both trainers', () => {
    assert.equal(clampOf(generator(CLAMPED)), 128);
    assert.equal(clampOf(generator(UNCLAMPED)), null);
    assert.equal(clampOf(generator(dictionary({ synthesis_kwargs: CLAMPED }))), 128);
    assert.equal(clampOf(generator(dictionary({ synthesis_kwargs: UNCLAMPED }))), null);
  });

  test('is the official default if it is absent, but not if it is None', () => {
    assert.equal(clampOf(generator('}')), 256);
    assert.equal(clampOf(generator(dictionary({ synthesis_kwargs: '}' }))), 256);
  });

  test('is refused if layers differ or it is not a positive number', () => {
    refused(generator('}', CLAMPED, UNCLAMPED), /in different ways/);
    refused(generator(dictionary({ conv_clamp: text('256') })), /not a positive number/);
    refused(generator(dictionary({ conv_clamp: 'K\x00' })), /not a positive number/);
  });
});

describe('malicious snapshots', () => {
  test('a call of a system function is refused with its name, at any place', () => {
    const call = (module: string, name: string) => `${global(module, name)}${text('touch /tmp/owned')}\x85R`;
    refused(pickle(call('os', 'system')), /"os system"/);
    refused(snapshot(call('builtins', 'eval')), /"builtins eval"/);
    refused(snapshot(network(`}${text('_modules')}${call('posix', 'system')}s`)), /"posix system"/);
    refused(bytes(`\x80\x03cos\nsystem\n${text('id')}\x85R.`), /"os system"/);
    refused(snapshot(`${global('builtins', 'getattr')}${text('a')}${text('b')}\x86R`), /"builtins getattr"/);
    refused(snapshot(`${global('torch_utils.persistence', 'os.system')}${text('id')}\x85R`), /not allowed/);
  });

  test('a pickle of protocol 0 or 1 is refused before its content is read', () => {
    for (const content of [
      "cos\nsystem\np0\n(S'touch /tmp/owned'\np1\ntp2\nRp3\n.",
      "(ios\nsystem\np0\nS'id'\n.",
      "(dp0\nS'G'\np1\nNs.",
      '}q\x00U\x01Gq\x01Ns.',
      'cdnnlib.tflib.network\nNetwork\nq\x00)R.',
      '(cos\nsystem\nq\x00U\x02idq\x01tq\x02.',
    ]) {
      assert.throws(
        () => readWeights(bytes(content), 'x.pkl'),
        (error) =>
          error instanceof CheckpointError &&
          /old protocol 0 or 1; .* expected in protocols 2 to 5/.test(error.message),
        content,
      );
    }
  });

  test('the same rules apply to a nested file', () => {
    const nested = '\x80\x02cos\nsystem\n)R.';
    const load = global('torch.storage', '_load_from_bytes');
    refused(
      snapshot(`${load}C${String.fromCharCode(nested.length)}${nested}\x85R`),
      /os system|not a PyTorch file/,
    );
    refused(snapshot(`${load}${text('no bytes')}\x85R`), /does not consist of bytes/);
  });

  test('excessive depth, false sizes and self-references are refused', () => {
    refused(pickle('('.repeat(5_000)), /deeply/);
    refused(pickle(`${']'.repeat(200_000)}${'a'.repeat(199_999)}`), /not a snapshot/);
    refused(pickle('N'.repeat(1_100_000)), /stack/);
    refused(pickle(`B\xff\xff\xff\x7f`), /is truncated/);
    refused(pickle(`\x8e\xff\xff\xff\xff\xff\xff\xff\x7f`), /is truncated/);
    refused(pickle(`\x8d\xff\xff\xff\xff\xff\xff\xff\x7f`), /is truncated/);
    refused(pickle(`\x95\xff\xff\xff\xff\xff\xff\xff\x7fN`), /is truncated/);
    // A dictionary of modules that holds the network itself, by way of the memo.
    const state = `}\x94(${text('_modules')}}(${text('a')}${network('h\x00')}${text('b')}${network('h\x00')}uu`;
    refused(snapshot(network(state)), /deeper/);
  });

  test('a memo that doubles itself is refused', () => {
    const doubled = Array.from(
      { length: 60 },
      (_, i) => `(${`h${String.fromCharCode(i)}`.repeat(2)}t\x94`,
    ).join('');
    refused(pickle(`]\x94${doubled}`), /exactly one value/);
  });

  test('a tensor with many names that multiplies the size of the file is refused', () => {
    const tensor = `${global('torch._utils', '_rebuild_tensor_v2')}(${storage(1000)}K\x00M\xe8\x03\x85K\x01\x85\x89}tR\x94`;
    const parameters = (count: number) =>
      `}${text('_parameters')}}(${Array.from({ length: count }, (_, i) => `${text(`p${i}`)}${i === 0 ? tensor : 'h\x00'}`).join('')}us`;
    const few = readOfficialSnapshot(snapshot(network(parameters(2))), 'x.pkl');
    assert.deepEqual(few.networks.G?.tensors.p1?.shape, [1000]);
    refused(snapshot(network(parameters(100))), /size allows/);
  });

  test('repeated calls on a memoized value that multiply the size of the file are refused', () => {
    const often = (call: string, value: string) =>
      pickle(`${call}\x94${value}\x94](${'h\x00h\x01R'.repeat(50)}e.`);
    const encode = global('_codecs', 'encode');
    const long = `${text('x'.repeat(100_000))}${text('latin1')}\x86`;
    refused(often(encode, long), /calls.*size allows/);
    const numbers = Array.from({ length: 3_000 }, (_, i) => `J${number(i)}`).join('');
    for (const module of ['builtins', '__builtin__'])
      refused(often(global(module, 'set'), `](${numbers}e\x85`), /calls.*size allows/);
    const load = global('torch.storage', '_load_from_bytes');
    const file = storage(2_000).slice(load.length, -1);
    refused(often(load, file), /calls.*size allows/);
  });

  test('anything but a snapshot is refused: no dictionary, no networks, data after the end', () => {
    refused(pickle('N'), /not a snapshot/);
    refused(pickle('}'), /no generator/);
    refused(snapshot(network('}')), /without tensors/);
    refused(Buffer.concat([snapshot(network('}')), bytes('!')]), /data after its end/);
    refused(bytes('\x80\x07N.'), /protocol 7/);
  });

  test('a text, and a tensor named like a property of all JavaScript objects, are refused', () => {
    assert.throws(
      () => readWeights(bytes('just some text, no weights'), 'notes.txt'),
      /notes.txt: is neither/,
    );
    const odd = encodeSafetensors({ 'G.__proto__': { shape: [1], data: Float32Array.of(1) } });
    assert.throws(() => readWeights(odd, 'x.safetensors'), CheckpointError);
  });
});
