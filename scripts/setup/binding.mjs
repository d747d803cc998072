/**
 * Compiles the binding of TensorFlow.js and our loader against the library of the wheel. Requires
 * neither node-gyp nor a download of headers.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { folderOf, partsOf, platformName, wantsCuda } from './parts.mjs';
import { compiler } from './prerequisites.mjs';
import { capture } from './run.mjs';
import { note, SetupError, say } from './say.mjs';

const FLAGS = [
  '-std=c++17',
  '-O2',
  '-fPIC',
  '-shared',
  '-DNAPI_VERSION=8',
  '-DNODE_GYP_MODULE_NAME=tfjs_binding',
];
/**
 * CUDA libraries that TensorFlow loads by name at run time. They are linked into the binding so
 * that they are found in any cache folder.
 */
const CUDA_LIBRARIES =
  /^lib(cudart|cublas|cublasLt|cudnn|cufft|curand|cusolver|cusparse|cupti|nccl|nvJitLink)\.so\.\d+$/;

export function bindingIsThere(root) {
  const { output, loader, stamp } = places(root);
  const areThere = [output, loader, stamp].every((file) => existsSync(file));
  return areThere && readFileSync(stamp, 'utf8') === identity(root);
}

export async function compileBinding(root) {
  if (bindingIsThere(root)) return note('the TensorFlow binding is there');
  const { source, headers, library, output, loader, loaderSource, stamp } = places(root);
  say('compiling the TensorFlow binding (some ten seconds)');
  const folder = path.dirname(output);
  mkdirSync(folder, { recursive: true });
  // Temporary files of an interrupted set-up.
  for (const name of readdirSync(folder)) if (name.endsWith('.compiling')) rmSync(path.join(folder, name));
  // The stamp is written last: if it exists, both files are complete.
  rmSync(stamp, { force: true });
  await compile(output, [
    ...[headers, source, path.join(library, 'include')].map((include) => `-I${include}`),
    path.join(source, 'binding', 'tfjs_backend.cc'),
    path.join(source, 'binding', 'tfjs_binding.cc'),
    ...linked(library),
  ]);
  const paths = librariesOf(library).map((file) => JSON.stringify(file));
  await compile(loader, [`-DGIST_LIBRARIES=${paths.join(',')}`, loaderSource, '-ldl']);
  writeFileSync(stamp, identity(root));
}

async function compile(output, args) {
  const temporary = `${output}.compiling`;
  const [command, ...own] = compiler();
  const { status, text } = await capture(command, [...own, ...FLAGS, ...args, '-o', temporary]);
  if (status !== 0)
    throw new SetupError(
      `the TensorFlow binding does not compile:\n${text.split('\n').slice(0, 12).join('\n')}`,
    );
  renameSync(temporary, output);
}

/**
 * Paths of TensorFlow's libraries. The framework comes first, since the other one depends on it.
 */
function librariesOf(library) {
  return readdirSync(library)
    .filter((name) => /^libtensorflow_(cc|framework)\.(so\.2|2\.dylib)$/.test(name))
    .sort()
    .reverse()
    .map((name) => path.join(library, name));
}

/**
 * Linker arguments: the TensorFlow libraries, their run-time search path, and the CUDA libraries.
 */
function linked(library) {
  const args = [...librariesOf(library), `-Wl,-rpath,${library}`];
  if (process.platform === 'darwin') args.push('-undefined', 'dynamic_lookup');
  return wantsCuda() ? [...args, '-Wl,--no-as-needed', ...cuda(path.join(library, '..', 'nvidia'))] : args;
}

function cuda(nvidia) {
  return readdirSync(nvidia)
    .map((name) => path.join(nvidia, name, 'lib'))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => [
      `-Wl,-rpath,${folder}`,
      ...readdirSync(folder)
        .filter((name) => CUDA_LIBRARIES.test(name))
        .map((name) => path.join(folder, name)),
    ]);
}

function places(root) {
  const source = path.join(root, 'node_modules', '@tensorflow', 'tfjs-node-gpu');
  const output = path.join(source, 'lib', 'napi-v8', 'tfjs_binding.node');
  const { tensorflow } = partsOf(root);
  return {
    source,
    output,
    loader: path.join(path.dirname(output), 'quiet_load.node'),
    loaderSource: path.join(root, 'src', 'nn', 'native', 'quiet_load.cc'),
    stamp: `${output}.stamp`,
    headers: path.join(root, 'node_modules', 'node-api-headers', 'include'),
    library: path.join(folderOf(tensorflow), tensorflow.path),
  };
}

/** Digest of the inputs of the binding, except the compiler: it may be missing after set-up. */
function identity(root) {
  const { source, headers, library, loaderSource } = places(root);
  const version = (folder) => JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')).version;
  const facts = [
    version(source),
    version(path.dirname(headers)),
    library,
    platformName(),
    ...FLAGS,
    readFileSync(loaderSource, 'utf8'),
  ];
  return createHash('sha256').update(facts.join('\n')).digest('hex');
}
