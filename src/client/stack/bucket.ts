/** The bucket of the embedded store: made once, and never again without being asked. */
import { CreateBucketCommand, HeadBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { openStore } from '../../storage/index.js';
import { BUCKET, type StackFolder, type StackState } from './state.js';

/** An object that is read to check whether the store serves. */
const PROBE_KEY = 'stack/probe.txt';

/** `lost`: the bucket, or what was in it, has been deleted. */
export type BucketState = 'unavailable' | 'lost' | 'serving';

/** Reads an object: the gateway answers before its bucket exists and lists before volumes serve. */
export async function bucketState(
  folder: StackFolder,
  state: StackState,
  env: Record<string, string>,
): Promise<BucketState> {
  const client = bucketClient(env);
  try {
    if (!(await bucketExists(client))) {
      if (state.bucketMade) return 'lost';
      await client.send(new CreateBucketCommand({ Bucket: BUCKET }));
    }
    return await withEnvironment(env, () => probe(folder, state, env.GIST_STORE as string));
  } catch {
    return 'unavailable';
  } finally {
    client.destroy();
  }
}

async function probe(folder: StackFolder, state: StackState, uri: string): Promise<BucketState> {
  const store = openStore(uri, { attempts: 1, idleTimeoutMs: 2_000 });
  if (!(await store.head(PROBE_KEY))) {
    if (state.bucketMade) return 'lost';
    await store.put(PROBE_KEY, Buffer.from('ready\n'));
  }
  await store.get(PROBE_KEY);
  if (!state.bucketMade) folder.write({ ...folder.read(), bucketMade: true });
  return 'serving';
}

async function bucketExists(client: S3Client): Promise<boolean> {
  try {
    await client.send(new HeadBucketCommand({ Bucket: BUCKET }));
    return true;
  } catch (error) {
    const { $metadata } = error as { $metadata?: { httpStatusCode?: number } };
    if ($metadata?.httpStatusCode === 404) return false;
    throw error;
  }
}

/** A client that fails soon, for the question whether a local server has its bucket. */
export function bucketClient(env: Record<string, string>): S3Client {
  // Without this, the SDK prints warnings about its Node.js support on the user's terminal.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  return new S3Client({
    endpoint: env.AWS_ENDPOINT_URL,
    region: env.AWS_REGION,
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: {
      accessKeyId: env.AWS_ACCESS_KEY_ID ?? '',
      secretAccessKey: env.AWS_SECRET_ACCESS_KEY ?? '',
    },
    requestHandler: { requestTimeout: 2_000, throwOnRequestTimeout: true },
  });
}

/** The store reads its address and keys from the environment when it is opened. */
async function withEnvironment<T>(env: Record<string, string>, work: () => Promise<T>): Promise<T> {
  const before = { ...process.env };
  Object.assign(process.env, env);
  try {
    return await work();
  } finally {
    for (const name of Object.keys(env)) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
  }
}
