/** TensorFlow.js's binding, compiled against the wheel's library: one command, no node-gyp, no headers to download. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { compiler } from './prerequisites.mjs';
import { note, SetupTrouble, say } from './say.mjs';
import { cacheFolder, partsOf } from './wheels.mjs';

const FLAGS = [
  '-std=c++17',
  '-O2',
  '-fPIC',
  '-shared',
  '-DNAPI_VERSION=8',
  '-DNODE_GYP_MODULE_NAME=tfjs_binding',
];

export function bindingIsThere(root) {
  const { output, stamp } = places(root);
  return existsSync(output) && existsSync(stamp) && readFileSync(stamp, 'utf8') === identity(root);
}

export function compileBinding(root) {
  if (bindingIsThere(root)) return note('TensorFlow binding is there');
  const { source, headers, library, output, stamp } = places(root);
  say('compiling the TensorFlow binding (some ten seconds)');
  mkdirSync(path.dirname(output), { recursive: true });
  const beside = `${output}.${process.pid}`;
  const args = [
    ...FLAGS,
    ...[headers, source, path.join(library, 'include')].map((folder) => `-I${folder}`),
    path.join(source, 'binding', 'tfjs_backend.cc'),
    path.join(source, 'binding', 'tfjs_binding.cc'),
    ...['-o', beside],
    path.join(library, 'libtensorflow_cc.so.2'),
    path.join(library, 'libtensorflow_framework.so.2'),
    `-Wl,-rpath,${library}`,
  ];
  const { status, stderr } = spawnSync(compiler(), args, { encoding: 'utf8' });
  if (status !== 0)
    throw new SetupTrouble(
      `the TensorFlow binding does not compile:\n${stderr.split('\n').slice(0, 12).join('\n')}`,
    );
  renameSync(beside, output);
  writeFileSync(stamp, identity(root));
}

function places(root) {
  const source = path.join(root, 'node_modules', '@tensorflow', 'tfjs-node-gpu');
  const output = path.join(source, 'lib', 'napi-v8', 'tfjs_binding.node');
  const tensorflow = partsOf(root).find(({ what }) => what.startsWith('TensorFlow'));
  return {
    source,
    output,
    stamp: `${output}.stamp`,
    headers: path.join(root, 'node_modules', 'node-api-headers', 'include'),
    library: path.join(cacheFolder(), 'wheels', tensorflow.folder, tensorflow.path),
  };
}

/** Everything that the compiled binding depends on. */
function identity(root) {
  const { source, headers, library } = places(root);
  const version = (folder) => JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')).version;
  const facts = [version(source), version(path.dirname(headers)), library, compiler(), ...FLAGS];
  return createHash('sha256').update(facts.join('\n')).digest('hex');
}
