/** `gist doctor`: what is found, what is missing, how to mend it. */
import { spawnSync } from 'node:child_process';
import { existsSync, statfsSync } from 'node:fs';
import { availableParallelism, freemem, totalmem } from 'node:os';
import type { Command } from 'commander';
import { environment } from '../../core/environment.js';
import { SetupError } from '../../core/errors.js';
import { allParts, expectedPath } from '../../core/parts.js';

/** One line of the doctor's report. */
export interface DoctorPart {
  name: string;
  found: boolean;
  /** Version, size or number; empty where there is none. */
  version: string;
  where: string;
  /** What to do when it is missing; for optional parts, what it would be good for. */
  mend: string;
  /** GIST runs without it. */
  optional: boolean;
}

/** Free room below which a set-up or a training is likely to fail. */
const ROOM_BYTES = 5e9;

export async function collectDoctorReport(): Promise<DoctorPart[]> {
  return [...programs(), ...unpackedParts(), await boundLibrary(), gpu(), ...machine()];
}

function program(name: string, command: string, args: string[], mend: string): DoctorPart {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8' });
  const version = status === 0 ? (stdout.split('\n')[0] ?? '').trim() : '';
  return { name, found: status === 0, version, where: command, mend, optional: false };
}

function programs(): DoctorPart[] {
  const node = {
    name: 'Node.js',
    found: true,
    version: process.versions.node,
    where: process.execPath,
    mend: '',
    optional: false,
  };
  return [
    node,
    program(
      'Python with pip',
      process.env.PYTHON ?? 'python3',
      ['-m', 'pip', '--version'],
      'apt install python3-pip',
    ),
    program('C++ compiler', process.env.CXX ?? 'g++', ['--version'], 'apt install g++'),
  ];
}

function unpackedParts(): DoctorPart[] {
  return Object.values(allParts()).map((part) => {
    const where = expectedPath(part);
    return {
      name: part.what,
      found: existsSync(where),
      version: part.version,
      where,
      mend: 'npm run setup',
      optional: false,
    };
  });
}

/** Loads the library for real: a file that is there may still not fit. */
async function boundLibrary(): Promise<DoctorPart> {
  const part = {
    name: 'TensorFlow binding',
    where: '@tensorflow/tfjs-node-gpu',
    mend: 'npm run setup',
    optional: false,
  };
  try {
    const { libraryVersion, usesGpu } = await import('../../nn/tensorflow.js');
    return {
      ...part,
      found: true,
      version: `${libraryVersion()}, computing on the ${usesGpu() ? 'GPU' : 'CPU'}`,
    };
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    return { ...part, found: false, version: '' };
  }
}

function gpu(): DoctorPart {
  const query = ['--query-gpu=name,memory.total', '--format=csv,noheader'];
  const { status, stdout } = spawnSync('nvidia-smi', query, { encoding: 'utf8' });
  const mend = 'optional: trainings of 128 px and more want one';
  return {
    name: 'GPU',
    found: status === 0,
    version: status === 0 ? stdout.trim() : '',
    where: 'nvidia-smi',
    mend,
    optional: true,
  };
}

function machine(): DoctorPart[] {
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  const threads = environment.threads() ?? availableParallelism();
  return [
    {
      name: 'CPU threads',
      found: true,
      version: String(threads),
      where: 'GIST_THREADS sets another number',
      mend: '',
      optional: false,
    },
    {
      name: 'Memory',
      found: true,
      version: `${gigabytes(freemem())} free of ${gigabytes(totalmem())}`,
      where: '',
      mend: '',
      optional: false,
    },
    ...[process.cwd(), environment.cacheFolder()].filter(existsSync).map((folder) => {
      const { bavail, bsize } = statfsSync(folder);
      const free = bavail * bsize;
      return {
        name: 'Disk',
        found: free > ROOM_BYTES,
        version: `${gigabytes(free)} free`,
        where: folder,
        mend: 'make room',
        optional: false,
      };
    }),
  ];
}

function line({ name, found, version, where, mend, optional }: DoctorPart): string {
  const mark = found ? 'found  ' : optional ? 'none   ' : 'MISSING';
  return `${mark}  ${name.padEnd(40)} ${version}${where ? `  [${where}]` : ''}${found ? '' : `\n         -> ${mend}`}`;
}

/** Adds the command. Exit code 7 when something that GIST needs is missing. */
export function registerDoctor(program: Command): void {
  program
    .command('doctor')
    .description('show what is found on this machine, what is missing and how to mend it')
    .option('--json', 'for machines')
    .addHelpText(
      'after',
      '\nExamples:\n  gist doctor\n  gist doctor --json\n\nExit codes: 0 all there, 7 something is missing',
    )
    .action(async ({ json }: { json?: boolean }) => {
      const parts = await collectDoctorReport();
      process.stdout.write(json ? `${JSON.stringify(parts, null, 2)}\n` : `${parts.map(line).join('\n')}\n`);
      if (parts.some(({ found, optional }) => !found && !optional)) process.exitCode = 7;
    });
}
