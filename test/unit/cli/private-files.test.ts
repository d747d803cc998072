/** What `gist` writes shows images of patients: it is for its user, whatever the shell's umask. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { withFolder } from '../../support/images.js';

const MAIN = new URL('../../../src/cli/main.js', import.meta.url);

test('files of a command are for its user only', () =>
  withFolder(async (folder) => {
    const file = path.join(folder, 'preview.png');
    const code = `process.umask(0o022);
      process.on('exit', () => process.getBuiltinModule('fs').writeFileSync(${JSON.stringify(file)}, ''));
      const { main } = await import(${JSON.stringify(MAIN.href)});
      await main(['node', 'gist', '--version']);`;
    const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });
    assert.equal(statSync(file, { throwIfNoEntry: false })?.mode.toString(8), '100600', stderr);
  }));
