/** A SavedModel on disk, written with the protocol buffers of TensorFlow.js. */
import { createRequire } from 'node:module';
import type { DataType } from '@tensorflow/tfjs';
import type { Endpoint, RecordedConstant, RecordedOp } from './recording.js';
import { nativeBackend, type OpAttribute } from '../tensorflow.js';

/** The setters of the generated classes that are used here. */
interface Message {
  serializeBinary(): Uint8Array;
}
interface AttrValue extends Message {
  setType(value: number): void;
  setB(value: boolean): void;
  setI(value: number): void;
  setF(value: number): void;
  setS(value: Uint8Array): void;
  setShape(value: Shape): void;
  setTensor(value: TensorMessage): void;
  setList(value: ListValue): void;
}
interface ListValue extends Message {
  setIList(values: number[]): void;
  setTypeList(values: number[]): void;
}
interface Shape extends Message {
  setDimList(dims: Message[]): void;
}
interface Dim extends Message {
  setSize(value: number): void;
}
interface TensorMessage extends Message {
  setDtype(value: number): void;
  setTensorShape(value: Shape): void;
  setTensorContent(value: Uint8Array): void;
}
interface NodeDef extends Message {
  setName(value: string): void;
  setOp(value: string): void;
  setDevice(value: string): void;
  setInputList(values: string[]): void;
  getAttrMap(): Map<string, AttrValue>;
}
interface TensorInfo extends Message {
  setName(value: string): void;
  setDtype(value: number): void;
  setTensorShape(value: Shape): void;
}
interface SignatureDef extends Message {
  setMethodName(value: string): void;
  getInputsMap(): Map<string, TensorInfo>;
  getOutputsMap(): Map<string, TensorInfo>;
}
interface MetaInfo extends Message {
  setTagsList(values: string[]): void;
}
interface GraphDef extends Message {
  setNodeList(nodes: NodeDef[]): void;
  setVersions(version: Version): void;
}
interface Version extends Message {
  setProducer(value: number): void;
}
interface MetaGraph extends Message {
  setMetaInfoDef(value: MetaInfo): void;
  setGraphDef(value: GraphDef): void;
  getSignatureDefMap(): Map<string, SignatureDef>;
}
interface SavedModel extends Message {
  setSavedModelSchemaVersion(value: number): void;
  setMetaGraphsList(values: MetaGraph[]): void;
}
type Class<T> = new () => T;
interface Messages {
  AttrValue: Class<AttrValue> & { ListValue: Class<ListValue> };
  TensorShape: Class<Shape> & { Dim: Class<Dim> };
  Tensor: Class<TensorMessage>;
  NodeDef: Class<NodeDef>;
  TensorInfo: Class<TensorInfo>;
  SignatureDef: Class<SignatureDef>;
  MetaGraphDef: Class<MetaGraph> & { MetaInfoDef: Class<MetaInfo> };
  GraphDef: Class<GraphDef>;
  VersionDef: Class<Version>;
  SavedModel: Class<SavedModel>;
}

const messages = createRequire(import.meta.url)('@tensorflow/tfjs-node-gpu/dist/proto/api_pb.js') as Messages;

/** TensorFlow's numbers of types in files. */
const TYPES: Partial<Record<DataType, number>> = { float32: 1, int32: 3, bool: 10 };
/** Version of the graph format that this writer knows. */
const PRODUCER = 1882;

/** An attribute of a node that is not recorded. */
export type NodeAttribute =
  | { type: DataType }
  | { typeNumber: number }
  | { shape: readonly number[] }
  | { text: string }
  | { bool: boolean };

/** An input or output of a signature. */
export interface SignatureTensor {
  node: string;
  output?: number;
  dtype: DataType;
  shape: readonly number[];
}

export interface Signature {
  inputs: Record<string, SignatureTensor>;
  outputs: Record<string, SignatureTensor>;
}

/** The file of a SavedModel in its folder. */
export const MODEL_FILE = 'saved_model.pb';

/** Collects nodes and signatures, then makes the file of a SavedModel. */
export class SavedModelWriter {
  private readonly nodes: NodeDef[] = [];
  private readonly signatures = new Map<string, Signature>();

  /** @param device of all nodes; by default the library chooses */
  constructor(private readonly device = '') {}

  /** Adds a node that is not recorded. A control input is the name of another node after a `^`. */
  add(name: string, op: string, inputs: string[], attributes: Record<string, NodeAttribute> = {}): string {
    const node = this.node(name, op, inputs);
    for (const [key, attribute] of Object.entries(attributes))
      node.getAttrMap().set(key, attributeValue(attribute));
    return name;
  }

  addRecorded({ node: name, op, attrs, inputs }: RecordedOp): void {
    const node = this.node(name, op, inputs.map(inputName));
    for (const attribute of attrs) node.getAttrMap().set(attribute.name, recordedAttribute(attribute));
    completeTypes(node, op, inputs);
  }

  addConstant({ node: name, dtype, shape, values }: RecordedConstant): void {
    const node = this.node(name, 'Const', []);
    const tensor = new messages.Tensor();
    tensor.setDtype(typeNumber(dtype));
    tensor.setTensorShape(shapeOf(shape));
    tensor.setTensorContent(contentOf(dtype, values));
    const value = new messages.AttrValue();
    value.setTensor(tensor);
    node.getAttrMap().set('value', value);
    node.getAttrMap().set('dtype', attributeValue({ type: dtype }));
  }

