/** Slots of a worker: one training a device, short work while there is memory. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ActivitySlotInfo, CustomSlotSupplier, SlotPermit } from '@temporalio/worker';
import { DeviceSlot } from '../../../src/workers/device-slot.js';
import { shortSlots } from '../../../src/workers/short-slots.js';

const TRAIN: ActivitySlotInfo = { type: 'activity', activityType: 'train' };

/** Asks for a slot as the SDK does before it polls. */
function ask(supplier: CustomSlotSupplier<ActivitySlotInfo>, signal = new AbortController().signal) {
  const context = {
    slotType: 'activity',
    taskQueue: 'q',
    workerIdentity: 'w',
    workerBuildId: 'b',
    isSticky: false,
  };
  const asked = { isGranted: false, permit: supplier.reserveSlot(context as never, signal) };
  asked.permit.then(
    () => {
      asked.isGranted = true;
    },
    () => undefined,
  );
  return asked;
}

const release = (
  supplier: CustomSlotSupplier<ActivitySlotInfo>,
  permit: SlotPermit,
  slotInfo?: ActivitySlotInfo,
) => supplier.releaseSlot({ permit, ...(slotInfo && { slotInfo }) });

test('while one queue of a device has a task, none of them is polled, and the next in line is polled after it', async () => {
  const device = new DeviceSlot();
  const [one, other] = [device.supplier(), device.supplier()];
  const permit = await ask(one).permit;
  one.markSlotUsed({ permit, slotInfo: TRAIN });
  const [second, third] = [ask(other), ask(one)];
  await new Promise((resolve) => setTimeout(resolve, 700));
  assert.deepEqual([device.isTaken, second.isGranted, third.isGranted], [true, false, false]);
  release(one, permit, TRAIN);
  await second.permit;
  assert.equal(third.isGranted, false, 'one after another');
  await third.permit;
});

test('a worker that ends waits for no slot, and a second training at the same moment goes back to its queue', async () => {
  const device = new DeviceSlot();
  const ends = new AbortController();
  const reason = new Error('the worker ends');
  await device.hold(async () => {
    const asked = ask(device.supplier(), ends.signal);
    ends.abort(reason);
    await assert.rejects(asked.permit, reason);
    await assert.rejects(
      device.hold(async () => 1),
      { type: 'DeviceTaken', nonRetryable: false },
    );
  });
  assert.equal(await device.hold(async () => 2), 2);
});

test('short work is taken only while there is memory for it, and as much of it as there are slots', async () => {
  let hasRoom = false;
  const supplier = shortSlots(1, () => hasRoom, 10);
  const first = ask(supplier);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(first.isGranted, false);
  hasRoom = true;
  const permit = await first.permit;
  const second = ask(supplier);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(second.isGranted, false);
  release(supplier, permit);
  await second.permit;
});
