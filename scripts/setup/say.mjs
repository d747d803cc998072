/** Messages of set-up: one line per step on standard error. */

let quiet = false;

/** Quiet: do not print steps that were already completed. */
export function setQuiet(value) {
  quiet = value;
}

/** Prints the start of a step. */
export function say(text) {
  process.stderr.write(`set-up: ${text}\n`);
}

/** Prints that a step was already completed, unless quiet. */
export function note(text) {
  if (!quiet) say(text);
}

/** An error that the user can fix. Set-up then ends with exit code 7, as SetupError in src/core. */
export class SetupError extends Error {}
