/** `npm run bench -- train|preprocess [--quick] [--json]`: ours against a peer in Python, in turns. */
import { benchPreprocessing, preprocessTable } from './bench/preprocess.mjs';
import { benchTraining, trainingTable } from './bench/train.mjs';
import { setUpOrExit } from './setup.mjs';

const USAGE = 'usage: npm run bench -- train|preprocess [--quick] [--json]\n';
const WRONG_USE = 2;

const SUBJECTS = {
  train: { run: benchTraining, text: trainingTable },
  preprocess: { run: benchPreprocessing, text: preprocessTable },
};

const options = process.argv.slice(2);
const flags = options.filter((word) => word.startsWith('--'));
const [subject, ...rest] = options.filter((word) => !word.startsWith('--'));
const isKnown = Object.hasOwn(SUBJECTS, subject ?? '') && rest.length === 0;
if (!isKnown || flags.some((flag) => flag !== '--quick' && flag !== '--json')) {
  process.stderr.write(USAGE);
  process.exit(WRONG_USE);
}
await setUpOrExit();
const { run, text } = SUBJECTS[subject];
const outcome = run(flags.includes('--quick'));
process.stdout.write(flags.includes('--json') ? `${JSON.stringify(outcome, null, 2)}\n` : text(outcome));
process.exitCode = outcome.sameSize ? 0 : 1;
