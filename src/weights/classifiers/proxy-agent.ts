/** Connections through the proxy that the environment names. */
import { EnvHttpProxyAgent } from 'undici';

/**
 * The library warns once that this class may change, on standard error. Users can do nothing about
 * it, and its version is fixed, so the warning is not printed.
 */
export function proxyAgent(): EnvHttpProxyAgent {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return new EnvHttpProxyAgent();
  } finally {
    process.emitWarning = emitWarning;
  }
}
