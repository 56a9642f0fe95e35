/** Work for a task pool: some nanoseconds for each number. */
export default function squareSum(upTo) {
  let sum = 0;
  for (let i = 0; i < upTo; i++) sum = (Math.imul(sum, 31) + i) | 0;
  return sum;
}
