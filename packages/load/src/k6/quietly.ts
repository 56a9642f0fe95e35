/**
 * Does a synchronous piece of work without Node's warnings, for features that Node still calls experimental: the notice
 * would only puzzle the reader of a load test's output.
 */
export function quietly<T>(work: () => T): T {
  const descriptor = Object.getOwnPropertyDescriptor(process, "emitWarning") as PropertyDescriptor;
  process.emitWarning = () => undefined;
  try {
    return work();
  } finally {
    Object.defineProperty(process, "emitWarning", descriptor);
  }
}
