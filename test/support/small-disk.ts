/** A disk that is small enough to be filled; only root may make one. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';

/** Removed after the test. @returns null where it may not be made */
export async function smallDisk(t: TestContext, size: string): Promise<string | null> {
  const disk = await mkdtemp(path.join(tmpdir(), 'gist-small-disk-'));
  t.after(async () => {
    spawnSync('umount', [disk]);
    await rm(disk, { recursive: true, force: true });
  });
  const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', disk]);
  return status === 0 ? disk : null;
}

/** Leaves two blocks. */
export async function fillDisk(disk: string, filler: string): Promise<void> {
  const { bavail, bsize } = await statfs(disk);
  await writeFile(filler, Buffer.alloc((bavail - 2) * bsize));
}
