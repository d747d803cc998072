/** The lines of `gist doctor` about graphics cards, their driver and the libraries for them. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { environment } from '../core/environment.js';
import { queryCards } from '../core/nvidia-smi.js';
import { allParts, expectedPath } from '../core/parts.js';
import type { DoctorCheck } from './doctor-check.js';

/** A card as `nvidia-smi` describes it. */
interface Card {
  index: number;
  name: string;
  driver: string;
  totalMiB: number;
  freeMiB: number;
  /** CUDA compute capability. */
  capability: number;
}

const QUERY = ['index', 'name', 'driver_version', 'memory.total', 'memory.free', 'compute_cap'];
/** Volta, the first architecture with tensor cores, has 7.0. */
const TENSOR_CORES = 7;

/** Libraries that TensorFlow loads by name, and the wheels that have them. */
const CUDA_LIBRARIES: Record<string, string> = {
  'libcudart.so.12': 'nvidia-cuda-runtime-cu12',
  'libcublas.so.12': 'nvidia-cublas-cu12',
  'libcudnn.so.9': 'nvidia-cudnn-cu12',
  'libcufft.so.11': 'nvidia-cufft-cu12',
  'libcusolver.so.11': 'nvidia-cusolver-cu12',
  'libcusparse.so.12': 'nvidia-cusparse-cu12',
  'libnccl.so.2': 'nvidia-nccl-cu12',
};

export function gpuChecks(): DoctorCheck[] {
  const cards = queryCards(QUERY).map(parseCard);
  if (cards.length === 0) {
    const hint = 'optional: trainings of 128 px and more want one';
    return [{ name: 'GPU', found: false, version: '', where: 'nvidia-smi', hint, optional: true }];
  }
  return [...cards.map(cardCheck), libraryCheck()];
}

/** @param values of the fields of {@link QUERY} */
export function parseCard(values: readonly string[]): Card {
  const [index, name = '', driver = '', total, free, capability] = values;
  return {
    index: Number(index),
    name,
    driver,
    totalMiB: Number(total),
    freeMiB: Number(free),
    capability: Number(capability),
  };
}

function cardCheck({ index, name, driver, totalMiB, freeMiB, capability }: Card): DoctorCheck {
  const gib = (mebibytes: number) => (mebibytes / 1024).toFixed(1);
  const cores = capability >= TENSOR_CORES ? 'tensor cores' : 'no tensor cores';
  return {
    name: `GPU ${index}`,
    found: true,
    version: `${name}, ${gib(freeMiB)} of ${gib(totalMiB)} GiB free, ${cores}, driver ${driver}`,
    where: isVisible(index) ? 'nvidia-smi' : 'hidden by GIST_GPU or CUDA_VISIBLE_DEVICES',
    hint: '',
    optional: true,
  };
}

/** Numbers of cards only: a card may also be named by its UUID, which is not compared. */
function isVisible(index: number): boolean {
  const visible = process.env.CUDA_VISIBLE_DEVICES ?? environment.gpu();
  if (visible === undefined || !/^-?\d+(,-?\d+)*$/.test(visible)) return true;
  return visible.split(',').includes(String(index));
}

function libraryCheck(): DoctorCheck {
  const name = 'TensorFlow for the GPU';
  const where = `GIST_TENSORFLOW=${environment.tensorflow()}`;
  const optional = true;
  if (environment.tensorflow() !== 'cuda') {
    const hint = 'GIST_TENSORFLOW=cuda npm run setup, with that variable set for later commands too';
    return { name, found: false, version: '', where, hint, optional };
  }
  const missing = missingLibraries(path.dirname(expectedPath(allParts().tensorflow)));
  const hint = missing
    .map(([library, wheel]) => `${library} is missing: the wheel ${wheel} has it`)
    .join('; ');
  const fix = `${hint}. Run GIST_TENSORFLOW=cuda npm run setup.`;
  return { name, found: missing.length === 0, version: '', where, hint: fix, optional };
}

/** @param folder in which set-up unpacks the wheels; each of NVIDIA's has `nvidia/NAME/lib` */
export function missingLibraries(folder: string): [library: string, wheel: string][] {
  const root = path.join(folder, 'nvidia');
  const folders = existsSync(root) ? readdirSync(root).map((name) => path.join(root, name, 'lib')) : [];
  return Object.entries(CUDA_LIBRARIES).filter(
    ([library]) => !folders.some((lib) => existsSync(path.join(lib, library))),
  );
}
