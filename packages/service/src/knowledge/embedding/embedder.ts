/** Turns texts into vectors of length 1 whose inner products tell how alike the texts are. */
export interface Embedder {
  /** Tells whether two vectors may be compared: stored with each. */
  readonly model: string;
  readonly dimensions: number;
  /** One vector for each text, in order. */
  embed(texts: readonly string[], signal?: AbortSignal): Promise<readonly Float32Array[]>;
}

/** Makes the length 1; a vector without direction stays as it is. Changes the vector. */
export function normalize(vector: Float32Array): Float32Array {
  let squares = 0;
  for (const value of vector) squares += value * value;
  if (squares === 0) return vector;
  const factor = 1 / Math.sqrt(squares);
  for (let d = 0; d < vector.length; d++) vector[d] = (vector[d] as number) * factor;
  return vector;
}

/** Of vectors of length 1: the cosine of their angle, −1…1. */
export function cosine(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let d = 0; d < a.length; d++) sum += (a[d] as number) * (b[d] as number);
  return sum;
}
