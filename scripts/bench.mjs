/**
 * `npm run bench -- SUBJECT [--quick] [--json]`: benchmarks of GIST, some compared with a Python
 * implementation.
 */
import { benchDicom, dicomTable } from './bench/dicom.mjs';
import { benchFeatures, featuresTable } from './bench/features.mjs';
import { benchLearning, learningTable } from './bench/learning.mjs';
import { benchListing, listingTable } from './bench/listing.mjs';
import { benchMemory, memoryTable } from './bench/memory.mjs';
import { benchMetrics, metricsTable } from './bench/metrics.mjs';
import { benchPreprocessing, preprocessTable } from './bench/preprocess.mjs';
import { benchProfile, profileTable } from './bench/profile.mjs';
import { benchQueues, queuesTable } from './bench/queues.mjs';
import { benchScale, scaleTable } from './bench/scale.mjs';
import { benchSweep, sweepTable } from './bench/sweep.mjs';
import { benchTraining, trainingTable } from './bench/train.mjs';
import { setUpOrExit } from './setup.mjs';

const USAGE_ERROR = 2;

const SUBJECTS = {
  train: { run: benchTraining, text: trainingTable, settings: ['only'] },
  preprocess: { run: benchPreprocessing, text: preprocessTable },
  listing: { run: benchListing, text: listingTable, settings: ['files'] },
  scale: { run: benchScale, text: scaleTable, settings: ['files'] },
  dicom: { run: benchDicom, text: dicomTable },
  features: { run: benchFeatures, text: featuresTable },
  metrics: { run: benchMetrics, text: metricsTable },
  memory: { run: benchMemory, text: memoryTable },
  profile: { run: benchProfile, text: profileTable, settings: ['only'] },
  queues: { run: benchQueues, text: queuesTable },
  sweep: { run: benchSweep, text: sweepTable },
  learning: {
    run: benchLearning,
    text: learningTable,
    settings: ['cfg', 'who', 'seeds', 'threads', 'work', 'out'],
  },
};

const settingsOf = ([name, { settings = [] }]) =>
  settings.length > 0 ? [`${name}: ${settings.map((setting) => `--${setting}=`).join(' ')}`] : [];
const USAGE = `usage: npm run bench -- ${Object.keys(SUBJECTS).join('|')} [--quick] [--json] (${Object.entries(SUBJECTS).flatMap(settingsOf).join('; ')})\n`;

const options = process.argv.slice(2);
const flags = options.filter((option) => option.startsWith('--'));
const [subject, ...rest] = options.filter((option) => !option.startsWith('--'));
const isKnown = Object.hasOwn(SUBJECTS, subject ?? '') && rest.length === 0;
const settings = SUBJECTS[subject]?.settings ?? [];
const isSetting = (flag) => settings.some((name) => flag.startsWith(`--${name}=`));
if (!isKnown || flags.some((flag) => flag !== '--quick' && flag !== '--json' && !isSetting(flag))) {
  process.stderr.write(USAGE);
  process.exit(USAGE_ERROR);
}
await setUpOrExit();
const { run, text } = SUBJECTS[subject];
const outcome = await run(flags.includes('--quick'), Object.fromEntries(flags.filter(isSetting).map(pair)));
process.stdout.write(flags.includes('--json') ? `${JSON.stringify(outcome, null, 2)}\n` : text(outcome));
process.exitCode = (outcome.sameSize ?? outcome.isFlat ?? true) ? 0 : 1;

/** `--kimg=60` -> ['kimg', '60'] */
function pair(flag) {
  const equals = flag.indexOf('=');
  return [flag.slice(2, equals), flag.slice(equals + 1)];
}
