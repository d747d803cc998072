/** The memory of a card: as its driver tells it, and what fits into it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { queryCards } from '../../../src/core/nvidia-smi.js';
import { resolveNetworkConfig } from '../../../src/gan/config.js';
import { deviceMemory } from '../../../src/training/device-memory.js';
import { chooseBatchGpu } from '../../../src/training/automatic.js';

const GIB = 2 ** 30;

test('the memory of the visible card is read from its driver, and unknown without one', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'gist-card-'));
  const command = path.join(folder, 'nvidia-smi');
  try {
    assert.equal(deviceMemory(command), null);
    const answer = (line: string) => writeFileSync(command, `#!/bin/sh\n${line}\n`, { mode: 0o700 });
    answer('echo 22500, 23028, [N/A]');
    assert.deepEqual(deviceMemory(command), { freeBytes: 22500 * 2 ** 20, totalBytes: 23028 * 2 ** 20 });
    answer('echo [N/A], [N/A], [N/A]');
    assert.equal(deviceMemory(command), null);
    answer('echo 80000, 81920, Enabled');
    assert.equal(deviceMemory(command), null, 'a part of a divided card has less');
    answer('exec sleep 60');
    assert.deepEqual(queryCards(['name'], { command, timeoutMs: 200 }), []);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

for (const [cfg, cbase] of [
  ['stylegan2', 16384],
  ['stylegan3-t', 32768],
] as const)
  test(`a card of 24 GiB trains ${cfg} at 256 px with batches of 32`, () => {
    const sizes = { cfg, cbase, resolution: 256, channels: 1, classes: 0 };
    const config = { ...resolveNetworkConfig(sizes), half: 'float16' as const };
    const batchGpu = chooseBatchGpu(config, { batch: 32, batchGpu: 'auto' }, null, 23 * GIB);
    assert.ok(batchGpu >= 2 && batchGpu < 32 && 32 % batchGpu === 0, String(batchGpu));
  });
