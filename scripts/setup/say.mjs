/** Messages of set-up: one line per step on standard error. */

let quiet = false;

/** Quiet: only steps that have work to do are printed. */
export function beQuiet(wanted) {
  quiet = wanted;
}

/** Announces a step that may take long. */
export function say(text) {
  process.stderr.write(`set-up: ${text}\n`);
}

/** Reports a step that was done already, unless quiet. */
export function note(text) {
  if (!quiet) say(text);
}

/** An error that the user can fix; ends set-up with exit code 7, as SetupError does in the product. */
export class SetupError extends Error {}
