/**
 * Products and eigenvalues of matrices in double precision on the native library, on the CPU of any
 * machine: metrics are the same with and without a GPU. TensorFlow.js has no double tensors: pairs
 * of int32 are reinterpreted, which keeps every bit.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Tensor } from '@tensorflow/tfjs';
import { MODEL_FILE, SavedModelWriter } from './program/saved-model.js';
import { GraphSession, tf } from './tensorflow.js';

/** Row-major. */
export interface Matrix {
  rows: number;
  columns: number;
  data: Float64Array;
}

const INT32 = { type: 'int32' } as const;
/** The library's number of the type float64, which TensorFlow.js does not name. */
const DOUBLE = { typeNumber: 2 } as const;
/** Eager operations have no placement: only nodes of a graph do. */
const CPU = '/device:CPU:0';

let session: GraphSession | null = null;

/** a b^T: the dot products of the rows of a with the rows of b. */
export function matmulTransposed(a: Matrix, b: Matrix): Matrix {
  const [left, right] = [upload(a), upload(b)];
  return { rows: a.rows, columns: b.rows, data: computeOne('product', { left, right }) };
}

/** Eigenvalues of a symmetric matrix, ascending. Only the lower triangle is read. */
export function symmetricEigenvalues(matrix: Matrix): Float64Array {
  return computeOne('values', { matrix: upload(matrix) });
}

/** Eigenvalues of a symmetric matrix, ascending, and its eigenvectors in the columns. */
export function symmetricEigen(matrix: Matrix): { values: Float64Array; vectors: Matrix } {
  const outputs = ['values-of-vectors', 'vectors'] as const;
  const [values, data] = compute(outputs, { matrix: upload(matrix) }) as [Float64Array, Float64Array];
  return { values, vectors: { rows: matrix.rows, columns: matrix.columns, data } };
}

function computeOne(output: string, inputs: Record<string, Tensor>): Float64Array {
  return compute([output], inputs)[0] as Float64Array;
}

/** @param inputs are disposed of @returns one array for each output */
function compute(outputs: readonly string[], inputs: Record<string, Tensor>): Float64Array[] {
  const fed = Object.entries(inputs).map(([name, tensor]) => [`${name}:0`, tensor]);
  try {
    session ??= openSession();
    const pairs = session.run(
      Object.fromEntries(fed),
      outputs.map((name) => `${name}:0`),
    ) as Tensor[];
    return pairs.map(doublesOf);
  } finally {
    tf.dispose(Object.values(inputs));
  }
}

/** The doubles of pairs of int32, which are disposed of. */
function doublesOf(pairs: Tensor): Float64Array {
  const bits = pairs.dataSync() as Int32Array;
  pairs.dispose();
  return new Float64Array(Int32Array.from(bits).buffer);
}

function upload({ rows, columns, data }: Matrix): Tensor {
  const bits = new Int32Array(data.buffer, data.byteOffset, 2 * data.length);
  return tf.tensor3d(bits, [rows, columns, 2], 'int32');
}

/** The library has read the file when it returns. */
function openSession(): GraphSession {
  const folder = mkdtempSync(path.join(tmpdir(), 'gist-algebra-'));
  try {
    writeFileSync(path.join(folder, MODEL_FILE), algebra());
    return new GraphSession(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function algebra(): Uint8Array {
  const graph = new SavedModelWriter(CPU);
  const given = (name: string) => {
    graph.add(name, 'Placeholder', [], { dtype: INT32 });
    return graph.add(`${name}/double`, 'Bitcast', [name], { T: INT32, type: DOUBLE });
  };
  const taken = (name: string, value: string) =>
    graph.add(name, 'Bitcast', [value], { T: DOUBLE, type: INT32 });
  const product = graph.add('matmul', 'MatMul', [given('left'), given('right')], {
    T: DOUBLE,
    transpose_a: { bool: false },
    transpose_b: { bool: true },
  });
  taken('product', product);
  const matrix = given('matrix');
  const eigen = (name: string, vectors: boolean) =>
    graph.add(name, 'SelfAdjointEigV2', [matrix], { T: DOUBLE, compute_v: { bool: vectors } });
  taken('values', eigen('eigenvalues', false));
  const both = eigen('eigenvectors', true);
  taken('values-of-vectors', both);
  taken('vectors', `${both}:1`);
  return graph.bytes();
}
