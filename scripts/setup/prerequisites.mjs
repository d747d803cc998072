/** Checks the software that must be installed before set-up downloads anything. */
import { spawnSync } from 'node:child_process';
import { SetupError } from './say.mjs';

/** Source that compiles only with a C++17 compiler and standard library. */
const CPP17 = '#include <string_view>\nint main() { return std::string_view("").size(); }\n';
const COMPILERS = ['g++', 'clang++', 'c++'];

export function npmCommand() {
  return process.platform === 'win32' ? 'npm.cmd' : 'npm';
}

export function python() {
  return process.env.PYTHON || 'python3';
}

/**
 * Command line of the C++ compiler (`CXX` may be `ccache g++`), as a list; undefined if none
 * compiles C++17.
 */
export function compiler() {
  const choices = process.env.CXX ? [process.env.CXX] : COMPILERS;
  return choices.map((choice) => choice.trim().split(/\s+/)).find(compilesCpp17);
}

function compilesCpp17([command, ...args]) {
  const check = [...args, '-std=c++17', '-fsyntax-only', '-x', 'c++', '-'];
  return spawnSync(command, check, { input: CPP17, stdio: ['pipe', 'ignore', 'ignore'] }).status === 0;
}

function runs(command, args) {
  return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
}

/** Wheels are built for glibc; Alpine Linux, for example, has musl. */
function hasGlibc() {
  return process.platform !== 'linux' || process.report.getReport().header.glibcVersionRuntime !== undefined;
}

function nodeIsNewEnough() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  return major > 20 || (major === 20 && minor >= 3);
}

/** @throws SetupError that lists all missing software with a hint on how to install it */
export function checkPrerequisites() {
  const required = [
    [nodeIsNewEnough, `Node.js >= 20.3 (this is ${process.versions.node}): nodejs.org`],
    [hasGlibc, 'a Linux with glibc (Debian, Ubuntu, Fedora ...; not Alpine)'],
    [() => runs(npmCommand(), ['--version']), 'npm: it comes with Node.js (nodejs.org)'],
    [
      () => runs(python(), ['-m', 'pip', '--version']),
      `Python 3 with pip (\`${python()} -m pip\`): Debian and Ubuntu: \`apt install python3 python3-pip\`; Fedora: \`dnf install python3-pip\`; or set PYTHON`,
    ],
    [
      compiler,
      `a C++17 compiler (${process.env.CXX ? 'CXX' : COMPILERS.join(', ')}): Debian and Ubuntu: \`apt install g++\`; Fedora: \`dnf install gcc-c++\`; macOS: \`xcode-select --install\`; or set CXX`,
    ],
  ];
  const missing = required.filter(([isThere]) => !isThere()).map(([, text]) => `  - ${text}`);
  if (missing.length > 0)
    throw new SetupError(`missing on this machine; nothing was downloaded:\n${missing.join('\n')}`);
}
