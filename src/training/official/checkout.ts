/** The user's checkout of the official StyleGAN3 code, and the Python that runs it. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { environment } from '../../core/environment.js';
import { SetupError } from '../../core/errors.js';

export interface Checkout {
  /** The folder of train.py, its working directory. */
  folder: string;
  script: string;
  python: string;
}

const PYTHON_TIMEOUT_MS = 60_000;

/**
 * The checkout that `GIST_STYLEGAN3_DIR` and `GIST_STYLEGAN3_PYTHON` name. It is never downloaded:
 * its license is between its user and its authors.
 *
 * @throws SetupError when the checkout or its Python is missing
 */
export function findCheckout(): Checkout {
  const folder = environment.stylegan3Folder();
  if (!folder) {
    throw new SetupError({
      what: 'there is no checkout of the official trainer on this worker',
      where: 'GIST_STYLEGAN3_DIR',
      hint: 'Set it to your clone of the StyleGAN3 repository, or train with `engine: tfjs`.',
    });
  }
  const script = path.join(path.resolve(folder), 'train.py');
  if (!existsSync(script)) {
    throw new SetupError({
      what: 'the checkout of the official trainer holds no train.py',
      where: 'GIST_STYLEGAN3_DIR',
      hint: 'Set it to the folder of the clone that holds train.py.',
    });
  }
  const python = environment.stylegan3Python();
  if (pythonVersion(python) === null) {
    throw new SetupError({
      what: 'the Python of the official trainer cannot be run',
      where: 'GIST_STYLEGAN3_PYTHON',
      hint: "Set it to the interpreter in which the checkout's requirements are installed.",
    });
  }
  return { folder: path.dirname(script), script, python };
}

/** Version of an interpreter; null when it cannot be run. */
export function pythonVersion(python: string): string | null {
  return runPython(python, 'import platform; print(platform.python_version())');
}

/** Version of an interpreter's PyTorch, and whether it finds a GPU; null when it has none. */
export function torchVersion(python: string): string | null {
  return runPython(
    python,
    "import torch; print(torch.__version__ + (' with a GPU' if torch.cuda.is_available() else ' without a GPU'))",
  );
}

function runPython(python: string, code: string): string | null {
  const { status, stdout } = spawnSync(python, ['-c', code], {
    encoding: 'utf8',
    timeout: PYTHON_TIMEOUT_MS,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return status === 0 ? stdout.trim() : null;
}
