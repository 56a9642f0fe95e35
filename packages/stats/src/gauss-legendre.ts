/** Where to evaluate a function on −1 … 1, and with what weights, so that the sum is its integral. */
export interface QuadratureRule {
  readonly nodes: Float64Array;
  readonly weights: Float64Array;
}

const rules = new Map<number, QuadratureRule>();

/** The Gauss–Legendre rule of n nodes: exact for polynomials up to degree 2n − 1. Nodes ascend. */
export function gaussLegendre(n: number): QuadratureRule {
  const known = rules.get(n);
  if (known) return known;
  const rule = { nodes: new Float64Array(n), weights: new Float64Array(n) };
  for (let k = 0; k < n; k++) {
    // The classic first guess at a root of Legendre's polynomial; Newton's steps then double its digits.
    let x = -Math.cos((Math.PI * (k + 0.75)) / (n + 0.5));
    for (let step = 0; step < 8; step++) x -= legendre(n, x).value / legendre(n, x).slope;
    rule.nodes[k] = x;
    rule.weights[k] = 2 / ((1 - x * x) * legendre(n, x).slope ** 2);
  }
  rules.set(n, rule);
  return rule;
}

/** Legendre's polynomial of degree n and its derivative, by the three-term recurrence. */
function legendre(n: number, x: number): { value: number; slope: number } {
  let [previous, value] = [1, x];
  for (let k = 2; k <= n; k++) [previous, value] = [value, ((2 * k - 1) * x * value - (k - 1) * previous) / k];
  return { value, slope: (n * (x * value - previous)) / (x * x - 1) };
}
