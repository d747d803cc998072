/**
 * Products and eigenvalues of matrices in double precision on the native library. TensorFlow.js has
 * no double tensors: pairs of int32 are reinterpreted, which keeps every bit.
 */
import { nativeBackend, type OpAttribute } from './tensorflow.js';

/** Row-major. */
export interface Matrix {
  rows: number;
  columns: number;
  data: Float64Array;
}

/** The library's number of the type float64, which the binding does not name. */
const TF_DOUBLE = 2;

/** a b^T: the dot products of the rows of a with the rows of b. */
export function matmulTransposed(a: Matrix, b: Matrix): Matrix {
  const left = upload(a);
  const right = a === b ? left : upload(b);
  const product = execute('MatMul', [flag('transpose_a', false), flag('transpose_b', true)], [left, right]);
  release(right === left ? [left] : [left, right]);
  return { rows: a.rows, columns: b.rows, data: download(product[0] as number) };
}

/** Eigenvalues of a symmetric matrix, ascending. Only the lower triangle is read. */
export function symmetricEigenvalues(matrix: Matrix): Float64Array {
  const tensor = upload(matrix);
  const [values, vectors] = execute('SelfAdjointEigV2', [flag('compute_v', false)], [tensor]);
  release([tensor, vectors as number]);
  return download(values as number);
}

/** Eigenvalues of a symmetric matrix, ascending, and its eigenvectors in the columns. */
export function symmetricEigen(matrix: Matrix): { values: Float64Array; vectors: Matrix } {
  const tensor = upload(matrix);
  const [values, vectors] = execute('SelfAdjointEigV2', [flag('compute_v', true)], [tensor]);
  release([tensor]);
  const { rows, columns } = matrix;
  return {
    values: download(values as number),
    vectors: { rows, columns, data: download(vectors as number) },
  };
}

/** An operation on tensors of the library, by their ids. */
function execute(op: string, attributes: OpAttribute[], inputs: number[]): number[] {
  const { binding } = nativeBackend();
  const outputs = op === 'SelfAdjointEigV2' ? 2 : 1;
  return binding.executeOp(op, [type('T', TF_DOUBLE), ...attributes], inputs, outputs).map(({ id }) => id);
}

function upload({ rows, columns, data }: Matrix): number {
  const { binding } = nativeBackend();
  const int32 = binding.TF_INT32 as number;
  const bits = new Int32Array(data.buffer, data.byteOffset, 2 * data.length);
  const pairs = binding.createTensor([rows, columns, 2], int32, bits);
  const [doubles] = binding.executeOp('Bitcast', [type('T', int32), type('type', TF_DOUBLE)], [pairs], 1);
  release([pairs]);
  return (doubles as { id: number }).id;
}

/** Reads a tensor and releases it. */
function download(id: number): Float64Array {
  const { binding } = nativeBackend();
  const int32 = binding.TF_INT32 as number;
  const [pairs] = binding.executeOp('Bitcast', [type('T', TF_DOUBLE), type('type', int32)], [id], 1);
  const bits = binding.tensorDataSync((pairs as { id: number }).id);
  release([id, (pairs as { id: number }).id]);
  return new Float64Array(Int32Array.from(bits).buffer);
}

function release(ids: readonly number[]): void {
  for (const id of ids) nativeBackend().binding.deleteTensor(id);
}

function type(name: string, value: number): OpAttribute {
  return { name, type: nativeBackend().binding.TF_ATTR_TYPE as number, value };
}

function flag(name: string, value: boolean): OpAttribute {
  return { name, type: nativeBackend().binding.TF_ATTR_BOOL as number, value };
}
