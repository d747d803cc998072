/** What must be on the machine before anything is downloaded. */
import { spawnSync } from 'node:child_process';
import { SetupTrouble } from './say.mjs';

const NEEDED = [
  { what: 'npm', command: npmCommand(), args: ['--version'], get: 'it comes with Node.js (nodejs.org)' },
  {
    what: 'Python 3 with pip',
    command: python(),
    args: ['-m', 'pip', '--version'],
    get: 'Debian and Ubuntu: `apt install python3 python3-pip`; Fedora: `dnf install python3-pip`',
  },
  {
    what: 'a C++17 compiler',
    command: compiler(),
    args: ['--version'],
    get: 'Debian and Ubuntu: `apt install g++`; Fedora: `dnf install gcc-c++`; or set CXX',
  },
];

export function npmCommand() {
  return process.platform === 'win32' ? 'npm.cmd' : 'npm';
}

export function python() {
  return process.env.PYTHON ?? 'python3';
}

export function compiler() {
  return process.env.CXX ?? 'g++';
}

/** Names everything that is missing at once, together with how to get it. */
export function checkPrerequisites() {
  const missing = [];
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 3))
    missing.push(`Node.js >= 20.3 (this is ${process.versions.node}): nodejs.org`);
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    missing.push(
      `Linux on x86-64 (this is ${process.platform} on ${process.arch}): use the container image, see Dockerfile`,
    );
  }
  for (const { what, command, args, get } of NEEDED) {
    if (spawnSync(command, args, { stdio: 'ignore' }).status !== 0)
      missing.push(`${what} (\`${command}\`): ${get}`);
  }
  if (missing.length > 0)
    throw new SetupTrouble(`missing on this machine:\n${missing.map((line) => `  - ${line}`).join('\n')}`);
}
