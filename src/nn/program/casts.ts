/** Types of a recorded graph's tensors: what is computed from half precision is in half precision, until it is left. */
import type { Endpoint, RecordedOp } from './recording.js';
import { type HalfType, WRITTEN_TYPE } from '../ops/half.js';
import { nativeBackend, type OpAttribute } from '../tensorflow.js';

/** TensorFlow's own numbers of the types that its binding to JavaScript does not name. */
const TYPE_NUMBER: Record<HalfType, number> = { float16: 19, bfloat16: 14 };

/**
 * Computed in single precision wherever they stand: sums over many terms, which half precision would swallow, and what
 * TensorFlow has no kernel of for half precision.
 */
const SINGLE = new Set(['Sum', 'Mean', 'BiasAddGrad', 'FakeQuantWithMinMaxArgsGradient']);
/** TensorFlow.js leaves out the type of these. */
const UNTYPED = new Set(['ExpandDims', 'Squeeze']);

/**
 * The operations of a recording, in order, with conversions written out and every operation between them in half precision.
 * Without conversions they are what they were.
 *
 * @throws Error where tensors of single and half precision meet: code must convert one of them. Constants adapt themselves.
 */
export function withHalfTypes(
  ops: readonly RecordedOp[],
  constants: readonly { node: string }[],
): RecordedOp[] {
  if (!ops.some((op) => writtenType(op))) return [...ops];
  const typing = new HalfTyping(constants.map(({ node }) => node));
  for (const op of ops) typing.add(op);
  return typing.ops;
}

type FloatType = HalfType | 'float32';

function writtenType({ attrs }: RecordedOp): FloatType | undefined {
  return attrs.find(({ name }) => name === WRITTEN_TYPE)?.value as FloatType | undefined;
}

class HalfTyping {
  readonly ops: RecordedOp[] = [];
  /** Nodes whose outputs, where they were recorded as single precision, are in half. */
  private readonly halves = new Map<string, HalfType>();
  /** Nodes that depend on constants alone. */
  private readonly fixed: Set<string>;
  private readonly casts = new Set<string>();

  constructor(constants: string[]) {
    this.fixed = new Set(constants);
  }

  add(op: RecordedOp): void {
    const written = writtenType(op);
    if (written) {
      this.convert(op, written);
      return;
    }
    const half = op.inputs.map((input) => this.typeOf(input)).find((type) => type !== 'float32');
    if (half === undefined) this.keep(op);
    else if (SINGLE.has(op.op)) this.widen(op, half);
    else this.narrow(op, half);
  }

  /** Of another kind than floating point counts as single: it takes no part. */
  private typeOf({ node, dtype }: Endpoint): FloatType {
    return dtype === 'float32' ? (this.halves.get(node) ?? 'float32') : 'float32';
  }

  private keep(op: RecordedOp): void {
    this.ops.push(op);
    if (op.inputs.every(({ node }) => this.fixed.has(node))) this.fixed.add(op.node);
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
    if (to !== 'float32') this.halves.set(node, to);
    else if (this.fixed.has(input.node)) this.fixed.add(node);
  }

  /** In half precision: every floating-point input must be, or be made of constants. */
  private narrow(op: RecordedOp, half: HalfType): void {
    const inputs = op.inputs.map((input) => {
      if (input.dtype !== 'float32' || this.typeOf(input) === half) return input;
      if (!this.fixed.has(input.node))
        throw new Error(`${op.node}: single and half precision meet in ${op.op}; convert one of them`);
      return this.cast(input, half);
    });
    this.ops.push({ ...op, inputs, attrs: inType(op, half) });
    this.halves.set(op.node, half);
  }

  /** In single precision, and back: the operation takes another name, so that its own is the result's. */
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

function inType({ op, attrs }: RecordedOp, half: HalfType): OpAttribute[] {
  const single = typeAttribute('', 'float32');
  const own = attrs.map((attribute) =>
    attribute.type === single.type && attribute.value === single.value
      ? typeAttribute(attribute.name, half)
      : attribute,
  );
  return UNTYPED.has(op) ? [...own, typeAttribute('T', half)] : own;
}
