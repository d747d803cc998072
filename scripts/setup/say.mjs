/** What set-up tells: one line a step on standard error, and how to fix what is wrong. */

let quiet = false;

/** Quiet: only steps that have something to do are told. */
export function beQuiet(wanted) {
  quiet = wanted;
}

/** A step begins that may take long. */
export function say(text) {
  process.stderr.write(`set-up: ${text}\n`);
}

/** Something was done already; of interest only to those who asked for set-up. */
export function note(text) {
  if (!quiet) say(text);
}

/** Trouble that the user can fix; ends set-up with exit code 7, as SetupError does in the product. */
export class SetupTrouble extends Error {}
