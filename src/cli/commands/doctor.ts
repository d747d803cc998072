/** `gist doctor`: checks what is installed, what is missing and how to fix it. */
import { spawnSync } from 'node:child_process';
import { existsSync, statfsSync } from 'node:fs';
import { availableParallelism, freemem, totalmem } from 'node:os';
import type { Command } from 'commander';
import { environment } from '../../core/environment.js';
import { SetupError } from '../../core/errors.js';
import { allParts, expectedPath } from '../../core/parts.js';
import { findCheckout, pythonVersion, torchVersion } from '../../training/official/checkout.js';
import { automaticPrecision } from '../../training/precision.js';
import { resolveXla } from '../../training/xla.js';
import type { DoctorCheck } from '../doctor-check.js';
import { gpuChecks } from '../gpu-checks.js';

/** With less free space, set-up or a training is likely to fail. */
const MIN_FREE_BYTES = 5e9;

/** The usual C++ compilers, in the order in which set-up tries them. */
const COMPILERS = ['g++', 'clang++', 'c++'];

/** Checks every part; loads the native library to see that it works. */
export async function collectDoctorReport(): Promise<DoctorCheck[]> {
  const parts = installedParts();
  const isInstalled = parts.every(({ found }) => found);
  return [
    ...programs(isInstalled),
    ...parts,
    ...(await tensorflowBinding()),
    ...gpuChecks(),
    officialTrainer(),
    ...machine(),
  ];
}

function program(name: string, commands: string[], args: string[], hint: string): DoctorCheck {
  for (const command of commands) {
    const [file = command, ...words] = command.split(/\s+/);
    const { status, stdout } = spawnSync(file, [...words, ...args], { encoding: 'utf8' });
    const version = (stdout ?? '').split('\n')[0]?.trim() ?? '';
    if (status === 0) return { name, found: true, version, where: command, hint, optional: false };
  }
  return { name, found: false, version: '', where: commands.join(', '), hint, optional: false };
}

/** @param isInstalled what only set-up needs is no longer needed, as in the container image */
function programs(isInstalled: boolean): DoctorCheck[] {
  const { version, execPath: where } = process;
  const compiler = environment.compiler();
  return [
    { name: 'Node.js', found: true, version, where, hint: 'nodejs.org', optional: false },
    program('npm', ['npm'], ['--version'], 'npm comes with Node.js (nodejs.org)'),
    program(
      'Python with pip',
      [environment.python()],
      ['-m', 'pip', '--version'],
      'apt install python3 python3-pip, or set PYTHON',
    ),
    program('C++ compiler', compiler ? [compiler] : COMPILERS, ['--version'], 'apt install g++, or set CXX'),
  ].map((check) => (check.found ? check : { ...check, optional: isInstalled }));
}

function installedParts(): DoctorCheck[] {
  return Object.values(allParts()).map((part) => {
    const where = expectedPath(part);
    return {
      name: part.what,
      found: existsSync(where),
      version: part.version,
      where,
      hint: 'npm run setup',
      optional: false,
    };
  });
}

/** Loads the library: an existing file may still not fit this machine. */
async function tensorflowBinding(): Promise<DoctorCheck[]> {
  const part = { name: 'TensorFlow binding', hint: 'npm run setup', optional: false };
  try {
    const { libraryVersion, usesGpu } = await import('../../nn/tensorflow.js');
    const { computesHalfFast } = await import('../../training/used-card.js');
    const version = `${libraryVersion()}, computing on the ${usesGpu() ? 'GPU' : 'CPU'}`;
    const isAsSetUp = environment.tensorflow() !== 'cuda' || usesGpu();
    const hint = isAsSetUp ? part.hint : 'the driver (nvidia-smi) and CUDA_VISIBLE_DEVICES: it finds no GPU';
    return [
      { ...part, hint, found: isAsSetUp, version, where: loadedLibrary() },
      automaticArithmetic(computesHalfFast()),
    ];
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    const hint = `${part.hint}: ${error.what}`;
    return [{ ...part, hint, found: false, version: '', where: '@tensorflow/tfjs-node-gpu' }];
  }
}

