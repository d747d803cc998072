/** docs/troubleshooting.md speaks in the words of the product. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { buildProgram } from '../../../src/cli/main.js';
import { WAITING_REASONS } from '../../../src/client/waiting.js';

const ROOT = new URL('../../../../', import.meta.url);
const text = readFileSync(new URL('docs/troubleshooting.md', ROOT), 'utf8');

/** All sources of messages, with every expression in a template as one mark. */
const sources = ['src/client/', 'src/cli/', 'src/checkpoints/', 'src/spec/', 'src/storage/', 'src/workers/']
  .flatMap((folder) =>
    readdirSync(new URL(folder, ROOT), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(new URL(`${folder}${name}`, ROOT), 'utf8')),
  )
  .join('\n');

/** Fixed words of quoted messages: what the sources must contain. */
const QUOTED = [
  'No worker polls queue "',
  'No worker takes work from queue "',
  'polled it last, ',
  'this worker does not poll: ',
  'Temporal cannot be used (',
  'the folder of the store was there, and is absent or empty now',
  "is the name of the run's task queue misspelt?",
  'Only a CPU worker runs: no worker polls queue "',
  'where work waits for a device.',
  ' before this one (',
  ' needs attention',
  ' attempts without progress',
  ' was last heard from ',
  ' of silence the work is given to another worker.',
  'Somebody has paused the activity ',
  "with Temporal's own command.",
  ' fails on its worker (attempt ',
  'The worker may be of another version of GIST than the one that the run started with.',
  'Accepted and pending: the run has recorded the order to ',
  ' was not delivered. ',
  'the server has recorded the order, and the first worker carries it out.',
  'the Temporal server does not answer, so nothing was ordered',
  'the run has ended: it',
  'Last checkpoint: ',
  ' resumes from ',
  'Temporal no longer has this run; this is what the store has.',
  'there is no folder or .zip ',
  'the images of this run need up to ',
  'cannot be the id of a run',
  ' MB; Temporal accepts ',
  'a run with the id "',
  ' is running already',
  'the embedded stack is not up',
  'above 1 every transformation is applied to every image',
];

for (const words of QUOTED) {
  test(`the page and the product both say: ${words.trim()}`, () => {
    assert.ok(sources.includes(words), 'the sources do not');
    assert.ok(text.includes(words.trimEnd().replace(/\($/, '')), 'the page does not');
  });
}

test('every reason to wait has a section', () => {
  for (const reason of WAITING_REASONS) assert.match(text, new RegExp(`^### .* \\(\`${reason}\`\\)$`, 'm'));
});

test('every command that the page names exists', () => {
  const known = buildProgram().commands.map((command) => command.name());
  const named = [...text.matchAll(/\bgist ([a-z]+)\b/g)].map((match) => match[1] as string);
  for (const name of named) assert.ok(known.includes(name), `gist ${name}`);
});
