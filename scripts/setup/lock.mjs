/** A lock between set-ups of several checkouts, which a killed holder does not keep. */
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { say } from './say.mjs';

/** When the process started, in the kernel's ticks: tells a pid from a later process of the same number. */
function startTime(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  } catch {
    return undefined;
  }
}

/** Runs `work` while no other process runs under the same lock folder. */
export async function withLock(folder, work) {
  mkdirSync(path.dirname(folder), { recursive: true });
  let told = false;
  while (!tryTake(folder)) {
    if (!told) say('another set-up is at work on the same cache; waiting for it');
    told = true;
    await sleep(500);
  }
  try {
    return await work();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function tryTake(folder) {
  try {
    mkdirSync(folder);
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    if (holderIsAlive(folder)) return false;
    // Renaming is atomic: of several waiters one removes the dead holder's lock, the others look again.
    const grave = `${folder}.dead.${process.pid}.${Date.now()}`;
    try {
      renameSync(folder, grave);
      rmSync(grave, { recursive: true, force: true });
    } catch {
      return false;
    }
    return tryTake(folder);
  }
  writeFileSync(path.join(folder, 'holder'), `${process.pid} ${startTime(process.pid)}`);
  return true;
}

function holderIsAlive(folder) {
  try {
    const [pid, started] = readFileSync(path.join(folder, 'holder'), 'utf8').split(' ');
    return startTime(pid) === started;
  } catch {
    // Taken a moment ago and not signed yet, or its holder died before it could sign.
    return isFresh(folder);
  }
}

function isFresh(folder) {
  try {
    return Date.now() - statSync(folder).mtimeMs < 5_000;
  } catch {
    return true;
  }
}
