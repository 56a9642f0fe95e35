// TypeScript's library of our language level does not know it yet; every Node that we run on has it.
type Float16Constructor = new (
  source: ArrayBuffer | ArrayLike<number>,
  offset?: number,
  length?: number,
) => ArrayLike<number> & { readonly buffer: ArrayBuffer };
const Float16 = (globalThis as unknown as { readonly Float16Array: Float16Constructor }).Float16Array;

/** Vectors as they are stored: half the memory, and cosines that differ by less than 0.001. */
export const toFloat16 = (vector: Float32Array): Buffer => Buffer.from(new Float16(vector).buffer);

/** Writes what `toFloat16` made into `target` from `at` on. Hot: once a vector when an index is filled. */
export function fromFloat16(stored: Uint8Array, target: Float32Array, at: number): void {
  const aligned = new Uint8Array(stored); // a copy: a row of the driver may begin at an odd place
  target.set(new Float16(aligned.buffer, 0, aligned.byteLength / 2), at);
}
