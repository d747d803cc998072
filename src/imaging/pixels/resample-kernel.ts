/** Instances of the WebAssembly function of resample-rows.wat. */

/** resample-rows.wat, assembled by `wat2wasm` (npm package wabt 1.0.39), in base64. */
const CODE =
  'AGFzbQEAAAABDQFgCX9/f39/f39/fwADAgEABQMBAAEHGQIGbWVtb3J5AgAMcmVzYW1wbGVSb3dzAAAKlgIBkwIDBX8DewF/A0BBACEJ' +
  'IAQhDCAHIQ0DQCAAIAMgCUECdGooAgBqIQv9DAAAAAAAAAAAAAAAAAAAAAAhDv0MAAAAAAAAAAAAAAAAAAAAACEPIAUhCgNAIAv9AgMA' +
  'IRAgDiAQIAz9AAQA/boB/a4BIQ4gDyAQIAz9AAQQ/boB/a4BIQ8gC0EIaiELIAxBIGohDCAKQQFrIgoNAAsgDkEI/asBIA/9rgEhD0GA' +
  'gIABIA/9GwAgD/0bAWogD/0bAiAP/RsDampqQRZ1IRFBACARIBFBAEgbIREgDUH/ASARIBFB/wFKGzoAACANIAhqIQ0gCUEBaiIJIAZJ' +
  'DQALIAAgAWohACAHQQFqIQcgAkEBayICDQALCw==';

interface Memory {
  readonly buffer: ArrayBuffer;
  /** Adds pages, which replaces the buffer. */
  grow(pages: number): number;
}

/** The part that is used; the types of Node leave it out. */
declare const WebAssembly: {
  Module: new (code: Uint8Array) => object;
  Instance: new (module: object) => { exports: unknown };
};

/** One instance with its memory. Not shared: one image is resampled in it at a time. */
export interface Kernel {
  memory: Memory;
  /** The parameters are described in resample-rows.wat. */
  resampleRows(
    source: number,
    stride: number,
    rows: number,
    firsts: number,
    weights: number,
    blocks: number,
    outputs: number,
    target: number,
    pitch: number,
  ): void;
}

const PAGE_BYTES = 2 ** 16;
/** Instances with more memory than this are not kept, because a memory cannot shrink. */
const KEPT_BYTES = 16 * 2 ** 20;

let compiled: object | undefined;
const idle: Kernel[] = [];

/** Takes an instance with at least this much memory. Return it with {@link releaseKernel}. */
export function takeKernel(bytes: number): Kernel {
  compiled ??= new WebAssembly.Module(Buffer.from(CODE, 'base64'));
  const kernel = idle.pop() ?? (new WebAssembly.Instance(compiled).exports as Kernel);
  const missing = bytes - kernel.memory.buffer.byteLength;
  if (missing > 0) kernel.memory.grow(Math.ceil(missing / PAGE_BYTES));
  return kernel;
}

export function releaseKernel(kernel: Kernel): void {
  if (kernel.memory.buffer.byteLength <= KEPT_BYTES) idle.push(kernel);
}
