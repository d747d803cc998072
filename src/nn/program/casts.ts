/** Inserting casts: the half-precision parts of a recorded graph. */
import type { Endpoint, RecordedOp } from './recording.js';
import { type HalfType, WRITTEN_TYPE } from '../ops/half.js';
import { nativeBackend, type OpAttribute } from '../tensorflow.js';

/** TensorFlow's ids of the types that its JavaScript binding does not name. */
const TYPE_NUMBER: Record<HalfType, number> = { float16: 19, bfloat16: 14 };

/**
 * Operations that are always computed in single precision: sums over many terms, whose small terms
 * half precision would lose, and operations that have no kernel for half precision in TensorFlow.
 */
const SINGLE_PRECISION_OPS = new Set(['Sum', 'Mean', 'BiasAddGrad', 'FakeQuantWithMinMaxArgsGradient']);
/** Operations that TensorFlow.js records without their type. */
const UNTYPED_OPS = new Set(['ExpandDims', 'Squeeze']);

/**
 * The operations of a recording, in order, with a cast for each conversion and every operation
 * between conversions in half precision. A recording without conversions stays as it is.
 *
 * @throws Error where an operation has inputs of single and of half precision: the code must
 *   convert one of them. Constants are cast automatically.
 */
export function insertCasts(
  ops: readonly RecordedOp[],
  constants: readonly { node: string }[],
): RecordedOp[] {
  if (!ops.some((op) => conversionTarget(op))) return [...ops];
  const inserter = new CastInserter(constants.map(({ node }) => node));
  for (const op of ops) inserter.add(op);
  return inserter.ops;
}

type FloatType = HalfType | 'float32';

function conversionTarget({ attrs }: RecordedOp): FloatType | undefined {
  return attrs.find(({ name }) => name === WRITTEN_TYPE)?.value as FloatType | undefined;
}

class CastInserter {
  readonly ops: RecordedOp[] = [];
  /** Nodes whose outputs were recorded in single precision and are in half precision. */
  private readonly halfNodes = new Map<string, HalfType>();
  /** Nodes that depend on constants only. */
  private readonly constantNodes: Set<string>;
  private readonly casts = new Set<string>();

  constructor(constants: string[]) {
    this.constantNodes = new Set(constants);
  }

  add(op: RecordedOp): void {
    const written = conversionTarget(op);
    if (written) {
      this.convert(op, written);
      return;
    }
    const half = op.inputs.map((input) => this.typeOf(input)).find((type) => type !== 'float32');
    if (half === undefined) this.keep(op);
    else if (SINGLE_PRECISION_OPS.has(op.op)) this.widen(op, half);
    else this.narrow(op, half);
  }

  /** Tensors that are not floating point count as single precision: they are never cast. */
  private typeOf({ node, dtype }: Endpoint): FloatType {
    return dtype === 'float32' ? (this.halfNodes.get(node) ?? 'float32') : 'float32';
  }

  private keep(op: RecordedOp): void {
    this.ops.push(op);
    if (op.inputs.every(({ node }) => this.constantNodes.has(node))) this.constantNodes.add(op.node);
  }

  private convert({ node, inputs }: RecordedOp, to: FloatType): void {
    const [input] = inputs as [Endpoint];
    const from = this.typeOf(input);
    const isSame = from === to;
    this.ops.push({
      node,
      op: isSame ? 'Identity' : 'Cast',
      attrs: isSame ? [typeAttribute('T', to)] : [typeAttribute('SrcT', from), typeAttribute('DstT', to)],
      inputs,
    });
    if (to !== 'float32') this.halfNodes.set(node, to);
    else if (this.constantNodes.has(input.node)) this.constantNodes.add(node);
  }

  /**
   * Adds an operation in half precision. Every floating-point input must be in half precision or
   * depend on constants only.
   */
  private narrow(op: RecordedOp, half: HalfType): void {
    const inputs = op.inputs.map((input) => {
      if (input.dtype !== 'float32' || this.typeOf(input) === half) return input;
      if (!this.constantNodes.has(input.node))
        throw new Error(`${op.node}: single and half precision meet in ${op.op}; convert one of them`);
      return this.cast(input, half);
    });
    this.ops.push({ ...op, inputs, attrs: withType(op, half) });
    this.halfNodes.set(op.node, half);
  }

  /**
   * Adds an operation in single precision and casts its result back. The cast gets the name of the
   * operation, and the operation another one.
   */
  private widen(op: RecordedOp, half: HalfType): void {
    const inputs = op.inputs.map((input) =>
      this.typeOf(input) === half ? this.cast(input, 'float32') : input,
    );
    const node = `${op.node}/single`;
    this.ops.push({ ...op, node, inputs });
    this.convert({ ...op, node: op.node, inputs: [{ node, output: 0, dtype: 'float32' }] }, half);
  }

  private cast(input: Endpoint, to: FloatType): Endpoint {
    const node = `${input.node}/${input.output}/${to}`;
    if (!this.casts.has(node)) this.convert({ node, op: '', attrs: [], inputs: [input] }, to);
    this.casts.add(node);
    return { node, output: 0, dtype: 'float32' };
  }
}

function typeAttribute(name: string, type: FloatType): OpAttribute {
  const { TF_ATTR_TYPE, TF_FLOAT } = nativeBackend().binding as Record<string, number>;
  return { name, type: TF_ATTR_TYPE as number, value: type === 'float32' ? TF_FLOAT : TYPE_NUMBER[type] };
}

function withType({ op, attrs }: RecordedOp, half: HalfType): OpAttribute[] {
  const single = typeAttribute('', 'float32');
  const own = attrs.map((attribute) =>
    attribute.type === single.type && attribute.value === single.value
      ? typeAttribute(attribute.name, half)
      : attribute,
  );
  return UNTYPED_OPS.has(op) ? [...own, typeAttribute('T', half)] : own;
}