/** The values of `train.precision: auto` and `train.xla: auto` on this machine. */
function automaticArithmetic(isHalfFast: boolean): DoctorCheck {
  const half = automaticPrecision(isHalfFast);
  const precision = half ? `${half} at the highest resolutions, float32 elsewhere` : 'float32';
  return {
    name: 'Training arithmetic',
    found: true,
    version: `${precision}, ${resolveXla('auto') ? 'with' : 'without'} XLA`,
    where: 'train.precision and train.xla set others',
    hint: '',
    optional: false,
  };
}

/** The library file that this process has loaded. */
function loadedLibrary(): string {
  const { sharedObjects } = process.report.getReport() as unknown as { sharedObjects: string[] };
  return sharedObjects.find((file) => file.includes('libtensorflow_cc')) ?? 'unknown';
}

/** The user's own checkout, which `train.engine: stylegan3` runs. */
function officialTrainer(): DoctorCheck {
  const part = { name: 'Official StyleGAN3 trainer', optional: true };
  const where = environment.stylegan3Folder() ?? 'GIST_STYLEGAN3_DIR is not set';
  try {
    const { python, folder } = findCheckout();
    const torch = torchVersion(python);
    const version = `Python ${pythonVersion(python)}, ${torch === null ? 'no PyTorch' : `PyTorch ${torch}`}`;
    const hint = "install the checkout's requirements in the Python that GIST_STYLEGAN3_PYTHON names";
    return { ...part, found: torch !== null, version, where: folder, hint };
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    const hint = environment.stylegan3Folder()
      ? `${error.where}: ${error.what}. ${error.hint}`
      : 'optional: for train.engine stylegan3, docs/official-trainer.md';
    return { ...part, found: false, version: '', where, hint };
  }
}

function machine(): DoctorCheck[] {
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  const threads = environment.threads() ?? availableParallelism();
  return [
    {
      name: 'CPU threads',
      found: true,
      version: String(threads),
      where: 'GIST_THREADS sets another number',
      hint: '',
      optional: false,
    },
    {
      name: 'Memory',
      found: true,
      version: `${gigabytes(freemem())} free of ${gigabytes(totalmem())}`,
      where: '',
      hint: '',
      optional: false,
    },
    ...[process.cwd(), environment.cacheFolder()].filter(existsSync).map((folder) => {
      const { bavail, bsize } = statfsSync(folder);
      const free = bavail * bsize;
      return {
        name: 'Disk',
        found: free > MIN_FREE_BYTES,
        version: `${gigabytes(free)} free`,
        where: folder,
        hint: 'free disk space',
        optional: false,
      };
    }),
  ];
}

function line({ name, found, version, where, hint, optional }: DoctorCheck): string {
  const mark = found ? 'found  ' : optional ? 'none   ' : 'MISSING';
  return `${mark}  ${name.padEnd(40)} ${version}${where ? `  [${where}]` : ''}${found ? '' : `\n         -> ${hint}`}`;
}

/** Adds the command. Exit code 7 when something that GIST needs is missing. */
export function registerDoctor(program: Command): void {
  program
    .command('doctor')
    .description('check what is installed on this machine, what is missing and how to fix it')
    .option('--json', 'for machines')
    .addHelpText('after', '\nExamples:\n  gist doctor\n  gist doctor --json')
    .action(async ({ json }: { json?: boolean }) => {
      const parts = await collectDoctorReport();
      process.stdout.write(json ? `${JSON.stringify(parts, null, 2)}\n` : `${parts.map(line).join('\n')}\n`);
      if (parts.some(({ found, optional }) => !found && !optional)) process.exitCode = 7;
    });
}