  addSignature(name: string, signature: Signature): void {
    this.signatures.set(name, signature);
  }

  bytes(): Uint8Array {
    const info = new messages.MetaGraphDef.MetaInfoDef();
    info.setTagsList(['serve']);
    const version = new messages.VersionDef();
    version.setProducer(PRODUCER);
    const graph = new messages.GraphDef();
    graph.setNodeList(this.nodes);
    graph.setVersions(version);
    const meta = new messages.MetaGraphDef();
    meta.setMetaInfoDef(info);
    meta.setGraphDef(graph);
    for (const [name, signature] of this.signatures)
      meta.getSignatureDefMap().set(name, signatureOf(signature));
    const model = new messages.SavedModel();
    model.setSavedModelSchemaVersion(1);
    model.setMetaGraphsList([meta]);
    return model.serializeBinary();
  }

  private node(name: string, op: string, inputs: string[]): NodeDef {
    const node = new messages.NodeDef();
    node.setName(name);
    node.setOp(op);
    node.setDevice(this.device);
    node.setInputList(inputs);
    this.nodes.push(node);
    return node;
  }
}

/** The name of an endpoint in a node's inputs. */
export function inputName({ node, output }: Pick<Endpoint, 'node' | 'output'>): string {
  return output === 0 ? node : `${node}:${output}`;
}

/** Name of a tensor outside of the graph, as a session takes it. */
export function fetchName({ node, output = 0 }: Pick<SignatureTensor, 'node' | 'output'>): string {
  return `${node}:${output}`;
}

function typeNumber(dtype: DataType): number {
  const number = TYPES[dtype];
  if (number === undefined) throw new Error(`tensors of type ${dtype} are not supported in graphs`);
  return number;
}

function contentOf(dtype: DataType, values: ArrayLike<number>): Uint8Array {
  const typed =
    dtype === 'float32'
      ? Float32Array.from(values)
      : dtype === 'int32'
        ? Int32Array.from(values)
        : Uint8Array.from(values);
  return new Uint8Array(typed.buffer, typed.byteOffset, typed.byteLength);
}

function shapeOf(dims: readonly number[]): Shape {
  const shape = new messages.TensorShape();
  shape.setDimList(
    dims.map((size) => {
      const dim = new messages.TensorShape.Dim();
      dim.setSize(size);
      return dim;
    }),
  );
  return shape;
}

function attributeValue(attribute: NodeAttribute): AttrValue {
  const value = new messages.AttrValue();
  if ('type' in attribute) value.setType(typeNumber(attribute.type));
  if ('typeNumber' in attribute) value.setType(attribute.typeNumber);
  if ('shape' in attribute) value.setShape(shapeOf(attribute.shape));
  if ('text' in attribute) value.setS(Buffer.from(attribute.text));
  if ('bool' in attribute) value.setB(attribute.bool);
  return value;
}

/** An attribute of a recorded operation, as graph files hold it. */
function recordedAttribute({ type, value: given }: OpAttribute): AttrValue {
  const { binding } = nativeBackend();
  const value = new messages.AttrValue();
  const list = new messages.AttrValue.ListValue();
  if (type === binding.TF_ATTR_STRING) value.setS(Buffer.from(given as string));
  else if (type === binding.TF_ATTR_BOOL) value.setB(given as boolean);
  else if (type === binding.TF_ATTR_FLOAT) value.setF(given as number);
  else if (type === binding.TF_ATTR_TYPE) value.setType(given as number);
  else if (type === binding.TF_ATTR_INT && Array.isArray(given)) {
    list.setIList(given as number[]);
    value.setList(list);
  } else if (type === binding.TF_ATTR_INT) value.setI(given as number);
  else if (type === binding.TF_ATTR_SHAPE) value.setShape(shapeOf(given as number[]));
  else throw new Error(`attribute kind ${type} cannot be recorded`);
  return value;
}

/** Some kernels omit the element type, which the eager runtime infers and a graph requires. */
function completeTypes(node: NodeDef, op: string, inputs: Endpoint[]): void {
  const first = inputs[0];
  if ((op === 'ExpandDims' || op === 'Squeeze') && first && !node.getAttrMap().has('T'))
    node.getAttrMap().set('T', attributeValue({ type: first.dtype }));
  if (op === 'ExpandDims') node.getAttrMap().set('Tdim', attributeValue({ type: 'int32' }));
}

function signatureOf({ inputs, outputs }: Signature): SignatureDef {
  const definition = new messages.SignatureDef();
  definition.setMethodName('tensorflow/serving/predict');
  for (const [name, tensor] of Object.entries(inputs))
    definition.getInputsMap().set(name, tensorInfo(tensor));
  for (const [name, tensor] of Object.entries(outputs))
    definition.getOutputsMap().set(name, tensorInfo(tensor));
  return definition;
}

function tensorInfo({ node, output = 0, dtype, shape }: SignatureTensor): TensorInfo {
  const info = new messages.TensorInfo();
  info.setName(fetchName({ node, output }));
  info.setDtype(typeNumber(dtype));
  info.setTensorShape(shapeOf(shape));
  return info;
}
